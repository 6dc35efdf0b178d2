"""``repro audit``: runs of a report, drawn at random, are made again and compared with what was published."""

import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..errors import SettingError
from ..plugin.gpus import visible
from ..report import stores
from ..report.bundle import Loaded, load
from ..report.recompute import ReadOnce
from ..report.remade import SURE, Values, differences, lines, would_be_found
from ..runs.conditions import Conditions
from ..runs.run import Run, of_record
from ..runs.store import Store
from ..science.data.sources import Source, cache_folder, resolve
from ..words import counted
from .collecting import enter
from .group import Answer
from .output import text_of

NOTHING: Final = "  nothing could be measured of it, as it was published"


def audit(
    artifacts: Path,
    count: int,
    seed: int | None,
    store: Path | None,
    data_root: str | None,
    root: Path | None,
    folder: str,
    *,
    states: bool,
) -> Answer:
    """Make ``count`` runs of a report again and say which of them are what was published.

    ``states``: of the states that its runs were in at equal training amount, which take a part of the training alone.
    Other claims than the paper's own are collected before, for they enter their tasks. ReproError: there is no report,
    its runs are not there, or there are not so many; the data are others.
    """
    enter(root, folder)
    loaded = load(artifacts)
    if loaded.conditions.device == "cuda" and not visible():
        raise SettingError(f"{loaded.path}: its runs were trained on a GPU, and torch finds no CUDA device here")
    published = ReadOnce(stores.found(loaded, store))
    behind = _runs(loaded, published)
    runs = [run for run in behind if run.on_the_way is states]
    if not 1 <= count <= len(runs):
        raise SettingError(f"--runs {count}: must be from 1 to {len(runs)}, what there is to draw from")
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    conditions = _here(loaded, data_root)
    told = [f"{counted(count, 'run')} of {len(runs)}, drawn with --seed {seed}"]
    agree = []
    for run in random.Random(seed).sample(runs, count):
        before, after, same = _remade(run, published, conditions)
        cells = _cells(run, behind, published, conditions)
        found = differences(before, after, cells, count, same_weights=same)
        told += [f"{run}: {'the same weights' if same else 'other weights'}", *(lines(found) if found else [NOTHING])]
        agree.append(all(one.agrees for one in found))
    return Answer(text_of([*told, _conclusion(len(runs), agree)]), all(agree))


def _conclusion(total: int, agree: Sequence[bool]) -> str:
    if not all(agree):
        return f"{agree.count(False)} of {len(agree)} are not what was published"
    wrong = would_be_found(total, len(agree))
    return (
        f"all {len(agree)} are what was published; had {wrong} or more of the {total} been wrong, "
        f"such a draw would have met one with a probability of {SURE:.0%}"
    )


def _runs(loaded: Loaded, store: Store) -> list[Run]:
    """The runs that the report rests on and the states of them that are stored, in the order of their keys."""
    behind = {key for entry in loaded.report.claims for key in entry.runs}
    stored = {}
    for record, _ in store.sample(sys.maxsize):
        if run := of_record(record):
            stored[run.key] = run
    if lost := sorted(behind - stored.keys()):
        lacks = f"lacks {counted(len(lost), 'run')} of the report, {lost[0]} for one"
        unknown = "or they are of tasks of others' claims, and --claims must name the folder of these"
        raise SettingError(f"{store.root}: {lacks}, {unknown}")
    return [run for key, run in sorted(stored.items()) if run.whole.key in behind and not run.compressed]


def _here(loaded: Loaded, data_root: str | None) -> Conditions:
    """The report's conditions, with its data where they lie here."""
    told = loaded.conditions.sources
    published = [name for name, source in told.items() if source.kind == "published"]
    here = {name: Source(name, "surrogate", cache_folder() / "surrogate") for name in told}
    here |= resolve(published, data_root, surrogate_allowed=False)
    return replace(loaded.conditions, sources=here)


def _remade(run: Run, published: Store, conditions: Conditions) -> tuple[Values, Values, bool]:
    """What was measured of a run, what it comes to when it is made again, and whether its weights are the same."""
    from ..runs.trainer import make  # torch takes seconds to import

    reading = conditions.reading_of(run)
    before = published.measures(run, reading)
    if before is None:
        raise SettingError(f"{run}: was not measured as the report says; `repro verify` says more")
    with tempfile.TemporaryDirectory() as folder:
        own = Store(Path(folder))
        own.prepare()
        make(run, reading, own, conditions)
        after = own.measures(run, reading)
        same = own.checksum_of_weights(run) == published.checksum_of_weights(run)
    assert after is not None
    return before["measures"], after["measures"], same


def _cells(run: Run, behind: Sequence[Run], store: Store, conditions: Conditions) -> list[list[Values]]:
    """What was published of the task's other runs of this kind, in groups that differ by their seed alone."""
    groups: dict[Run, list[Values]] = {}
    for other in behind:
        found = store.measures(other, conditions.reading_of(other))
        if other.task == run.task and other.on_the_way is run.on_the_way and found is not None:
            groups.setdefault(replace(other, seed=0), []).append(found["measures"])
    return [*groups.values()]
