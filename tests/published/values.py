"""The measured values behind the published verdicts: means over seeds, by task, recipe and batch size."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from statistics import mean, stdev

from repro.experiment.readings import PIXELS
from repro.experiment.recipes import Recipe
from repro.experiment.regimes import TRAINED
from repro.experiment.tasks import TASKS, Task
from repro.report.bundle import Report, load
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.verdicts.figures import SETTINGS

from .findings import PUBLISHED


@dataclass(frozen=True)
class Cell:
    """What the runs of one task, recipe and batch size came to: each measure of each seed, and the learning rate."""

    learning_rate: float
    momentum: float
    amount: float
    seeds: tuple[Mapping[str, float], ...]

    def mean(self, measure: str) -> float:
        """The mean of a measure over the seeds."""
        return mean(seed[measure] for seed in self.seeds)

    def spread(self, measure: str) -> float:
        """The standard deviation of a measure over the seeds."""
        return stdev(seed[measure] for seed in self.seeds)

    def least(self, measure: str) -> float:
        """The smallest that any seed has."""
        return min(seed[measure] for seed in self.seeds)

    @property
    def ceiling(self) -> float:
        """Above which curvature plain gradient descent with this learning rate and momentum is unstable."""
        return 2 * (1 + self.momentum) / self.learning_rate


@dataclass(frozen=True)
class Line:
    """A recipe on a task, measured at each batch size."""

    task: Task
    recipe: Recipe
    cells: Mapping[int, Cell]

    @property
    def ends(self) -> tuple[Cell, Cell]:
        """The smallest and the largest batch size."""
        return self.cells[min(self.cells)], self.cells[max(self.cells)]

    def lowest(self, measure: str) -> float:
        """The smallest of the batch sizes' means."""
        return min(cell.mean(measure) for cell in self.cells.values())

    def highest(self, measure: str) -> float:
        """The largest of the batch sizes' means."""
        return max(cell.mean(measure) for cell in self.cells.values())

    def widest(self, measure: str) -> float:
        """The largest of the batch sizes' standard deviations."""
        return max(cell.spread(measure) for cell in self.cells.values())


def in_pixels(measured: Iterable[Line]) -> list[Line]:
    """The same lines as they are measured with epsilon as a share of a pixel's range."""
    conditions, store = load(PUBLISHED).conditions, Store(PUBLISHED / "store")
    found = []
    for line in measured:
        (other,) = (other for other in conditions.alternatives(line.task) if other.name == PIXELS)
        cells = {}
        for size, cell in line.cells.items():
            taken = (store.measures(run, other.reading) for run in conditions.runs(line.task, line.recipe, (size,)))
            cells[size] = replace(cell, seeds=tuple(stored["measures"] for stored in taken if stored))
        found.append(replace(line, cells=cells))
    return found


def undertrained(measured: Iterable[Line]) -> str:
    """The batch sizes at which some seed has not fitted its training data, in words."""
    found = [
        f"{line.recipe} on {line.task} at {' and '.join(map(str, sizes))}"
        for line in measured
        if (sizes := [size for size, cell in line.cells.items() if cell.least("train_accuracy") < TRAINED])
    ]
    return ", ".join(found) or "none"


def lines(report: Report) -> list[Line]:
    """The lines that verdicts of the report rest on, with all that was measured of them."""
    conditions, store = load(PUBLISHED).conditions, Store(PUBLISHED / "store")
    behind = {run for entry in report.claims for run in entry.runs}
    tasks = [task for task in TASKS.values() if any(entry.task == str(task) for entry in report.claims)]
    found = [line_of(task, recipe, conditions, store, behind) for task in tasks for recipe in SETTINGS]
    return [line for line in found if line.cells]


def line_of(
    task: Task,
    recipe: Recipe,
    conditions: Conditions,
    store: Store,
    behind: Collection[str] | None = None,
    sizes: Sequence[int] = (),
    amount: float = inf,
) -> Line:
    """A recipe on a task as these conditions have it; without cells unless all of it is measured, and ``behind``.

    ``sizes``: of the batch sizes these alone, ``amount``: each run with no more training than that.
    """
    sizes = sizes or conditions.regime.scale(task).batch_sizes
    runs = {size: [run.at(amount) for run in conditions.runs(task, recipe, (size,))] for size in sizes}
    measured = {size: [*_measured(runs[size], conditions, store)] for size in sizes}
    there = all(len(found) == len(runs[size]) for size, found in measured.items())
    whole = there and (behind is None or all(run.key in behind for of in runs.values() for run in of))
    cells = {
        size: Cell(runs[size][0].sgd.learning_rate, runs[size][0].sgd.momentum, runs[size][0].amount, tuple(found))
        for size, found in measured.items()
    }
    return Line(task, recipe, cells if whole else {})


def _measured(runs: list[Run], conditions: Conditions, store: Store) -> Iterator[Mapping[str, float]]:
    for run in runs:
        if found := store.measures(run, conditions.reading_of(run)):
            yield found["measures"]
