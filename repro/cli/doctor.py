"""``repro doctor``: what this machine has of what sessions need, what is wrong, and what to do about it."""

import importlib.metadata
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from ..errors import DataError, SettingError
from ..experiment.datasets import DATASETS
from ..files.locks import check_locks
from ..files.regular import at_home, is_folder
from ..plugin.options import STORE
from ..report.provenance import PACKAGES
from ..runs.rates import measured
from ..runs.store import Store
from ..science.data.sources import ENVIRONMENT, cache_folder, chosen_root, is_whole
from ..words import counted, printable
from .group import Answer
from .output import text_of

PROJECT: Final = "repro-batch-robustness"
NEEDED: Final = 2.0  # GiB: what the runs of a session at the paper's scale take, and room for its files
OK, NOTE, WRONG = "ok", "note", "WRONG"


class Found(NamedTuple):
    """One thing that was looked at: how it is, what it is, and what to do about it."""

    state: str
    what: str
    do: str = ""


def doctor(store: Path | None, data_root: str | None, *, gpu: bool) -> Answer:
    """Look at versions, CUDA, data, disk, store and cache. ``gpu``: that there is none is wrong.

    The answer is that all is right where nothing is wrong; what is a note is so for some sessions only.
    """
    place = at_home(str(store or STORE), "--store").absolute()
    parts = (_versions(), _cuda(gpu), _data(data_root), _disk(place), _store(place), _cache())
    found = [one for part in parts for one in part]
    wrong = sum(one.state == WRONG for one in found)
    lines = [
        line for one in found for line in (f"{one.state:<6} {one.what}", *([f"       {one.do}"] if one.do else []))
    ]
    last = "nothing is wrong" if not wrong else f"{wrong} of {len(found)} things are wrong"
    return Answer(text_of([*lines, "", last]), not wrong)


def _versions() -> Iterator[Found]:
    yield Found(OK, f"Python {platform.python_version()}")
    least = _least()
    for name in PACKAGES:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Found(WRONG, f"{name} is not installed", f"install it: pip install '{name}>={least.get(name, '0')}'")
            continue
        old = _numbers(version) < _numbers(least.get(name, "0"))
        do = f"install a newer one: pip install -U '{name}>={least[name]}'" if old else ""
        yield Found(WRONG if old else OK, f"{name} {version}", do)


def _least() -> dict[str, str]:
    """The least version of each package, as the installed project asks for it; nothing where it is not installed."""
    try:
        asked = importlib.metadata.requires(PROJECT) or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    return {found[1]: found[2] for line in asked if (found := re.match(r"([\w.-]+)>=([\d.]+)", line))}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0]))[:3]


def _cuda(gpu: bool) -> Iterator[Found]:
    try:
        import torch
    except (ImportError, OSError) as error:  # it is not installed, or its libraries are not those of this machine
        yield Found(WRONG, f"torch cannot be imported ({printable(str(error))})", "install it as pytorch.org says")
        return
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        yield Found(OK, f"CUDA {torch.version.cuda}: {', '.join(names)}")
    elif torch.version.cuda is None:
        yield Found(
            WRONG if gpu else NOTE, "this torch has no CUDA", "for --gpu: install one that has, from pytorch.org"
        )
    else:
        what = f"torch has CUDA {torch.version.cuda} and finds no device"
        yield Found(WRONG if gpu else NOTE, what, "for --gpu: see what nvidia-smi says, and CUDA_VISIBLE_DEVICES")


def _data(data_root: str | None) -> Iterator[Found]:
    """Each data set of this paper where a session would look for it; nothing is downloaded."""
    chosen = chosen_root(data_root)
    root, how = chosen or (cache_folder() / "data", "")
    do = f"put it there, or name its folder with --data-root or {ENVIRONMENT}; without one, sessions download it"
    for name in DATASETS:
        try:
            if is_whole(name, root):
                yield Found(OK, f"{name}: published files in {root}")
            elif how:  # which is taken at its word
                yield Found(
                    WRONG, f"{name} is not in {root}", f"{how} names that folder; put it there, or name another"
                )
            else:
                yield Found(NOTE, f"{name} is not in {root}", do)
        except DataError as error:
            yield Found(WRONG, str(error))


def _disk(store: Path) -> Iterator[Found]:
    for what, place in (("the store", store), ("temporary files", Path(tempfile.gettempdir()))):
        free = shutil.disk_usage(_existing(place)).free / 2**30
        enough = free >= NEEDED
        do = (
            ""
            if enough
            else f"{NEEDED:g} GiB are needed: free some (repro clean), or name another with --store, TMPDIR"
        )
        yield Found(OK if enough else WRONG, f"{free:.1f} GiB free for {what}, {place}", do)


def _store(place: Path) -> Iterator[Found]:
    """Whether runs can be kept: in the folder itself, or where there is none yet in the one that will hold it."""
    try:
        if place.is_dir():
            Store(place).prepare()
            yield Found(OK, f"store with {counted(len(Store(place).keys()), 'run')} in {place}")
        else:
            with tempfile.TemporaryDirectory(dir=_existing(place)) as folder:
                check_locks(Path(folder), f"--store {place}")
            yield Found(OK, f"no store yet in {place}; it can be made")
    except (OSError, SettingError) as error:
        yield Found(WRONG, f"runs cannot be kept in {place} ({error})", "name another folder with --store")


def _cache() -> Iterator[Found]:
    cache = cache_folder()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache):
            yield Found(OK, f"cache in {cache}")
    except OSError as error:
        what = f"nothing can be kept in the cache, {cache} ({error.strerror})"
        yield Found(WRONG, what, "make it writable, or name another with XDG_CACHE_HOME")
    rates = measured("cpu")
    known = (rates / "runs").is_dir()
    do = "" if known else "repro calibrate measures it in a minute"
    yield Found(OK if known else NOTE, f"this machine was {'' if known else 'not '}measured for plans", do)


def _existing(place: Path) -> Path:
    return next(folder for folder in (place, *place.parents) if is_folder(folder))
