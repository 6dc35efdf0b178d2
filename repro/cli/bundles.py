"""Bundles of finished runs: plain zip files that are stored, not compressed, each below a size.

A bundle holds files of a store under their names there, ``runs/KEY/run.json`` and the like, and nothing else. What is
in one comes from anywhere: every name is looked at before anything is read, nothing is read beyond the size of the
bundle, and nothing in it is executed or unpickled.
"""

import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..errors import ReproError
from ..files.regular import opened
from ..files.text import whole
from ..words import printable

NAME: Final = re.compile(
    r"runs/[0-9a-f]{20}/(run\.json|weights\.safetensors|measures-[0-9a-f]{20}\.json)|decided/[0-9a-f]{20}\.json"
)
BEGINS: Final = "runs-"
ENDS: Final = ".zip"
MOST: Final = 2**32  # bytes of a bundle that is read
MOST_FILES: Final = 100_000
END: Final = 100  # bytes of a bundle without files
OVERHEAD: Final = 300  # bytes that a zip file spends on each file in it, at most


def size(files: Mapping[str, Path]) -> int:
    """The bytes that some files take in a bundle, at most."""
    return END + sum(path.stat().st_size + OVERHEAD for path in files.values())


def write(path: Path, files: Mapping[str, Path]) -> None:
    """Write a bundle, whole or not at all: the same files make the same bytes."""
    with whole(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as bundle:
        for name, file in files.items():
            with opened(file) as content:
                bundle.writestr(zipfile.ZipInfo(name), content.read())


def bundles(place: Path) -> Sequence[Path]:
    """The bundles in a folder, or the one that is named. ReproError: there is none."""
    try:
        found = sorted(place.glob(f"{BEGINS}*{ENDS}")) if place.is_dir() else [place] if place.is_file() else []
    except OSError:  # a name that is too long
        found = []
    if not found:
        raise ReproError(f"{place}: must be a bundle, or a folder with bundles ({BEGINS}...{ENDS}), and is neither")
    return found


@contextmanager
def read(path: Path) -> Iterator[Iterator[tuple[str, bytes]]]:
    """The names and contents of a bundle, one after the other. ReproError: it is none, or holds what it must not."""
    try:
        with opened(path) as file, zipfile.ZipFile(file) as bundle:
            _check(bundle, path)
            yield ((one.filename, _content(bundle, one)) for one in bundle.infolist())
    except ReproError:
        raise
    except Exception as error:  # a zip file that is broken on purpose raises almost anything
        raise ReproError(f"{path}: is no bundle, or a damaged one ({printable(str(error))})") from None


def _check(bundle: zipfile.ZipFile, path: Path) -> None:
    size, files = path.stat().st_size, bundle.infolist()
    if size > MOST or len(files) > MOST_FILES or sum(one.file_size for one in files) > size:
        raise ReproError(f"{path}: holds more than a bundle may")
    if len({one.filename for one in files}) < len(files):
        raise ReproError(f"{path}: holds a file twice")
    for one in files:
        if not NAME.fullmatch(one.filename) or one.compress_type != zipfile.ZIP_STORED:
            raise ReproError(f"{path}: holds {printable(repr(one.filename))}, which is no file of a store")


def _content(bundle: zipfile.ZipFile, one: zipfile.ZipInfo) -> bytes:
    with bundle.open(one) as file:
        content = file.read(one.file_size + 1)
    if len(content) != one.file_size:
        raise ValueError(f"{one.filename} is not as long as it says")
    return content
