"""Estimands of sameness: a curve is flat, does not get worse, or is the same as another.

Each rests on several contrasts (one a batch size), paired by seed. "Holds" needs every contrast's interval inside the
margin, which keeps its error at 5% without correction (an intersection of tests); "fails" needs one interval wholly
outside, at a level corrected for their number (Bonferroni). The estimate shown is that of the contrast that decided, or
of the one that kept it undecided.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from .estimands import LEVEL, Compares, Decision, Outcome, Sample, decided
from .intervals import Interval, t_interval
from .units import Array, Margin, Unit

ON_THE_FLOOR: Final = "begins within the margin of the floor, with no room to fall"
BOTH_ON_THE_FLOOR: Final = "both stand within the margin of the floor, where nothing can differ"


@dataclass(frozen=True)
class _Contrasts:
    """One effect a seed for each of several batch sizes, and what is asked of all of them."""

    sizes: tuple[int, ...]
    columns: Array  # (batch sizes, seeds)
    unit: Unit
    effect: str  # with a place for the batch size
    asked: str
    losses_only: bool = False

    def decide(self, margin: Margin) -> Decision:
        size, widest = max(self._at(LEVEL), key=self._reach)
        if self._reach((size, widest)) < margin.size:
            return decided(Outcome.HOLDS, widest, self.unit, self.effect.format(size), self.asked)
        corrected = 1 - (1 - LEVEL) / len(self.columns)
        contrasts = self._at(corrected)
        size, interval = max(contrasts, key=self._excess)
        outcome = Outcome.FAILS if self._excess((size, interval)) > margin.size else Outcome.UNDECIDED
        if outcome is Outcome.UNDECIDED:
            size, interval = max(contrasts, key=self._reach)
        return decided(outcome, interval, self.unit, self.effect.format(size), self.asked, corrected)

    def _at(self, level: float) -> list[tuple[int, Interval]]:
        return [(size, t_interval(column, level)) for size, column in zip(self.sizes, self.columns, strict=True)]

    def _reach(self, contrast: tuple[int, Interval]) -> float:
        """How far the interval reaches from zero, on the side or sides that count."""
        _, interval = contrast
        return -interval.low if self.losses_only else max(-interval.low, interval.high)

    def _excess(self, contrast: tuple[int, Interval]) -> float:
        """How far the whole interval lies from zero; negative if it holds zero."""
        _, interval = contrast
        return -interval.high if self.losses_only else max(-interval.high, interval.low)


def _to_the_smallest(sample: Sample, asked: str, *, losses_only: bool = False) -> _Contrasts:
    differences = (sample.values[:, 1:] - sample.values[:, :1]).T
    effect = f"difference of batch size {{}} to {sample.batch_sizes[0]}"
    return _Contrasts(sample.batch_sizes[1:], differences, sample.unit, effect, asked, losses_only)


def _unless(floored: bool, decision: Decision, reason: str) -> Decision:
    """The decision, but that it cannot hold where there was no room for anything else."""
    if decision.outcome is Outcome.HOLDS and floored:
        return replace(decision, outcome=Outcome.UNDECIDED, reason=reason)
    return decision


def _no_room(sample: Sample, margin: Margin) -> bool:
    """Whether the smallest batch size already stands within the margin of the floor."""
    return float(sample.values[:, 0].mean()) - margin.size < sample.floor


@dataclass(frozen=True)
class Flat:
    """Every batch size's value is within ``within`` of the smallest batch size's: an equivalence test."""

    compares: ClassVar = Compares.BATCH_SIZES

    within: Margin

    @property
    def margin(self) -> Margin:
        """The largest departure that still counts as flat."""
        return self.within

    def decide(self, *samples: Sample) -> Decision:
        """Decide from one curve."""
        (sample,) = samples
        asked = f"every batch size within {self.within} of batch size {sample.batch_sizes[0]}"
        decision = _to_the_smallest(sample, asked).decide(self.within)
        return _unless(_no_room(sample, self.within), decision, ON_THE_FLOOR)


@dataclass(frozen=True)
class NotWorse:
    """No batch size's value is lower than the smallest one's by ``within`` or more: ``Flat``, one-sided."""

    compares: ClassVar = Compares.BATCH_SIZES

    within: Margin

    @property
    def margin(self) -> Margin:
        """The largest loss that still counts as none."""
        return self.within

    def decide(self, *samples: Sample) -> Decision:
        """Decide from one curve."""
        (sample,) = samples
        asked = f"no batch size lower than batch size {sample.batch_sizes[0]} by {self.within}"
        decision = _to_the_smallest(sample, asked, losses_only=True).decide(self.within)
        return _unless(_no_room(sample, self.within), decision, ON_THE_FLOOR)


@dataclass(frozen=True)
class Same:
    """At every batch size the two curves differ by less than ``within``: an equivalence test."""

    compares: ClassVar = Compares.NEITHER

    within: Margin

    @property
    def margin(self) -> Margin:
        """The largest difference that still counts as none."""
        return self.within

    def decide(self, *samples: Sample) -> Decision:
        """Decide from two curves."""
        first, second = samples
        asked = f"a difference of less than {self.within} at every batch size"
        columns = (second.values - first.values).T
        effect = "paired difference at batch size {}"
        decision = _Contrasts(first.batch_sizes, columns, first.unit, effect, asked).decide(self.within)
        higher = np.maximum(first.values.mean(0), second.values.mean(0))
        return _unless(bool((higher - self.within.size < first.floor).any()), decision, BOTH_ON_THE_FLOOR)
