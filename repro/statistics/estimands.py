"""What a claim is decided by: one small class for each kind of sentence the paper makes.

An estimand turns values (seeds, batch sizes) into one effect a seed, the effects into a Student's t interval over
seeds, and the interval into a decision. Every decision of "holds" is a one-sided test, or an intersection of such, at
5%: that is what a two-sided 90% interval gives (Schuirmann 1987 for equivalence; Berger and Hsu 1996 for
intersections). An interval that decides nothing is "undecided"; that it does not exclude an effect of zero is never
taken as flatness.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Protocol

import numpy as np

from .intervals import Interval, t_interval
from .units import Array, Margin, Unit

LEVEL: Final = 0.90


class Outcome(StrEnum):
    """What the data say of a claim."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Sample:
    """The values of one curve on a unit's scale: ``values`` (seeds, batch sizes), batch sizes ascending.

    ``floor`` is the value, on the same scale, at and below which the measure means nothing (chance, for an accuracy).
    """

    values: Array
    batch_sizes: tuple[int, ...]
    unit: Unit
    floor: float = -math.inf


@dataclass(frozen=True)
class Decision:
    """An outcome with what it rests on: the effect, its interval at ``level``, and in words what was asked and why."""

    outcome: Outcome
    estimate: float
    low: float
    high: float
    level: float
    unit: Unit
    effect: str  # what the estimate is of
    asked: str  # what the effect had to be
    reason: str = ""  # why nothing could be decided, where it is not for the width of the interval


class Estimand(Protocol):
    """Decides a claim from the samples of its curves, in the order in which the claim names them."""

    @property
    def margin(self) -> Margin:
        """The size of effect that the decision turns on."""

    def decide(self, *samples: Sample) -> Decision:
        """Decide. The samples' seeds correspond: row i of each is of the same seed."""


def beyond(interval: Interval, bound: float) -> Outcome:
    """Whether the mean is above a bound."""
    if interval.low > bound:
        return Outcome.HOLDS
    return Outcome.FAILS if interval.high < bound else Outcome.UNDECIDED


def decided(
    outcome: Outcome, interval: Interval, unit: Unit, effect: str, asked: str, level: float = LEVEL
) -> Decision:
    """A decision from an interval; see ``Decision`` for the words."""
    return Decision(outcome, interval.mean, interval.low, interval.high, level, unit, effect, asked)


def change_over_grid(sample: Sample) -> Array:
    """Each seed's change from the smallest to the largest batch size: (seeds,).

    The least-squares slope against log2 of the batch size, times the number of doublings: all batch sizes count.
    """
    doublings = np.log2(np.asarray(sample.batch_sizes, dtype=float))
    centred = doublings - doublings.mean()
    slope = sample.values @ centred / (centred @ centred)
    return np.asarray(slope * (doublings[-1] - doublings[0]))


@dataclass(frozen=True)
class Rises:
    """The curve rises over the grid by more than ``at_least``; see ``change_over_grid``."""

    at_least: Margin

    @property
    def margin(self) -> Margin:
        """The smallest rise that counts."""
        return self.at_least

    def decide(self, *samples: Sample) -> Decision:
        """Decide from one curve."""
        (sample,) = samples
        interval = t_interval(change_over_grid(sample), LEVEL)
        outcome = beyond(interval, self.at_least.size)
        asked = f"a rise of more than {self.at_least}"
        return decided(outcome, interval, sample.unit, _over(sample), asked)


@dataclass(frozen=True)
class Drops:
    """The curve falls over the grid by more than ``at_least``; see ``change_over_grid``."""

    at_least: Margin

    @property
    def margin(self) -> Margin:
        """The smallest fall that counts."""
        return self.at_least

    def decide(self, *samples: Sample) -> Decision:
        """Decide from one curve."""
        (sample,) = samples
        changes = change_over_grid(sample)
        outcome = beyond(t_interval(-changes, LEVEL), self.at_least.size)
        asked = f"a fall of more than {self.at_least}"
        return decided(outcome, t_interval(changes, LEVEL), sample.unit, _over(sample), asked)


def _over(sample: Sample) -> str:
    return f"change from batch size {sample.batch_sizes[0]} to {sample.batch_sizes[-1]}"


def _contrasts(sample: Sample, level: float) -> list[tuple[int, Interval]]:
    """For each further batch size, the interval of its paired difference to the smallest one."""
    differences = sample.values[:, 1:] - sample.values[:, :1]
    return [
        (size, t_interval(column, level)) for size, column in zip(sample.batch_sizes[1:], differences.T, strict=True)
    ]


def reach(contrast: tuple[int, Interval]) -> float:
    """How far a contrast's interval reaches from zero."""
    return max(abs(contrast[1].low), abs(contrast[1].high))


def _corrected(sample: Sample) -> float:
    """The level of each contrast's interval at which one of them alone may decide (Bonferroni)."""
    return 1 - (1 - LEVEL) / (len(sample.batch_sizes) - 1)


