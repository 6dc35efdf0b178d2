"""What a claim is decided by. One small class for each kind of sentence the paper makes stands in the files beside.

An estimand turns values (seeds, batch sizes) into one effect a seed, so that what a seed's runs share is never counted
as independent evidence, and asks two questions of the effects: what would speak for the sentence, and what against.
Either is answered at an error of at most 5% (Schuirmann 1987 for equivalence; Berger and Hsu 1996 for intersections).
Where neither is answered with yes the sentence is "undecided"; that an interval does not exclude an effect of zero is
never taken as flatness.
"""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from .hypotheses import Evidence, Weakest
from .units import Array, Margin, Unit

ERROR: Final = 0.05
ON_THE_FLOOR: Final = "every curve is about as low as it can be, where no difference can show"


class Compares(Enum):
    """What an estimand sets against each other, which is what has to be equally trained for a fair comparison."""

    BATCH_SIZES = "batch sizes"  # of one recipe
    RECIPES = "recipes at the largest batch size"
    CURVES = "recipes at each batch size"
    NEITHER = "neither"


class Side(StrEnum):
    """Where the effect has to lie for a sentence to hold, as its margin m tells."""

    ABOVE = "above"  # above m
    BELOW = "below"  # below -m
    WITHIN = "within"  # between -m and m
    NOT_BELOW = "not below"  # above -m
    OUTSIDE = "outside"  # above m or below -m


class Outcome(StrEnum):
    """What the data say of a claim."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"
    NOT_LEARNT = "not learnt"  # nor can be decided, on networks that have not fitted their training data


DECIDED: Final = (Outcome.HOLDS, Outcome.FAILS)


@dataclass(frozen=True)
class Sample:
    """The values of one curve on a unit's scale: ``values`` (seeds, batch sizes), batch sizes ascending.

    ``floor`` is the value, on the same scale, at and below which the measure means nothing (chance, for an accuracy).
    ``step`` is what a value is rounded to on that scale: one image of those that an accuracy is a share of.
    ``group``: what sets it apart, with others of the same group, where a sentence speaks of several tasks.
    ``theirs``: what others printed of the same curve at each batch size, NaN where they did not; empty if nowhere.
    To ask the question of many worlds at once, ``values`` are (worlds, seeds, batch sizes).
    """

    values: Array
    batch_sizes: tuple[int, ...]
    unit: Unit
    floor: float = -math.inf
    step: float = 0.0
    group: str = ""
    theirs: tuple[float, ...] = ()


def groups(samples: Iterable[Sample]) -> list[tuple[Sample, ...]]:
    """Samples by their group, in the order in which they come."""
    return [tuple(group) for _, group in itertools.groupby(samples, key=lambda sample: sample.group)]


@dataclass(frozen=True)
class Decision:
    """An outcome with what it rests on: the effect, its interval at ``level``, and in words what was asked and why.

    ``p`` is the smallest error level at which it would have been "holds": at most 5% exactly where it is, 1 where
    nothing could have shown it.
    """

    outcome: Outcome
    estimate: float
    low: float
    high: float
    level: float
    unit: Unit
    effect: str  # what the estimate is of
    asked: str  # what the effect had to be
    reason: str = ""  # why nothing could be decided, where it is not for the width of the interval
    p: float = 1.0


@dataclass(frozen=True)
class Question:
    """The evidence that a sentence holds, the evidence that it fails, and what is asked, in words.

    ``floored``: where (in which worlds) it cannot hold, for lack of room for anything else; ``floor`` says so in words.
    """

    holds: Evidence
    fails: Evidence
    asked: str
    floored: NDArray[np.bool_] | bool = False
    floor: str = ""

    def p(self) -> Array:
        """The smallest error level at which the sentence holds, in every world."""
        return np.where(self.floored, 1.0, self.holds.p())

    def answer(self, alpha: float) -> Decision:
        """The decision at an error of ``alpha``, in one world."""
        p, would_hold = float(self.p()), float(self.holds.p()) <= alpha
        if p <= alpha:
            return self._shown(Outcome.HOLDS, self.holds.weakest(), alpha, p)
        against = self.fails.weakest()
        if float(self.fails.p()) <= alpha:
            return self._shown(Outcome.FAILS, against, alpha, p)
        test, shared = self.holds.weakest()
        widest = Weakest(test, max(shared, against.shared))
        return self._shown(Outcome.UNDECIDED, widest, alpha, p, self.floor if would_hold else test.reason)

    def _shown(self, outcome: Outcome, found: Weakest, alpha: float, p: float, reason: str = "") -> Decision:
        one_side = alpha / found.shared
        interval, effect = found.test.interval(one_side), found.test.effect
        numbers = (interval.centre, interval.low, interval.high, 1 - 2 * one_side)
        return Decision(outcome, *numbers, effect.unit, effect.name, self.asked, reason, p)


class Estimand(ABC):
    """Decides a claim from the samples of its curves, in the order in which the claim names them.

    ``existential``: of several groups of samples one that shows the sentence is enough. ``side``: where its effect has
    to lie; None if no margin says so.
    """

    compares: ClassVar[Compares] = Compares.NEITHER
    existential: ClassVar[bool] = False
    side: ClassVar[Side | None] = None

    @property
    @abstractmethod
    def margins(self) -> tuple[Margin, ...]:
        """The sizes of effect that the decision turns on, in the order in which they were declared."""

    @property
    def margin(self) -> Margin:
        """The first of its margins, which most have alone."""
        return self.margins[0]

    def wants(self, curves: int) -> str:  # noqa: ARG002  # one that says nothing takes any number
        """What it is decided from instead of so many curves, in words; empty where that many are right."""
        return ""

    @abstractmethod
    def question(self, *samples: Sample) -> Question:
        """What is asked of the samples. Their seeds correspond: row i of each is of the same seed."""

    def where(self, unit: Unit) -> tuple[Side, Margin] | None:
        """Where an effect on a scale has to lie, and its margin there; None if that is not known."""
        found = next((margin for margin in self.margins if margin.unit is unit), None)
        return (self.side, found) if self.side and found else None

    def hides(self, *samples: Sample) -> str:  # noqa: ARG002  # most hide nothing
        """What its effect hides of the samples, in words; nothing unless it is a mean over batch sizes."""
        return ""

    def decide(self, *samples: Sample, alpha: float = ERROR) -> Decision:
        """Decide, wrongly "holds" with a probability of at most ``alpha``, and wrongly "fails" likewise."""
        decision = self.question(*samples).answer(alpha)
        floored = [on_the_floor(sample, self.margins) for sample in samples if math.isfinite(sample.floor)]
        if floored and all(floored):
            return replace(decision, outcome=Outcome.UNDECIDED, reason=decision.reason or ON_THE_FLOOR, p=1.0)
        return decision


def on_the_floor(sample: Sample, margins: Iterable[Margin]) -> bool:
    """Whether a curve stands within the margin of its own unit of the floor at every batch size."""
    margin = next((margin.size for margin in margins if margin.unit is sample.unit), 0.0)
    return bool((sample.values.mean(0) - margin < sample.floor).all())
