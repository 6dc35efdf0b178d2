"""The networks behind a report: the runs that its curves name, and what is stored of each of them. Free of torch."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from ..experiment.own import PREFIX
from ..experiment.readings import alone
from ..experiment.regimes import TRAINED
from ..runs.conditions import Conditions
from ..runs.run import Run
from ..runs.store import Record, Store
from ..verdicts.curves import MEASURES
from ..verdicts.entry import Entry, PlainCurve

Row = dict[str, Any]
Place = tuple[str, str, int]  # task, recipe and batch size
OF_RECORD: Final = ("steps", "training_amount", "diverged", "seconds")
HEADS: Final = ("task", "recipe", "momentum", "batch_size", "seed", "device", "learning_rate", *OF_RECORD)


@dataclass(frozen=True)
class Network:
    """A trained network under a recipe that sets its training; ``measuring``: the seconds of its first reading."""

    recipe: str
    run: Run
    record: Record
    measures: Record
    measuring: float

    @property
    def task(self) -> str:
        """The name of its task."""
        return str(self.run.task)

    @property
    def learnt(self) -> bool:
        """Whether it has fitted its training data."""
        return (self.measures.get("train_accuracy") or 0.0) >= TRAINED

    @property
    def diverged(self) -> bool:
        """Whether its training ended in no numbers."""
        return bool(self.record.get("diverged"))

    def counts_as(self, measure: str) -> float | None:
        """What it has of a measure; if it diverged, what verdicts count it as. None: neither."""
        if self.diverged and measure in MEASURES:
            return MEASURES[measure].diverged
        value: float | None = self.measures.get(measure)
        return value

    @property
    def row(self) -> Row:
        """How it was trained and all its measures that are numbers, for a table."""
        run, sgd = self.run, self.run.sgd
        recipe = self.recipe.removesuffix(f" m={sgd.momentum:g}")
        heads = (self.task, recipe, sgd.momentum, run.batch_size, run.seed, run.device, sgd.learning_rate)
        return {
            **dict(zip(HEADS, (*heads, *map(self.record.get, OF_RECORD)), strict=True)),
            **{name: value for name, value in self.measures.items() if not isinstance(value, Mapping)},
            "run": run.key,
        }


def curves(entries: Iterable[Entry]) -> Iterator[PlainCurve]:
    """The curves of a report's verdicts."""
    return (curve for entry in entries for curve in entry.curves if isinstance(curve, PlainCurve))


@dataclass(frozen=True)
class Networks:
    """What a store has of the networks behind some verdicts."""

    entries: Sequence[Entry]
    store: Store
    conditions: Conditions

    def __iter__(self) -> Iterator[Network]:
        """Those that are stored, place by place: one that is a point of two recipes comes twice."""
        found = (self.network(recipe, key) for (_, recipe, _), keys in self.places.items() for key in keys)
        return (network for network in found if network is not None)

    @cached_property
    def places(self) -> Mapping[Place, Sequence[str]]:
        """The keys of the runs at each place, seed by seed, of as many seeds as any verdict rests on."""
        found: dict[Place, Sequence[str]] = {}
        for curve in curves(self.entries):
            for point in curve.points:
                place = curve.task, curve.recipe, point.batch_size
                found[place] = max(found.get(place, ()), point.runs, key=len)
        return found

    @cached_property
    def keys(self) -> list[str]:
        """The keys of all of them, each once."""
        return [*dict.fromkeys(key for keys in self.places.values() for key in keys)]

    @cached_property
    def missing(self) -> list[str]:
        """The keys of those that the store has no longer."""
        return [key for key in self.keys if self.network("", key) is None]

    def network(self, recipe: str, key: str) -> Network | None:
        """The one of a key; None where the store has it no longer."""
        run = self.store.run(key)
        record = self.store.record(run) if run else None
        if run is None or record is None:
            return None
        first = self.conditions.reading_of(run)
        readings = [first, *(alone(first, part) for part in self._parts)]
        stored = [self.store.measures(run, reading) or {} for reading in readings]
        measures = {name: value for one in stored for name, value in one.get("measures", {}).items()}
        return Network(recipe, run, record, measures, stored[0].get("seconds") or 0.0)

    @cached_property
    def _parts(self) -> Sequence[str]:
        """The parts of readings in which measures of an author's own are taken, as the declarations tell."""
        told = [entry.declaration.get("under") for entry in self.entries]
        terms = [term for under in told if isinstance(under, Mapping) for term in under.values()]
        parts = [str(term.get("part")) for term in terms if isinstance(term, Mapping)]
        return [*dict.fromkeys(part for part in parts if part.startswith(PREFIX))]


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV, with a column for whatever any of them has."""
    columns = [*dict.fromkeys([*HEADS, *(name for row in rows for name in row if name != "run"), "run"])]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
