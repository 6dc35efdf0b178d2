"""What was measured, as a table: the networks of a session by task, recipe and batch size."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from ...experiment.tasks import TASKS
from ...statistics.units import FACTOR, POINTS, Unit
from ...verdicts.curves import MEASURES
from ...verdicts.declaration import UNITS
from ..networks import Network, Networks, curves


class Column(NamedTuple):
    """A measure of the table: its name, how it is called, and the scale that it is shown on."""

    name: str
    label: str
    unit: Unit


class Shown(NamedTuple):
    """The seeds of a cell together: what the table is sorted by, their mean, and their spread if there are several."""

    value: float | str
    mean: str
    spread: str


TRAINING: Final = Column("train_accuracy", "Training accuracy", POINTS)


@dataclass(frozen=True)
class Cell:
    """All seeds of a task, recipe and batch size."""

    networks: tuple[Network, ...]

    @property
    def first(self) -> Network:
        """The network of the first seed."""
        return self.networks[0]

    @property
    def line(self) -> str:
        """What the line is called that it is a point of."""
        return line_of(self.first.task, self.first.recipe)

    @property
    def learnt(self) -> int:
        """How many seeds have fitted their training data."""
        return sum(network.learnt for network in self.networks)

    @property
    def diverged(self) -> int:
        """How many seeds diverged."""
        return sum(network.diverged for network in self.networks)

    def shown(self, column: Column) -> Shown:
        """A measure of those seeds that have it: mean and standard deviation on its scale, of lambda1 as a factor."""
        found = [value for network in self.networks if (value := network.counts_as(column.name)) is not None]
        scaled = column.unit.scaled(np.array(found, dtype=np.float64))
        if not found or np.isnan(scaled).any():
            return Shown("", column.unit.level(np.nan), "")
        mean, sign = float(scaled.mean()), "\u00d7" if column.unit is FACTOR else "\u00b1"
        spread = sign + column.unit.spread(float(scaled.std(ddof=1))).removeprefix("x") if len(found) > 1 else ""
        return Shown(mean, column.unit.level(mean), spread)


def line_of(task: str, recipe: str) -> str:
    """What a line of the measured values is called; a verdict names those that it rests on by it, too."""
    return f"{recipe} on {task}"


@dataclass(frozen=True)
class Measurements:
    """Everything that was measured of a session's networks, as far as its store has it, and the measures it shows."""

    cells: tuple[Cell, ...]
    columns: tuple[Column, ...]
    training: Column = TRAINING

    @classmethod
    def of(cls, found: Networks) -> "Measurements":
        """Those of the networks that the verdicts rest on, in the paper's order of tasks."""
        cells = [Cell(tuple(of)) for _, of in groupby(found, lambda n: (n.task, n.recipe, n.run.batch_size))]
        order = {task: place for place, task in enumerate(TASKS)}
        cells.sort(key=lambda cell: order.get(cell.first.task, len(order)))
        known = {name: Column(name, measure.label, measure.unit) for name, measure in MEASURES.items()}
        for curve in curves(found.entries):  # of one's own, that a process knows only where its claims are collected
            if curve.unit in UNITS:
                known.setdefault(curve.measure, Column(curve.measure, curve.label, UNITS[curve.unit]))
        measured = {name for cell in cells for network in cell.networks for name in network.measures}
        return cls(tuple(cells), tuple(column for name, column in known.items() if name in measured))

    @cached_property
    def networks(self) -> Collection[Network]:
        """All networks, each once, whatever recipes set the same training."""
        return {network.run.key: network for cell in self.cells for network in cell.networks}.values()
