"""The chance that a claim is decided, before anything is spent: how often its rule answers in worlds of noise alone.

In these worlds the batch size, the recipe and the momentum change nothing, and runs scatter as equal runs do. A
sentence of sameness then ought to hold, one of a change ought to fail; with too few seeds neither is shown. What does
change is decided sooner the more it does, and what has not learnt is not decided at all: neither is known beforehand.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np

from ..runs.conditions import Conditions
from ..runs.store import Store
from ..statistics.estimands import ERROR, Compares, Estimand, Sample
from ..statistics.units import FACTOR, Unit
from .claim import Case
from .curves import Curve

WORLDS: Final = 400  # a chance is then known to 2 points
FAR: Final = 50.0  # points, from any floor
FEWEST: Final = 3  # seeds from which a spread is taken in place of the table's

# The standard deviation between equal runs, on the measure's scale: points, and the logarithm of a factor. Measured in
# the quick regime between four and five seeds of networks that have learnt: M1-MNIST 1.3, 1.8, 2.0 and 0.55,
# StdCNN-MNIST 0.9, 2.4, 2.9 and 0.33.
SPREADS: Final[Mapping[str, float]] = {"test_accuracy": 1.1, "fgsm_accuracy": 2.1, "pgd_accuracy": 2.5, "lambda1": 0.45}
OF_OTHERS: Final = 1.0  # of a measure that is not in the table: so many times the smallest difference that matters


@dataclass(frozen=True)
class Noise:
    """How the runs of a curve scatter: all that a world of noise is drawn from."""

    unit: Unit
    seeds: int
    batch_sizes: tuple[int, ...]
    spread: float
    step: float
    group: str

    def draw(self, generator: np.random.Generator) -> Sample:
        """The curve in all worlds."""
        values = generator.normal(0.0, self.spread, (WORLDS, self.seeds, len(self.batch_sizes)))
        return Sample(values + FAR, self.batch_sizes, self.unit, step=self.step, group=self.group)


@dataclass(frozen=True)
class Chances:
    """How likely cases are to be decided in a session; what its store tells of spreads is read once."""

    conditions: Conditions
    store: Store

    def of(self, case: Case) -> float:
        """The share of worlds of noise alone in which a case is decided, at an error of 5%."""
        named = zip(case.names, case.groups, strict=True)
        several = len(case.groups) > 1
        noises = [self._noise(curve, name if several else "") for name, group in named for curve in group]
        if min(len(noise.batch_sizes) for noise in noises) < 2 and case.holds_if.compares is not Compares.RECIPES:
            return 0.0  # one batch size leaves nothing to compare
        return _decided(case.holds_if, tuple(noises))

    def _noise(self, curve: Curve, group: str) -> Noise:
        scale, measure = self.conditions.regime.scale(curve.task), curve.measure
        images = measure.share_of(scale.reading, scale, curve.task)
        step = measure.unit.step(1 / images, np.zeros(0)) if images else 0.0  # a factor's: of values that are to come
        return Noise(measure.unit, scale.seeds, scale.batch_sizes, self._spread(curve), step, group)

    def _spread(self, curve: Curve) -> float:
        """Between the seeds of a curve: as stored, if there are enough of them; else from the table."""
        if curve not in self._spreads:
            other = SPREADS.get(curve.measure.field, OF_OTHERS * curve.measure.matters.size)
            self._spreads[curve] = float(f"{self._stored(curve) or other:.2g}")
        return self._spreads[curve]

    @cached_property
    def _spreads(self) -> dict[Curve, float]:
        return {}

    def _stored(self, curve: Curve) -> float:
        """The spread between the seeds that are stored; 0 if they are too few."""
        by_size: dict[int, list[float]] = {}
        for run in curve.runs(self.conditions):
            stored = self.store.measures(run, self.conditions.reading_of(run))
            value = (stored or {"measures": {}})["measures"].get(curve.measure.field)
            if value is not None and (curve.measure.unit is not FACTOR or value > 0):
                by_size.setdefault(run.batch_size, []).append(value)
        scaled = [curve.measure.unit.scaled(np.array(values)) for values in by_size.values() if len(values) >= FEWEST]
        known = [values.var(ddof=1) for values in scaled]
        return math.sqrt(np.mean(known)) if known else 0.0


@lru_cache(maxsize=1024)
def _decided(estimand: Estimand, noises: tuple[Noise, ...]) -> float:
    generator = np.random.default_rng(0)
    question = estimand.asks(*(noise.draw(generator) for noise in noises))
    return float(np.broadcast_to(question.decided(ERROR), WORLDS).mean())
