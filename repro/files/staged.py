"""Several files that belong together are put into a folder all or none, whatever happens in between.

They are written into a folder of their own, which is renamed once it is whole: from then on the new files count. Then
each takes its place. Who is cut short there leaves the renamed folder behind, in which readers find the new files
(``current``), and from which the next writer goes on.
"""

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from .text import TEMPORARY

WHOLE: Final = ".written"  # the folder with all of the new files, some of which have taken their places
ABANDONED: Final = 3600.0  # seconds after which what a writer left is that of one that died


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A folder to write files into, which take their places in ``folder`` when the block ends well.

    Where it does not, nothing has changed. OSError: they cannot be put there, since a folder has the name, say.
    A link of that name is replaced, and not followed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _finish(folder)
    remove_abandoned(folder)
    own = Path(tempfile.mkdtemp(dir=folder, prefix=f"{TEMPORARY}all-"))
    try:
        yield own
        for path in _files(own):
            target = folder / path.relative_to(own)
            if target.is_dir() and not target.is_symlink():
                raise IsADirectoryError(errno.EISDIR, f"{target} is a folder, and a file is to be there")
            with path.open("rb+") as file:
                os.fsync(file.fileno())
            path.chmod(0o644)
        own.rename(folder / WHOLE)
        _finish(folder)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _finish(folder: Path) -> None:
    """Put the files of a folder that is whole into their places."""
    whole = folder / WHOLE
    if whole.is_symlink() or not whole.is_dir():
        return
    for path in _files(whole):
        target = folder / path.relative_to(whole)
        target.parent.mkdir(exist_ok=True, parents=True)
        with suppress(FileNotFoundError):  # another process is at it, too
            path.replace(target)
    shutil.rmtree(whole, ignore_errors=True)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def remove_abandoned(folder: Path, names: str = "*") -> None:
    """Remove what writers left that were killed; others may be at work, so nothing that is of the last hour."""
    for left in folder.glob(f"{TEMPORARY}{names}"):
        with suppress(OSError):
            if time.time() - left.lstat().st_mtime > ABANDONED:
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()


def current(folder: Path, name: str) -> Path:
    """Where a file is that was put into a folder with others: in its place, or still on its way there."""
    waiting = folder / WHOLE / name
    return waiting if waiting.is_file() and not (folder / WHOLE).is_symlink() else folder / name
