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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum, StrEnum
from functools import reduce
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from .hypotheses import Evidence, Weakest
from .reasons import ON_THE_FLOOR
from .units import Array, Margin, Unit

ERROR: Final = 0.05


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
Worlds = NDArray[np.bool_] | bool  # in which of them something is so

FITS: Final[dict[str, Callable[[int], bool]]] = {
    "": lambda _: True,
    "one curve": lambda curves: curves == 1,
    "two curves": lambda curves: curves == 2,
    "four curves": lambda curves: curves == 4,
    "two or more curves": lambda curves: curves >= 2,
    "an even number of curves": lambda curves: curves > 0 and curves % 2 == 0,
}


@dataclass(frozen=True)
class Sample:
    """The values of one curve on a unit's scale: ``values`` (seeds, batch sizes), batch sizes ascending.

    ``floor`` is the value, on the same scale, at and below which the measure means nothing (chance, for an accuracy);
    ``ceiling`` is the largest that it can have.
    ``step`` is what a value is rounded to on that scale: one image of those that an accuracy is a share of.
    ``group``: what sets it apart, with others of the same group, where a sentence speaks of several tasks.
    ``theirs``: what others printed of the same curve at each batch size, NaN where they did not; empty if nowhere.
    ``matters``: the smallest difference that matters, for an estimand whose own margin is on another scale.
    To ask the question of many worlds at once, ``values`` are (worlds, seeds, batch sizes).
    """

    values: Array
    batch_sizes: tuple[int, ...]
    unit: Unit
    floor: float = -math.inf
    step: float = 0.0
    group: str = ""
    theirs: tuple[float, ...] = ()
    ceiling: float = math.inf
    matters: float = 0.0


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

    ``cannot_hold``: where (in which worlds) there is no room for anything else, so that it would hold whatever is so;
    ``cannot_fail`` likewise. ``no_room`` says in words what there is no room for.
    """

    holds: Evidence
    fails: Evidence
    asked: str
    cannot_hold: Worlds = False
    cannot_fail: Worlds = False
    no_room: str = ""

    def p(self) -> Array:
        """The smallest error level at which the sentence holds, in every world."""
        return np.where(self.cannot_hold, 1.0, self.holds.p())

    def against(self) -> Array:
        """The smallest error level at which it fails, in every world."""
        return np.where(self.cannot_fail, 1.0, self.fails.p())

    @property
    def limited(self) -> bool:
        """Whether there is no room for one of the answers, in any world."""
        return bool(np.any(self.cannot_hold) or np.any(self.cannot_fail))

    def decided(self, alpha: float) -> NDArray[np.bool_]:
        """Whether it holds or fails at an error of ``alpha``, in every world."""
        return np.asarray((self.p() <= alpha) | (self.against() <= alpha))

    def answer(self, alpha: float) -> Decision:
        """The decision at an error of ``alpha``, in one world."""
        p = float(self.p())
        if p <= alpha:
            return self._shown(Outcome.HOLDS, self.holds.weakest(), alpha, p)
        if float(self.against()) <= alpha:
            return self._shown(Outcome.FAILS, self.fails.weakest(), alpha, p)
        reason = self.holds.weakest().test.reason or (self.no_room if self.limited else "")
        return self._shown(Outcome.UNDECIDED, self._in_doubt(alpha), alpha, p, reason)

    def _in_doubt(self, alpha: float) -> Weakest:
        """What is shown of a sentence that is undecided: the test that keeps it from holding, at its own level.

        Unless the interval would then lie where the sentence fails: there at the level at which it did not fail yet, or
        else the test that keeps it from failing, where that is of another effect.
        """
        (test, shared), against = self.holds.weakest(), self.fails.weakest()
        levels = (shared, max(shared, against.shared))
        return next((Weakest(test, n) for n in levels if not test.misses(alpha / n)), against)

    def _shown(self, outcome: Outcome, found: Weakest, alpha: float, p: float, reason: str = "") -> Decision:
        one_side = alpha / found.shared
        interval, effect = found.test.interval(one_side), found.test.effect
        numbers = (interval.centre, interval.low, interval.high, 1 - 2 * one_side)
        return Decision(outcome, *numbers, effect.unit, effect.name, self.asked, reason, p)


class Estimand(ABC):
    """Decides a claim from the samples of its curves, in the order in which the claim names them.

    ``existential``: of several groups of samples one that shows the sentence is enough. ``bears_gaps``: a value may be
    unknown (NaN), and then speaks against whatever is decided. ``part_holds``, ``part_fails``: what is so of some batch
    sizes alone is so of all. ``side``: where its effect has to lie; None if no margin says so.
    """

    compares: ClassVar[Compares] = Compares.NEITHER
    existential: ClassVar[bool] = False
    bears_gaps: ClassVar[bool] = False
    part_holds: ClassVar[bool] = False
    part_fails: ClassVar[bool] = False
    side: ClassVar[Side | None] = None
    takes: ClassVar[str] = ""  # how many curves, one of ``FITS``

    @property
    def margins(self) -> tuple[Margin, ...]:
        """The sizes of effect that the decision turns on, in the order in which they were declared."""
        values = (getattr(self, field.name) for field in fields(self))  # type: ignore[arg-type]  # each is a dataclass
        return tuple(value for value in values if isinstance(value, Margin))

    @property
    def margin(self) -> Margin:
        """The first of its margins, which most have alone."""
        return self.margins[0]

    def wants(self, curves: int) -> str:
        """What it is decided from instead of so many curves, in words; empty where that many are right."""
        return "" if FITS[self.takes](curves) else self.takes

    def rests_on(self, batch_sizes: tuple[int, ...]) -> tuple[int, ...]:
        """Those batch sizes of a grid without which it would be of something else."""
        return batch_sizes

    def decides(self, seeds: int, alpha: float) -> bool:  # noqa: ARG002  # one seed has no interval at any error
        """Whether so many seeds could show anything at an error of ``alpha``, whatever their values are."""
        return seeds > 1

    @abstractmethod
    def question(self, *samples: Sample) -> Question:
        """What is asked of the samples. Their seeds correspond: row i of each is of the same seed."""

    def where(self, unit: Unit) -> tuple[Side, Margin] | None:
        """Where an effect on a scale has to lie, and its margin there; None if that is not known."""
        found = next((margin for margin in self.margins if margin.unit is unit), None)
        return (self.side, found) if self.side and found else None

    def compared(self, sample: Sample) -> Sample:
        """What of a curve the effect is formed of, which has to have room: all batch sizes unless it says otherwise."""
        return sample

    def hides(self, *samples: Sample) -> str:  # noqa: ARG002  # most hide nothing
        """What its effect hides of the samples, in words; nothing unless it is a mean over batch sizes."""
        return ""

    def asks(self, *samples: Sample) -> Question:
        """What is asked of the samples, where they leave room for an answer: all of them on the floor leave none."""
        question = self.question(*samples)
        with_floor = [self.compared(sample) for sample in samples if math.isfinite(sample.floor)]
        floored = all_of([on_the_floor(sample, self._margin_of(sample)) for sample in with_floor])
        return replace(
            question,
            cannot_hold=question.cannot_hold | floored,
            cannot_fail=question.cannot_fail | floored,
            no_room=question.no_room if question.limited else ON_THE_FLOOR,
        )

    def _margin_of(self, sample: Sample) -> float:
        """The margin of a sample's own unit; without one, what matters on its scale."""
        return next((margin.size for margin in self.margins if margin.unit is sample.unit), sample.matters)

    def decide(self, *samples: Sample, alpha: float = ERROR) -> Decision:
        """Decide, wrongly "holds" with a probability of at most ``alpha``, and wrongly "fails" likewise."""
        return self.asks(*samples).answer(alpha)


