"""A report for a notebook: its verdicts, the numbers behind its curves, its figures, its trained networks.

report = repro.load("artifacts")
report.verdicts()
report.curves()
report.figure(9)
report.network("M1-MNIST", "LR/BS", 64, seed=0).model
"""

import importlib.util
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import ReproError, SettingError
from ..experiment.recipes import Recipe
from ..experiment.tasks import TASKS, Task
from ..runs.conditions import Conditions
from ..runs.run import Run
from ..runs.store import Record, Store
from ..verdicts.entry import Entry
from ..verdicts.figures import FIGURES
from ..words import did_you_mean
from . import bundle, stores
from .networks import Networks, Row
from .recompute import ReadOnce


@dataclass(frozen=True)
class Trained:
    """A trained network with what is stored of it: how its training went, and its measures."""

    run: Run
    model: Any  # of torch: pixels (N, C, H, W) in [0, 1] to logits (N, 10)
    record: Record
    measures: Record

    def __repr__(self) -> str:
        """A line, for a notebook shows what is opened."""
        return f"<{self.run}: {self.run.last_step:,} steps, .model, .record, .measures>"


@dataclass(frozen=True)
class Opened:
    """A report that was read. Its runs are looked for when they are asked for: a report alone has its verdicts."""

    loaded: bundle.Loaded
    named: Path | None = None  # where its runs are kept, if not where it says

    @cached_property
    def store(self) -> Store:
        """The store of its runs. SettingError: they are not there."""
        return ReadOnce(stores.found(self.loaded, self.named))

    @property
    def conditions(self) -> Conditions:
        """The conditions of its session."""
        return self.loaded.conditions

    @cached_property
    def _networks(self) -> Networks:
        """The networks behind its claims. ReproError: one is of a task that nobody has entered here."""
        found = Networks(self.claims, self.store, self.conditions)
        if strange := [task for task, _, _ in found.places if task not in TASKS]:
            raise ReproError(
                f"{self.loaded.path}: speaks of {strange[0]}, which is no task of this paper's: import the module that "
                "enters it (the conftest.py beside its claims) before"
            )
        return found

    @property
    def claims(self) -> tuple[Entry, ...]:
        """All that it holds of each claim test, whatever is installed."""
        return self.loaded.report.claims

    def verdicts(self) -> Any:
        """A row for each claim test: a DataFrame where pandas is there, else a list of dictionaries."""
        return frame(map(_verdict, self.claims))

    def curves(self) -> Any:
        """A row for each run that a claim speaks of and that is stored: how it was trained, and all its measures."""
        return frame(self.rows())

    def rows(self) -> list[Row]:
        """The rows of ``curves``, as dictionaries whatever is installed. ReproError: none of the runs is stored."""
        found = [network.row for network in self._networks]
        if not found:
            raise ReproError(f"{self.store.root}: none of the runs that {self.loaded.path} speaks of is stored there")
        return found

    @property
    def missing(self) -> list[str]:
        """The keys of the runs that a claim speaks of and that are not stored, so that ``curves`` lacks them."""
        return self._networks.missing

    def figure(self, number: int) -> Any:
        """A figure of the paper as matplotlib has it, drawn from what is stored.

        SettingError: there is no such one, or the report is of none of its data.
        """
        if number not in FIGURES:
            raise SettingError(f"figure {number}: there is none; must be one of {min(FIGURES)} to {max(FIGURES)}")
        strange = {curve.task.dataset.name for curve in FIGURES[number].curves} - self.conditions.sources.keys()
        if strange:
            has = ", ".join(map(str, self.loaded.report.session.figures)) or "none"
            raise SettingError(f"figure {number}: is of {min(strange)}, and the report is not; its figures are {has}")
        from .drawing.figures import composed

        decided = {run for entry in self.claims for run in entry.runs}
        return composed(FIGURES[number], self.store, self.conditions, decided)[0]

    def network(self, task: Task | str, recipe: Recipe | str, batch_size: int, seed: int = 0) -> Trained:
        """A network of the report, trained. SettingError: there is no such one in it; ReproError: it is not stored."""
        places, name = self._networks.places, self._recipe(str(task), str(recipe))
        grid = {size: keys for (of, by, size), keys in places.items() if (of, by) == (str(task), name)}
        if not 0 <= seed < len(grid.get(batch_size, ())):
            sizes, seeds = ", ".join(map(str, sorted(grid))), max(map(len, grid.values())) - 1
            has = f"batch sizes {sizes} and seeds 0 to {seeds}"
            raise SettingError(f"batch size {batch_size}, seed {seed}: is not in the report, which has {has}")
        key = grid[batch_size][seed]
        found = self._networks.network(name, key)
        if found is None:
            where = f"{name} on {task}, batch size {batch_size}, seed {seed}"
            raise ReproError(f"{where} ({key}): is not in {self.store.root}")
        from ..runs.networks import trained

        return Trained(found.run, trained(found.run, self.store), found.record, found.measures)

    def _recipe(self, task: str, named: str) -> str:
        """A recipe as the report's curves on a task call it; without momentum it need not be told."""
        places = self._networks.places
        if task not in (known := dict.fromkeys(of for of, _, _ in places)):
            raise SettingError(f"task {task}: the report has {', '.join(known)}{did_you_mean(task, known)}")
        here = dict.fromkeys(recipe for of, recipe, _ in places if of == task)
        if found := next((recipe for recipe in here if named in (recipe, recipe.removesuffix(" m=0"))), ""):
            return found
        raise SettingError(f"recipe {named}: of {task} the report has {', '.join(here)}{did_you_mean(named, here)}")


def load(place: str | Path, store: str | Path | None = None) -> Opened:
    """Open the report in an artifacts folder, or of a report.json.

    ``store``: where its runs are kept, if not where it says. ReproError: there is no report.
    """
    return Opened(bundle.load(Path(place)), None if store is None else Path(store))


def frame(rows: Iterable[Mapping[str, Any]]) -> Any:
    """Rows as a DataFrame where pandas is installed, else as they are, in a list."""
    found = [dict(row) for row in rows]
    if importlib.util.find_spec("pandas") is None:
        return found
    import pandas

    return pandas.DataFrame(found)


def _verdict(entry: Entry) -> Row:
    low, high = entry.interval
    names = ("section", "says", "task", "standing", "verdict", "outcome", "estimate")
    rest = ("unit", "shown", "margin", "p", "seeds", "declared", "rerun")
    return {
        "claim": entry.id,
        "case": entry.case,
        **{name: getattr(entry, name) for name in names},
        "low": low,
        "high": high,
        **{name: getattr(entry, name) for name in rest},
    }