def _no_room(sample: Sample, margin: Margin) -> bool:
    """Whether the smallest batch size already stands within the margin of the floor: then nothing could have fallen."""
    return float(sample.values[:, 0].mean()) - margin.size < sample.floor


@dataclass(frozen=True)
class Flat:
    """Every batch size's value is within ``within`` of the smallest batch size's: an equivalence test.

    Each further batch size is compared with the smallest one, paired by seed; "holds" needs every interval inside the
    margin, which keeps its error at 5% without correction (an intersection of tests); "fails" needs one interval wholly
    outside it, at a level corrected for their number (Bonferroni). The estimate is the contrast that reaches furthest.
    """

    within: Margin

    @property
    def margin(self) -> Margin:
        """The largest departure that still counts as flat."""
        return self.within

    def decide(self, *samples: Sample) -> Decision:
        """Decide from one curve."""
        (sample,) = samples
        asked = f"every batch size within {self.within} of batch size {sample.batch_sizes[0]}"
        size, widest = max(_contrasts(sample, LEVEL), key=reach)
        if reach((size, widest)) < self.within.size:
            decision = decided(Outcome.HOLDS, widest, sample.unit, _departure(sample, size), asked)
            return _on_the_floor(decision) if _no_room(sample, self.within) else decision
        corrected = _corrected(sample)
        contrasts = _contrasts(sample, corrected)
        size, interval = max(contrasts, key=lambda c: max(c[1].low, -c[1].high))
        outcome = Outcome.FAILS if max(interval.low, -interval.high) > self.within.size else Outcome.UNDECIDED
        if outcome is Outcome.UNDECIDED:  # shown: what keeps it from being flat
            size, interval = max(contrasts, key=reach)
        return decided(outcome, interval, sample.unit, _departure(sample, size), asked, corrected)


@dataclass(frozen=True)
class NotWorse:
    """No batch size's value is lower than the smallest one's by ``within`` or more: ``Flat``, one-sided."""

    within: Margin

    @property
    def margin(self) -> Margin:
        """The largest loss that still counts as none."""
        return self.within

    def decide(self, *samples: Sample) -> Decision:
        """Decide from one curve."""
        (sample,) = samples
        asked = f"no batch size lower than batch size {sample.batch_sizes[0]} by {self.within}"
        size, lowest = min(_contrasts(sample, LEVEL), key=lambda c: c[1].low)
        if lowest.low > -self.within.size:
            decision = decided(Outcome.HOLDS, lowest, sample.unit, _departure(sample, size), asked)
            return _on_the_floor(decision) if _no_room(sample, self.within) else decision
        corrected = _corrected(sample)
        contrasts = _contrasts(sample, corrected)
        size, interval = min(contrasts, key=lambda c: c[1].high)
        outcome = Outcome.FAILS if interval.high < -self.within.size else Outcome.UNDECIDED
        if outcome is Outcome.UNDECIDED:  # shown: what may have become worse
            size, interval = min(contrasts, key=lambda c: c[1].low)
        return decided(outcome, interval, sample.unit, _departure(sample, size), asked, corrected)


def _departure(sample: Sample, size: int) -> str:
    return f"difference of batch size {size} to {sample.batch_sizes[0]}"


def _on_the_floor(decision: Decision) -> Decision:
    reason = "begins within the margin of the floor, with no room to fall"
    return replace(decision, outcome=Outcome.UNDECIDED, reason=reason)


def _difference_at_end(first: Sample, second: Sample) -> Array:
    """Per seed, first minus second at the largest batch size."""
    return np.asarray(first.values[:, -1] - second.values[:, -1])


@dataclass(frozen=True)
class Higher:
    """At the largest batch size the first curve is above the second by more than ``by``, paired by seed."""

    by: Margin

    @property
    def margin(self) -> Margin:
        """The smallest lead that counts."""
        return self.by

    def decide(self, *samples: Sample) -> Decision:
        """Decide from two curves."""
        first, second = samples
        interval = t_interval(_difference_at_end(first, second), LEVEL)
        outcome = beyond(interval, self.by.size)
        return decided(outcome, interval, first.unit, _at(first), f"more than {self.by} higher")


@dataclass(frozen=True)
class Lower:
    """At the largest batch size the first curve is below the second by more than ``by``, paired by seed."""

    by: Margin

    @property
    def margin(self) -> Margin:
        """The smallest gap that counts."""
        return self.by

    def decide(self, *samples: Sample) -> Decision:
        """Decide from two curves."""
        first, second = samples
        differences = _difference_at_end(first, second)
        outcome = beyond(t_interval(-differences, LEVEL), self.by.size)
        interval = t_interval(differences, LEVEL)
        return decided(outcome, interval, first.unit, _at(first), f"more than {self.by} lower")


def _at(sample: Sample) -> str:
    return f"paired difference at batch size {sample.batch_sizes[-1]}"
