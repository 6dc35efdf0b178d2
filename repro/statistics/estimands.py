"""What a claim is decided by. One small class for each kind of sentence the paper makes stands in the files beside.

An estimand turns values (seeds, batch sizes) into one effect a seed, the effects into a Student's t interval over
seeds, and the interval into a decision. Every decision of "holds" is a one-sided test, or an intersection of such, at
5%: that is what a two-sided 90% interval gives (Schuirmann 1987 for equivalence; Berger and Hsu 1996 for
intersections). An interval that decides nothing is "undecided"; that it does not exclude an effect of zero is never
taken as flatness.
"""

import math
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import ClassVar, Final, Protocol

from .intervals import Interval, t_interval
from .units import Array, Margin, Unit

LEVEL: Final = 0.90


class Outcome(StrEnum):
    """What the data say of a claim."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"


class Compares(Enum):
    """What an estimand sets against each other, which is what has to be equally trained for a fair comparison."""

    BATCH_SIZES = "batch sizes"  # of one recipe
    RECIPES = "recipes at the largest batch size"
    NEITHER = "neither"


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

    compares: ClassVar[Compares]

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


def directed(effects: Array, way: str, margin: Margin, unit: Unit, effect: str, asked: str) -> Decision:
    """Decide whether the mean of one effect a seed lies more than a margin above zero ("up") or below it ("down")."""
    outcome = beyond(t_interval(effects if way == "up" else -effects, LEVEL), margin.size)
    return decided(outcome, t_interval(effects, LEVEL), unit, effect, asked)