def on_the_floor(sample: Sample, margin: float) -> NDArray[np.bool_]:
    """In which worlds a curve stands within a margin of the floor at every batch size."""
    return np.asarray((sample.values.mean(-2) - margin < sample.floor).all(-1))


def at_the_ceiling(sample: Sample, margin: float) -> NDArray[np.bool_]:
    """In which worlds a curve stands within a margin of the ceiling at every batch size."""
    return np.asarray((sample.values.mean(-2) + margin > sample.ceiling).all(-1))


def each_once(pairs: Iterable[tuple[Sample, Sample]]) -> tuple[Array, Array]:
    """Both values of the cells of some pairs of curves, (seeds, cells) each, as far as all have seeds; each cell once.

    Two recipes that set the same training at a batch size are one there. A cell whose value is unknown in every seed
    cannot be recognised as a duplicate, and stays. In one world only: in worlds that were drawn cells are never equal.
    """
    pairs = [*pairs]
    seeds = min(sample.values.shape[-2] for pair in pairs for sample in pair)
    first, second = (np.concatenate([pair[i].values[..., :seeds, :] for pair in pairs], axis=-1) for i in (0, 1))
    if first.ndim > 2:
        return first, second
    sizes = np.array([[size for pair in pairs for size in pair[0].batch_sizes]])
    unknown = np.isnan(first).all(0) | np.isnan(second).all(0)
    apart = np.where(unknown, np.arange(unknown.size), -1)[None]
    cells = np.nan_to_num(
        np.concatenate([sizes, first, second, apart]), nan=np.inf
    )  # an unknown value is like no other
    _, places = np.unique(cells, axis=1, return_index=True)
    return first[:, np.sort(places)], second[:, np.sort(places)]


def all_of(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Where all of some masks are so; nowhere without any."""
    return np.asarray(reduce(np.logical_and, masks)) if masks else np.array(False)
