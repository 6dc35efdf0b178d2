"""What a worker has: which project, which torch, which data, which GPU. Free of torch unless a GPU is asked for.

``describe`` and ``receive`` run in the worker. A data set is known by the hashes of the session's own files, not by
where it lies: a worker that finds the same bytes in its own data root reads them there, and to any other the session
sends its files once a node.
"""

import hashlib
import importlib.metadata
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from ..errors import SettingError
from ..experiment.datasets import DATASETS
from ..files.text import whole
from ..science.computing.memory import GPU_SHARE, TENSORS
from ..science.data.sources import Kind, Source, cache_folder, chosen_root, surrogate_file

PROJECT: Final = "repro-batch-robustness"
HERE: Final = Path(__file__).parents[1]
GPU: Final = "GPU"  # the resource that a worker with a share of a GPU has so much of


@dataclass(frozen=True)
class Passport:
    """What has to agree between a session and its workers for a run to end in the same weights."""

    project: str  # its version and the hash of its files
    torch: str

    def differs(self, other: "Passport") -> str:
        """What the other has that this one has not, in words; empty if they agree."""
        found = (("project", self.project, other.project), ("torch", self.torch, other.torch))
        return " and ".join(f"{name} {there} where the session has {own}" for name, own, there in found if own != there)


@cache
def passport() -> Passport:
    """That of this process."""
    digest = hashlib.sha256()
    for path in sorted(HERE.rglob("*.py")):
        digest.update(f"{path.relative_to(HERE).as_posix()}\0".encode() + path.read_bytes())
    version = importlib.metadata.version(PROJECT)
    return Passport(f"{version} ({digest.hexdigest()[:8]})", importlib.metadata.version("torch"))


@dataclass(frozen=True)
class Files:
    """The files of a data set below its root, each with its SHA-256: what a worker has to have of it."""

    dataset: str
    kind: Kind
    hashes: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        """A name for this content."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:20]


FOUND: Final[dict[Files, Source]] = {}  # by this process


def files_of(source: Source) -> Files:
    """What the session's own data set consists of. SettingError: its surrogate cannot be kept in the cache."""
    if source.kind == "surrogate":
        from ..science.data.surrogate import surrogate  # torch takes seconds to import

        surrogate(source.dataset, source.root)  # renders it where that was not done yet
        names = [surrogate_file(source.dataset)]
    else:
        names = sorted(DATASETS[source.dataset].files)
    try:
        return Files(source.dataset, source.kind, tuple((name, _sha256(source.root / name)) for name in names))
    except OSError as error:
        raise SettingError(
            f"--cluster: workers are sent {source.dataset}, which must be in {source.root} ({error.strerror})"
        ) from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find(files: Files) -> Source | None:
    """Where this machine has exactly these files: below its own data root, or where they were received.

    What was found is remembered; what was not may have been received by another process of this machine meanwhile.
    """
    if files not in FOUND and (source := _looked_for(files)) is not None:
        FOUND[files] = source
    return FOUND.get(files)


def _looked_for(files: Files) -> Source | None:
    for root in (_own_root(files.kind), received(files)):
        paths = [(root / name, digest) for name, digest in files.hashes]
        if all(path.is_file() for path, _ in paths) and all(_sha256(path) == digest for path, digest in paths):
            return Source(files.dataset, files.kind, root)
    return None


def _own_root(kind: Kind) -> Path:
    if kind == "surrogate":
        return cache_folder() / "surrogate"
    chosen = chosen_root(None)
    return chosen[0] if chosen else cache_folder() / "data"


def received(files: Files) -> Path:
    """The folder into which a data set is received."""
    return cache_folder() / "received" / files.key


def receive(files: Files, name: str, content: bytes) -> None:
    """Store one file of a data set that the session sent. OSError: the user's cache folder cannot be written."""
    path = received(files) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as temporary:
        temporary.write_bytes(content)


@dataclass(frozen=True)
class Description:
    """What a worker says of itself."""

    passport: Passport
    host: str
    cache: str  # the user's cache folder there, which containers of one host may have each for itself
    lacks: tuple[Files, ...]  # of the data sets that were asked for
    unknown: tuple[str, ...]  # data sets that its project does not have
    gpus: int  # that it sees; 0 where no GPU was asked for


def describe(wanted: tuple[Files, ...], gpu: bool, dask_worker: Any = None) -> Description:
    """What this worker is; ``dask_worker`` is put in by Dask. A worker with a share of a GPU will keep to it."""
    gpus = 0
    if gpu:
        import torch

        gpus = torch.cuda.device_count()
        share = dask_worker.state.total_resources.get(GPU)
        if share:
            _keep_to(share, os.environ)
    unknown = tuple(files.dataset for files in wanted if files.dataset not in DATASETS)
    lacks = tuple(files for files in wanted if files.dataset not in unknown and find(files) is None)
    return Description(passport(), platform.node(), str(cache_folder()), lacks, unknown, gpus)


def _keep_to(share: float, environment: Any) -> None:
    environment[GPU_SHARE] = f"{TENSORS * min(1.0, share):.4f}"


def refusal(own: Passport, there: Description, gpu: bool, resources: Mapping[str, float]) -> str:
    """Why a worker cannot be taken, in words; empty if it can."""
    if differs := own.differs(there.passport):
        return f"it has {differs}"
    if there.unknown:
        return f"its project has no data set {', '.join(there.unknown)}; have it loaded with --preload"
    if gpu and not resources.get(GPU):
        return "it has no resource GPU; start it with --resources GPU=1, or the share of a GPU that it may take"
    if gpu and there.gpus != 1:
        return f"it sees {there.gpus} GPUs; start it with CUDA_VISIBLE_DEVICES naming the one that it is to use"
    return ""
