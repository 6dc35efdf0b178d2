"""Where a data set comes from: which folder holds it, whether its files are whole, or that it has to be the surrogate.

Free of torch, so that a plan can say what it would use; torch is only imported to download. The order of search is
``--data-root``, the environment variable ``REPRO_DATA``, the user's cache folder, a download into that folder.
"""

import hashlib
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from ...errors import DataError, SettingError
from ...experiment.datasets import DATASETS, PAPERS, Dataset
from ...files.locks import locked
from ...files.regular import at_home, is_folder
from ...words import printable, seen_from

ENVIRONMENT: Final = "REPRO_DATA"
FOLDER: Final = "repro-batch-robustness"  # the name of the folder in the user's cache
Kind = Literal["published", "surrogate"]

SURROGATE_VERSION: Final = 1  # part of the keys of runs on the surrogate: raise it when a pixel changes
SURROGATE_TRAIN: Final = 20_000  # training images of the surrogate, those for validation included


def surrogate_file(name: str) -> str:
    """The file of a data set's surrogate; of one that is not the paper's it is of the shape that this has."""
    described = DATASETS[name]
    shape = "" if name in PAPERS else f"-{described.channels}x{described.side}"
    return f"surrogate-{name}{shape}-v{SURROGATE_VERSION}.npz"


def training_images(dataset: Dataset, kind: Kind) -> int:
    """How many images the training split has; the surrogate's is smaller than the published one, in proportion."""
    if kind == "published":
        return dataset.train
    return SURROGATE_TRAIN * dataset.train // (dataset.train + dataset.validation)


@dataclass(frozen=True)
class Source:
    """Where one data set is read from; ``root`` is torchvision's root, or the surrogate's cache folder."""

    dataset: str
    kind: Kind
    root: Path

    @property
    def text(self) -> str:
        """What headers and reports say of it, in one phrase."""
        if self.kind == "surrogate":
            return f"{self.dataset} (SURROGATE: rendered glyphs, not the data set)"
        return f"{self.dataset} (published files in {seen_from(Path.cwd(), self.root)})"


def cache_folder() -> Path:
    """The project's folder in the user's cache; without platformdirs it is where it would be on Linux."""
    try:
        import platformdirs
    except ModuleNotFoundError:  # some images of clusters lack it and have everything else
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / FOLDER
    return platformdirs.user_cache_path(FOLDER)


def chosen_root(option: str | None) -> tuple[Path, str] | None:
    """The folder that the user named and how (option or environment variable), or None. SettingError: it is none."""
    if option is not None:
        return at_home(option, "--data-root"), "--data-root"
    value = os.environ.get(ENVIRONMENT)
    return (at_home(value, ENVIRONMENT), ENVIRONMENT) if value else None


def resolve(
    names: Iterable[str], option: str | None, *, surrogate_allowed: bool, download: bool = True
) -> dict[str, Source]:
    """Find the named data sets, downloading what is nowhere if ``download`` (else assuming that it could be had).

    A folder that the user named is taken at its word: nothing is downloaded into it and nothing else is looked at.
    SettingError: it is no folder, or lacks one of the data sets. DataError: a file is damaged, or a data set cannot be
    had and the surrogate is not allowed.
    """
    chosen = chosen_root(option)
    if chosen is not None:
        return {name: _from_chosen(name, *chosen) for name in names}
    return {name: _from_cache(name, surrogate_allowed, download) for name in names}


def _from_chosen(name: str, root: Path, how: str) -> Source:
    if not is_folder(root):
        raise SettingError(
            f"{how} {printable(str(root))}: must be a folder that holds {name} as torchvision lays it out"
        )
    if not is_whole(name, root):
        example = next(iter(DATASETS[name].files))
        raise SettingError(
            f"{how} {printable(str(root))}: holds no {name}; its files are expected there, like {example}"
        )
    return Source(name, "published", root)


def _from_cache(name: str, surrogate_allowed: bool, download: bool) -> Source:
    root = cache_folder() / "data"
    if _is_whole_now(name, root) or not download or _downloaded(name, root):
        return Source(name, "published", root)
    if surrogate_allowed:
        return Source(name, "surrogate", cache_folder() / "surrogate")
    raise DataError(
        f"{name} is not in {root} and could not be downloaded: put its files there, "
        f"or name the folder that has them with --data-root or {ENVIRONMENT}"
    )


def _is_whole_now(dataset: str, root: Path) -> bool:
    """The same of the cache, once nobody is downloading into it: what looks damaged may be half a file."""
    try:
        return is_whole(dataset, root)
    except DataError:
        if not _lock_of(dataset, root).exists():
            raise
        with locked(_lock_of(dataset, root), "the cache"):
            return is_whole(dataset, root)


def _lock_of(dataset: str, root: Path) -> Path:
    return root / f"{dataset}.lock"


def is_whole(dataset: str, root: Path) -> bool:
    """Whether all files of a data set are below ``root``; DataError if one is there but not as published."""
    paths = {root / name: md5 for name, md5 in DATASETS[dataset].files.items()}
    present = [path for path in paths if path.is_file()]
    for path in (path for path in present if paths[path]):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        if digest != paths[path]:
            raise DataError(
                f"{path}: damaged ({path.stat().st_size:,} bytes, MD5 {digest}, published {paths[path]}); "
                "delete it and download it anew"
            )
    return bool(paths) and len(present) == len(paths)


def _downloaded(dataset: str, root: Path) -> bool:
    """Try to download a data set through torchvision; False where the network or the disk does not let it."""
    import torchvision  # it takes half a second to import, and is only needed here

    known = getattr(torchvision.datasets, dataset, None)
    if known is None:
        return False
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(20)  # seconds; a mirror that has not answered by then is left
    try:
        root.mkdir(parents=True, exist_ok=True)
        with locked(_lock_of(dataset, root), "the cache"):
            known(root, train=True, download=True)
    except (
        OSError,
        RuntimeError,
        SettingError,
    ):  # URLError is an OSError; torchvision raises RuntimeError for bad files
        return False
    finally:
        socket.setdefaulttimeout(timeout)
    return is_whole(dataset, root)
