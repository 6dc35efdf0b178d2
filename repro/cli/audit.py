"""``repro audit``: runs of a report, drawn at random, are made again and compared with what was published."""

import random
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..errors import SettingError
from ..experiment.devices import CPU
from ..experiment.tasks import Task
from ..plugin.gpus import visible
from ..report import stores
from ..report.bundle import Loaded, load
from ..report.recompute import ReadOnce
from ..report.remade import SURE, Cells, Difference, Values, differences, lines, would_be_found
from ..runs.conditions import Conditions
from ..runs.run import Run
from ..runs.store import Store
from ..science.data.sources import Source, cache_folder, resolve
from ..verdicts.declaration import UNDER
from ..words import counted
from .collecting import enter
from .group import Answer
from .output import text_of

Rates = Mapping[str, str]  # what a recipe sets SGD to, by batch size
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

    ``states``: of the states that its runs were in at equal training amount, and of trainings whose schedule is
    compressed to it, which take a part of the training alone; those that nothing was measured of are left out. Other
    claims than the paper's own are collected before, for they enter their tasks. ReproError: there is no report, its
    runs are not there, or there are not so many; the data are others.
    """
    enter(root, folder)
    loaded = load(artifacts)
    published = ReadOnce(stores.found(loaded, store))
    behind = [run for run in _runs(loaded, published) if run.steps is None or _measured(run, loaded, published)]
    runs = [run for run in behind if (run.steps is not None) is states]
    if not 1 <= count <= len(runs):
        raise SettingError(f"--runs {count}: must be from 1 to {len(runs)}, what there is to draw from")
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    conditions = _here(loaded, data_root)
    told = [f"{counted(count, 'run')} of {len(runs)}, drawn with --seed {seed}"]
    drawn, results = random.Random(seed).sample(runs, count), []
    others = [run for run in behind if run not in drawn]
    for run in drawn:
        again = run if run.device == CPU or visible() else replace(run, device=CPU)
        before, after, same = _remade(run, again, published, conditions)
        pools = _pools(run, others, loaded, published)
        found = differences(before, after, pools, count, same_weights=same)
        weights = "the same weights" if same else "other weights"
        where = "" if again == run else ", trained on a GPU and made again on a CPU"
        told += [f"{run}: {weights}{where}", *(lines(found) if found else [NOTHING])]
        results.append(found)
    return Answer(text_of([*told, *_conclusion(len(runs), results)]), all(one.agrees for of in results for one in of))


def _conclusion(total: int, results: Sequence[Sequence[Difference]]) -> list[str]:
    agree = [all(one.agrees for one in found) for found in results]
    if not all(agree):
        return [f"{agree.count(False)} of {len(agree)} are not what was published"]
    wrong, untold = would_be_found(total, len(agree)), [one for found in results for one in found if not one.tells]
    most = f"; of {counted(len(untold), 'measure')} seeds scatter so much that this cannot be told" if untold else ""
    return [
        f"all {len(agree)} are what was published, to within what they may differ by{most}; had {wrong} or more of the "
        f"{total} been wrong by more, such a draw would have met one with a probability of {SURE:.0%}"
    ]


def _runs(loaded: Loaded, store: Store) -> list[Run]:
    """The runs that the report rests on and the states of them that are stored, in the order of their keys."""
    behind = {key for entry in loaded.report.claims for key in entry.runs}
    stored = {key: run for key in store.keys() if (run := store.run(key))}  # noqa: SIM118  # no mapping
    if lost := sorted(behind - stored.keys()):
        lacks = f"lacks {counted(len(lost), 'run')} of the report, {lost[0]} for one"
        unknown = "or they are of tasks of others' claims, and --claims must name the folder of these"
        raise SettingError(f"{store.root}: {lacks}, {unknown}")
    return [run for key, run in sorted(stored.items()) if run.whole.key in behind]


def _measured(run: Run, loaded: Loaded, store: Store) -> bool:
    return store.measures(run, loaded.conditions.reading_of(run)) is not None


def _here(loaded: Loaded, data_root: str | None) -> Conditions:
    """The report's conditions, with its data where they lie here."""
    told = loaded.conditions.sources
    published = [name for name, source in told.items() if source.kind == "published"]
    here = {name: Source(name, "surrogate", cache_folder() / "surrogate") for name in told}
    here |= resolve(published, data_root, surrogate_allowed=False)
    return replace(loaded.conditions, sources=here)


def _remade(run: Run, again: Run, published: Store, conditions: Conditions) -> tuple[Values, Values, bool]:
    """What was measured of a run, what it comes to when it is made ``again``, and whether its weights are the same."""
    from ..runs.trainer import make  # torch takes seconds to import

    reading = conditions.reading_of(run)
    before = published.measures(run, reading)
    if before is None:
        raise SettingError(f"{run}: was not measured as the report says; `repro verify` says more")
    with tempfile.TemporaryDirectory() as folder:
        own = Store(Path(folder))
        own.prepare()
        make(again, reading, own, conditions)
        after = own.measures(again, reading)
        same = own.checksum_of_weights(again) == published.checksum_of_weights(run)
    assert after is not None
    return before["measures"], after["measures"], same


def _pools(run: Run, others: Sequence[Run], loaded: Loaded, store: Store) -> list[Cells]:
    """What was published of other runs of this kind, in cells that differ by their seed alone: the task's, the line's.

    A line is what a recipe sets at every batch size, as the report's declarations have it.
    """
    kind = (run.task, run.steps is None, run.compressed)
    alike = [other for other in others if (other.task, other.steps is None, other.compressed) == kind]
    own = [rates for rates in _lines(loaded, run.task) if _set_by(run, rates)]
    of_line = [other for other in alike if any(_set_by(other, rates) for rates in own)]
    return [_cells(of, loaded.conditions, store) for of in (alike, of_line)]


def _lines(loaded: Loaded, task: Task) -> list[Rates]:
    """What each recipe of a report sets on a task at each batch size."""
    terms = {name: told for entry in loaded.report.claims for name, told in entry.declaration.get(UNDER, {}).items()}
    return [told for name, told in terms.items() if name.endswith(f" on {task}") and isinstance(told, dict)]


def _set_by(run: Run, rates: Rates) -> bool:
    return rates.get(str(run.batch_size)) == str(run.sgd)


def _cells(runs: Iterable[Run], conditions: Conditions, store: Store) -> Cells:
    groups: dict[Run, list[Values]] = {}
    for run in runs:
        if (found := store.measures(run, conditions.reading_of(run))) is not None:
            groups.setdefault(replace(run, seed=0), []).append(found["measures"])
    return [*groups.values()]
