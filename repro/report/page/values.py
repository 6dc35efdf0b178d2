"""What was measured, as a table and as CSV, and the losses of the trainings: read from the store by the runs' keys."""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from ...experiment.regimes import TRAINED
from ...experiment.tasks import TASKS
from ...files.text import read_text
from ...runs.conditions import Conditions
from ...runs.run import Run, of_record
from ...runs.store import Store
from ...verdicts.curves import MEASURES
from ...verdicts.entry import Entry, PlainCurve

BESIDE: Final = ("train_accuracy", "train_loss", "median_margin", "saturated")  # measured with all others


@dataclass(frozen=True)
class Network:
    """A trained network: what it was trained as, and what was measured of it. Shares are in [0, 1]."""

    task: str
    recipe: str
    batch_size: int
    seed: int
    run: str
    diverged: bool
    steps: int
    amount: float
    seconds: float
    measuring: float
    losses: tuple[float, ...] = ()
    measures: dict[str, float] = field(default_factory=dict, hash=False)

    @property
    def learnt(self) -> bool:
        """Whether it has fitted its training data."""
        return self.measures.get("train_accuracy", 0.0) >= TRAINED


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

    def mean(self, name: str) -> float | None:
        """The mean of a measure over those seeds that have it; of lambda1 the geometric one."""
        found = [network.measures[name] for network in self.networks if name in network.measures]
        if not found:
            return None
        if not _logarithmic(name):
            return sum(found) / len(found)
        return math.exp(sum(map(math.log, found)) / len(found)) if min(found) > 0 else None

    def spread(self, name: str) -> float | None:
        """The standard deviation over seeds; of lambda1 as a factor. None of fewer than two."""
        found = [network.measures[name] for network in self.networks if name in network.measures]
        if len(found) < 2 or (_logarithmic(name) and min(found) <= 0):
            return None
        values = [math.log(value) for value in found] if _logarithmic(name) else found
        middle = sum(values) / len(values)
        sd = math.sqrt(sum((value - middle) ** 2 for value in values) / (len(values) - 1))
        return math.exp(sd) if _logarithmic(name) else sd


def line_of(task: str, recipe: str) -> str:
    """What a line of the measured values is called; a verdict names those that it rests on by it, too."""
    return f"{recipe} on {task}"


def _logarithmic(name: str) -> bool:
    return name in MEASURES and MEASURES[name].logarithmic


@dataclass(frozen=True)
class Measurements:
    """Everything that was measured of a session's networks, as far as its store has it."""

    cells: tuple[Cell, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry], store: Store, conditions: Conditions) -> "Measurements":
        """Those of the networks that the verdicts rest on."""
        places = _places(entries)
        found = []
        for (task, recipe, batch_size), keys in places.items():
            networks = [_network(task, recipe, batch_size, key, store, conditions) for key in keys]
            if known := tuple(network for network in networks if network is not None):
                found.append(Cell(known))
        order = {task: place for place, task in enumerate(TASKS)}
        return cls(tuple(sorted(found, key=lambda cell: order.get(cell.first.task, len(order)))))

    @cached_property
    def names(self) -> list[str]:
        """The measures that any network has, those that are decided on first."""
        found = dict.fromkeys(name for cell in self.cells for network in cell.networks for name in network.measures)
        return [*(name for name in MEASURES if name in found), *(name for name in found if name not in MEASURES)]

    @property
    def networks(self) -> Iterator[Network]:
        """All networks, each once, whatever recipes set the same training."""
        yield from {network.run: network for cell in self.cells for network in cell.networks}.values()

    def csv(self) -> str:
        """A line for each network under each of its recipes, with raw numbers."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        heads = ("task", "recipe", "batch_size", "seed")
        table.writerow([*heads, *self.names, "steps", "training_amount", "diverged", "seconds", "run"])
        for network in (network for cell in self.cells for network in cell.networks):
            values = [network.measures.get(name, "") for name in self.names]
            last = (network.steps, network.amount, int(network.diverged), network.seconds, network.run)
            table.writerow([*(getattr(network, head) for head in heads), *values, *last])
        return text.getvalue()


def _places(entries: Iterable[Entry]) -> dict[tuple[str, str, int], Sequence[str]]:
    """The keys of the runs of each task, recipe and batch size, of as many seeds as any verdict rests on."""
    found: dict[tuple[str, str, int], Sequence[str]] = {}
    curves = (curve for entry in entries for curve in entry.curves if isinstance(curve, PlainCurve))
    for curve in curves:
        for point in curve.points:
            place = curve.task, curve.recipe, point.batch_size
            found[place] = max(found.get(place, ()), point.runs, key=len)
    return found


def _network(task: str, recipe: str, batch_size: int, key: str, store: Store, conditions: Conditions) -> Network | None:
    """A network by the key of its run; None where the store has it no longer."""
    run = _run(key, store)
    record = store.record(run) if run else None
    if run is None or record is None:
        return None
    stored = store.measures(run, conditions.reading_of(run)) or {}
    return Network(
        task=task,
        recipe=recipe,
        batch_size=batch_size,
        seed=run.seed,
        run=key,
        diverged=record["diverged"],
        steps=record["steps"],
        amount=record["training_amount"],
        seconds=record.get("seconds") or 0.0,
        measuring=stored.get("seconds") or 0.0,
        losses=tuple(record.get("losses") or ()),
        measures=_numbers(stored.get("measures", {})),
    )


def _run(key: str, store: Store) -> Run | None:
    try:
        return of_record(json.loads(read_text(store.root / "runs" / key / "run.json")))
    except (OSError, ValueError):
        return None


def _numbers(measures: dict[str, Any]) -> dict[str, float]:
    """The measures that claims are decided on, and what is told beside them."""
    wanted = {*MEASURES, *BESIDE, *(m.sound for m in MEASURES.values() if m.sound)}
    return {name: float(value) for name, value in measures.items() if name in wanted and value is not None}
