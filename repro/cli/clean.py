"""``repro clean``: frees what a store keeps and no session of this version will read."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import click
import filelock
import msgspec

from ..errors import ReproError
from ..experiment.readings import Reading
from ..files.aside import DAMAGED
from ..files.locks import locked
from ..files.regular import read_json
from ..files.staged import ABANDONED
from ..files.text import TEMPORARY
from ..plugin.options import ARTIFACTS, STORE
from ..report import stores
from ..runs.integrity import MEASURES, RECORD
from ..runs.layout import BESIDE
from ..runs.run import of_record
from ..runs.store import WEIGHTS_FILE, measures_name
from ..words import counted
from .group import Answer
from .output import text_of
from .pack import lock_of

LEFT: Final = "left by a process that was killed, or damaged"
OLD: Final = "of another version of the code"
WEIGHTS: Final = "weights of runs that are measured: a new reading of them would be an error"
ALL: Final = "runs with all that was measured of them"


class Freed(NamedTuple):
    """A file that would be freed, the run it belongs to, if it is in one's folder, and why it can be."""

    path: Path
    run: str
    why: str
    size: int  # bytes


def clean(store: Path | None, *, weights: bool, everything: bool, yes: bool) -> Answer:
    """Say what would be freed, ask, and free it. SettingError: there is no store, or it is of a newer version.

    ``weights``: of runs that are measured, too; ``everything``: all runs; ``yes``: without being asked.
    """
    places = [store] if store else [STORE, Path(ARTIFACTS, BESIDE)]
    none = f"{' and '.join(map(str, places))}: no store is there; name one with --store"
    place = stores.first(places, none)
    found = [*_aside(place), *_found(place / "runs", weights, everything)]
    lines = [f"store {place}"]
    for why in dict.fromkeys(one.why for one in found):
        mine = [one for one in found if one.why == why]
        runs = {one.run for one in mine} - {""}
        of = f" of {counted(len(runs), 'run')}" if runs else ""
        lines.append(f"{_size(mine):>10}  {counted(len(mine), 'file')}{of}: {why}")
    if not found:
        return Answer(
            text_of([*lines, "nothing to free" + ("" if weights or everything else "; see --weights, --all")])
        )
    if not yes:
        click.echo(text_of(lines))
        try:
            wanted = click.confirm(f"Free {_size(found)}?")
        except click.Abort:  # nobody is there to answer, or Ctrl-C
            raise ReproError("stopped; nothing was changed") from None
        if not wanted:
            return Answer("nothing was freed")
    freed = [one for run in dict.fromkeys(one.run for one in found) for one in _free(place, run, found)]
    busy = len({one.run for one in found} - {one.run for one in freed})
    kept = f"; {counted(busy, 'run')} left alone, for a session is at work on them" if busy else ""
    return Answer(text_of([*(lines if yes else []), f"freed {_size(freed)}{kept}"]))


def _aside(place: Path) -> Iterator[Freed]:
    """What was set aside beside the runs' folders and the decisions: a link or a file, whatever it leads to."""
    for path in sorted(path for name in ("runs", "decided") for path in (place / name).glob(f"*{DAMAGED}*")):
        if path.is_symlink() or path.is_file():
            yield Freed(path, "", LEFT, path.lstat().st_size)


def _found(runs: Path, weights: bool, everything: bool) -> Iterator[Freed]:
    for folder in sorted(path for path in runs.iterdir() if path.is_dir() and not path.is_symlink()):
        why = _why(folder, weights, everything)
        for path in sorted(path for path in folder.iterdir() if path.is_file()):
            if reason := why(path):
                yield Freed(path, folder.name, reason, path.stat().st_size)


def _why(folder: Path, weights: bool, everything: bool) -> Callable[[Path], str]:
    """Why each file of a run can be freed; it cannot where there is no reason."""
    old = _of_another_version(folder)
    measured, recorded = any(folder.glob(f"{MEASURES}*.json")), (folder / RECORD).exists()

    def why(path: Path) -> str:
        if not recorded and time.time() - path.stat().st_mtime < ABANDONED:
            return ""  # of a state that is being stored, perhaps: only its record names the run whose lock is held
        if path.name.startswith(TEMPORARY) or DAMAGED in path.name:
            return LEFT
        if old or (path.name.startswith(MEASURES) and _otherwise_measured(path)):
            return OLD
        if everything:
            return ALL
        return WEIGHTS if weights and measured and path.name == WEIGHTS_FILE else ""

    return why


def _of_another_version(folder: Path) -> bool:
    """Whether a run's key is not the one that this version would look for; what cannot be read is left as it is."""
    try:
        run = of_record(read_json(folder / RECORD))
    except (OSError, ValueError):
        return False
    return run is not None and run.key != folder.name


def _otherwise_measured(path: Path) -> bool:
    """Whether measures are not those that this version would look for."""
    try:
        reading = msgspec.convert(read_json(path)["reading"], Reading)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return path.name != measures_name(reading)


def _free(place: Path, run: str, found: list[Freed]) -> Iterator[Freed]:
    """Free the files of one run under its lock; its record first, so that half a run is taken for none."""
    mine = sorted((one for one in found if one.run == run), key=lambda one: one.path.name != RECORD)
    folder = place / "runs" / run
    try:
        with locked(place / "locks" / lock_of(folder), f"--store {place}", timeout=0):
            for one in mine:
                one.path.unlink(missing_ok=True)
                yield one
            if run and not any(folder.iterdir()):
                folder.rmdir()
    except filelock.Timeout:
        return


def _size(found: list[Freed]) -> str:
    size = float(sum(one.size for one in found))
    for unit in ("bytes", "KB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
