"""``python -m repro pack`` and ``unpack``: finished runs in files below a size, carried from one store to another."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..errors import ReproError, SettingError
from ..files.aside import set_aside
from ..files.locks import locked
from ..files.regular import checksum
from ..files.staged import remove_abandoned
from ..files.text import TEMPORARY
from ..plugin.options import STORE
from ..report import stores
from ..report.store_check import StoreCheck, decided, of_run
from ..runs.integrity import RECORD, believed
from ..runs.run import hash_of
from ..runs.store import WEIGHTS_FILE, Store
from ..words import counted
from .bundles import BEGINS, ENDS, MOST, bundles, read, size, write
from .group import Answer
from .output import text_of

MIB: Final = 2**20


def pack(out: Path, store: Path | None, most_mib: int) -> Answer:
    """Write a store's sound runs into bundles of at most so many MiB; what was done, and whether nothing was left out.

    Weights that do not fit into a bundle are left out, without which a run is a full member of a store. ReproError:
    there is no store, or there are bundles already.
    """
    root = STORE if store is None else store
    stores.first([root], f"--store {root}: {stores.MUST}")
    if not 1 <= most_mib <= MOST // MIB:
        raise SettingError(f"--max-mib {most_mib}: must be from 1 to {MOST // MIB}, the most that is unpacked")
    _prepare(out)
    checked = StoreCheck()
    folders = sorted((root / "runs").iterdir())
    runs = [_light(files, most_mib * MIB) for folder in folders if (files := of_run(folder, checked))]
    light = sum(not any(name.endswith(WEIGHTS_FILE) for name in files) for files in runs)
    rest = [_named([path]) for path in decided(root, checked)]
    try:
        written = _written(out, [*runs, *rest], most_mib * MIB)
    except OSError as error:
        raise SettingError(f"{out}: bundles cannot be written to it ({error.strerror})") from None
    says = f"{counted(len(runs), 'run')}, {light} of them without weights, in {counted(written, 'file')} in {out}"
    return Answer(text_of([says, *_left_out(checked.damaged)]), not checked.damaged)


def _prepare(out: Path) -> None:
    """Make the folder for bundles. SettingError: it cannot be made or written to, or holds some already."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.glob(f"{BEGINS}*{ENDS}")):
            raise SettingError(f"{out}: holds bundles already; name another folder, or remove them")
    except OSError as error:
        raise SettingError(f"{out}: must be a folder that can be written to ({error.strerror})") from None


def _named(files: list[Path]) -> dict[str, Path]:
    """Files of a store under their names in it."""
    return {"/".join(path.parts[-3 if path.parent.name != "decided" else -2 :]): path for path in files}


def _light(files: list[Path], most: int) -> dict[str, Path]:
    named = _named(files)
    if size(named) <= most:
        return named
    return {name: path for name, path in named.items() if path.name != WEIGHTS_FILE}


def _written(out: Path, runs: list[dict[str, Path]], most: int) -> int:
    """Fill bundle after bundle with whole runs; their number."""
    filled: list[dict[str, Path]] = [{}]
    for files in runs:
        if filled[-1] and size(filled[-1]) + size(files) > most:
            filled.append({})
        filled[-1] |= files
    for number, files in enumerate(filled, 1):
        write(out / f"{BEGINS}{number:03}{ENDS}", files)
    return len(filled)


def unpack(place: Path, store: Path | None) -> Answer:
    """Put the runs of bundles into a store: what was done, and whether all of them were sound.

    What is there stays as it is; what it lacks is added. A bundle that is none is left out, and the others are not.
    ReproError: there is no other, or the store cannot be used.
    """
    root, paths = STORE if store is None else store, bundles(place)
    Store(root).prepare()
    remove_abandoned(root, "unpacked-*")
    checked, counts = StoreCheck(), {"new": 0, "completed": 0, "there already": 0}
    unread: list[ReproError] = []
    for path in paths:
        with tempfile.TemporaryDirectory(dir=root, prefix=f"{TEMPORARY}unpacked-") as own:
            try:
                _extract(path, Path(own))
            except SettingError:
                raise
            except ReproError as error:
                unread.append(error)
                continue
            for found in _put(Path(own), root, checked):
                counts[found] += 1
            checked.damaged = [line.replace(f"{own}/", "") for line in checked.damaged]
    if len(unread) == len(paths):
        raise unread[0]
    wrong = [*map(str, unread), *checked.damaged]
    says = ", ".join(f"{number} {what}" for what, number in counts.items())
    return Answer(text_of([f"runs in {root}: {says}", *_left_out(wrong)]), not wrong)


def _left_out(damaged: list[str]) -> list[str]:
    return [f"left out, for it is damaged: {line}" for line in damaged]


def _extract(path: Path, own: Path) -> None:
    """ReproError: it is no bundle. SettingError: the store cannot take it."""
    with read(path) as files:
        for name, content in files:  # each of the form of a store's file, and so below this folder
            try:
                (own / name).parent.mkdir(parents=True, exist_ok=True)
                (own / name).write_bytes(content)
            except OSError as error:
                raise SettingError(f"--store {own.parent}: cannot be written to ({error.strerror})") from None


def _put(own: Path, root: Path, checked: StoreCheck) -> Iterator[str]:
    """Move what is sound into the store, run by run; what became of each."""
    for path in decided(own, checked):
        (root / "decided").mkdir(exist_ok=True)
        path.replace(root / "decided" / path.name)
    folders = sorted((own / "runs").iterdir()) if (own / "runs").is_dir() else []
    for folder in folders:
        if files := of_run(folder, checked):
            with locked(root / "locks" / lock_of(folder), f"--store {root}"):
                yield _merged(files, root / "runs" / folder.name)


def lock_of(folder: Path) -> str:
    """The name of a stored run's lock: that of the whole run, of which it may be a state on the way.

    Of a folder without a record its own name: what it is a state of is not known.
    """
    try:
        told = believed(folder / RECORD).content["run"]
    except (OSError, ValueError):
        return f"{folder.name}.lock"
    whole = {name: value for name, value in told.items() if name != "compressed"}
    return f"{hash_of({**whole, 'steps': None}) if told.get('steps') else folder.name}.lock"


def _merged(files: list[Path], there: Path) -> str:
    """Add to a run what it lacks, if that is of the same weights; the caller holds its lock."""
    own = of_run(there, StoreCheck()) if there.is_dir() and not there.is_symlink() else []
    if not own:
        if os.path.lexists(there) and not there.is_dir():
            set_aside(there)
        there.mkdir(parents=True, exist_ok=True)
    elif not _alike(files, own):
        return "there already"  # trained elsewhere, to other last bits
    known = {path.name for path in own}
    lacking = [path for path in files if path.name not in known]
    for path in sorted(lacking, key=lambda path: path.name == RECORD):  # the record last, which makes it a run
        path.replace(there / path.name)
    return "new" if not own else "completed" if lacking else "there already"


def _alike(files: list[Path], own: list[Path]) -> bool:
    here, there = (believed(next(path for path in of if path.name == RECORD)) for of in (files, own))
    if None not in (here.weights, there.weights):
        return here.weights == there.weights
    weights = [path for of in (files, own) for path in of if path.name == WEIGHTS_FILE]
    return here == there and len({checksum(path) for path in weights}) <= 1
