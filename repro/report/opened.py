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
from typing import Any, Final

from ..errors import ReproError, SettingError
from ..experiment.recipes import Recipe
from ..experiment.tasks import Task
from ..runs.conditions import Conditions
from ..runs.run import Run
from ..runs.store import Record, Store
from ..verdicts.entry import Entry
from ..verdicts.figures import FIGURES
from ..words import did_you_mean
from . import bundle, stores
from .lines import Line, lines_of
from .recompute import ReadOnce

Row = dict[str, Any]
OF_RECORD: Final = ("steps", "training_amount", "diverged", "seconds")
NO_NUMBER: Final = ("instruments",)  # of measures: a table of checks


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
    """A report that was read, and the store of its runs."""

    loaded: bundle.Loaded
    store: Store

    @property
    def conditions(self) -> Conditions:
        """The conditions of its session."""
        return self.loaded.conditions

    @cached_property
    def lines(self) -> list[Line]:
        """A recipe on a task, for each that its claims speak of."""
        return lines_of(self.loaded)

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
        found = [row for line in self.lines for run in line.runs if (row := self._row(line, run)) is not None]
        if not found:
            raise ReproError(f"{self.store.root}: none of the runs that {self.loaded.path} speaks of is stored there")
        return found

    def figure(self, number: int) -> Any:
        """A figure of the paper as matplotlib has it, drawn from what is stored. SettingError: there is no such one."""
        if number not in FIGURES:
            raise SettingError(f"figure {number}: there is none; must be one of {min(FIGURES)} to {max(FIGURES)}")
        from .drawing.figures import composed

        decided = {run for entry in self.claims for run in entry.runs}
        return composed(FIGURES[number], self.store, self.conditions, decided)[0]

    def network(self, task: Task | str, recipe: Recipe | str, batch_size: int, seed: int = 0) -> Trained:
        """A network of the report, trained. SettingError: there is no such one in it; ReproError: it is not stored."""
        line = self._line(str(task), str(recipe))
        run = next((run for run in line.runs if (run.batch_size, run.seed) == (batch_size, seed)), None)
        if run is None:
            sizes = sorted({run.batch_size for run in line.runs})
            seeds = max(run.seed for run in line.runs)
            grid = f"batch sizes {', '.join(map(str, sizes))} and seeds 0 to {seeds}"
            raise SettingError(f"batch size {batch_size}, seed {seed}: is not in the report, which has {grid}")
        record, measures = self._stored(line, run)
        if record is None or measures is None:
            raise ReproError(f"{run} ({run.key}) is not in {self.store.root}")
        from ..runs.networks import trained

        return Trained(run, trained(run, self.store), record, measures)

    def _line(self, task: str, recipe: str) -> Line:
        known = dict.fromkeys(str(line.task) for line in self.lines)
        if task not in known:
            raise SettingError(f"task {task}: the report has {', '.join(known)}{did_you_mean(task, known)}")
        here = [line for line in self.lines if str(line.task) == task]
        for line in here:
            if recipe in (str(line.recipe), line.recipe.name if line.recipe.momentum == 0 else str(line.recipe)):
                return line
        names = [str(line.recipe) for line in here]
        raise SettingError(f"recipe {recipe}: of {task} the report has {', '.join(names)}{did_you_mean(recipe, names)}")

    def _stored(self, line: Line, run: Run) -> tuple[Record | None, Record | None]:
        """A run's record, and its measures under the first reading with those of the claims' own measures."""
        found = [self.store.measures(run, reading) for reading in line.readings]
        measures = {name: value for one in found if one for name, value in one["measures"].items()}
        return self.store.record(run), measures if found[0] is not None else None

    def _row(self, line: Line, run: Run) -> Row | None:
        record, measures = self._stored(line, run)
        if record is None or measures is None:
            return None
        return {
            "task": str(line.task),
            "recipe": line.recipe.name,
            "momentum": line.recipe.momentum,
            "batch_size": run.batch_size,
            "seed": run.seed,
            "learning_rate": run.sgd.learning_rate,
            **{name: record.get(name) for name in OF_RECORD},
            **{name: value for name, value in measures.items() if name not in NO_NUMBER},
            "run": run.key,
        }


def load(place: str | Path, store: str | Path | None = None) -> Opened:
    """Open the report in an artifacts folder, or of a report.json.

    ``store``: where its runs are kept, if not where it says. ReproError: there is no report, or not its runs.
    """
    loaded = bundle.load(Path(place))
    return Opened(loaded, ReadOnce(stores.found(loaded, None if store is None else Path(store))))


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
