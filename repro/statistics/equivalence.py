"""Estimands of sameness: a curve is flat, does not get worse, or is the same as another, or as others' numbers.

Each rests on several contrasts (of two batch sizes, or of two curves at one), paired by seed, and on Student's t
intervals of their means. "Holds" needs every contrast's 90% interval inside the margin: two one-sided tests for each
contrast (Schuirmann 1987), and an intersection of such tests, which keeps its error at 5% without correction (Berger
and Hsu 1996). "Fails" needs one interval wholly outside, at a level corrected for the number of contrasts and of sides
(Bonferroni): with few seeds and a wide spread an interval that misses the margin on the far side is no rarity. The
estimate shown is that of the contrast that decided, or of the one that kept it undecided.
"""

import itertools
import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from .estimands import Compares, Estimand, Question, Sample, Side, Worlds
from .hypotheses import AllOf, AnyOf, Effect, Mean, Nothing
from .reasons import Lack, Reason
from .units import Margin

BEGINS_ON_THE_FLOOR: Final = Reason("begins within the margin of the floor, with no room to fall", Lack.ROOM_BELOW)
NO_NUMBERS: Final = Reason("no numbers in the table", Lack.NUMBERS)
BOTH_ON_THE_FLOOR: Final = Reason(
    "both stand within the margin of the floor, where nothing can differ", Lack.ROOM_BELOW
)


class _Within(Estimand):
    """An estimand of several effects, none of which may go beyond one margin to any of ``sides``."""

    part_fails = True  # one contrast is enough
    sides: ClassVar[tuple[int, ...]] = (1, -1)
    words: ClassVar[str]

    @abstractmethod
    def effects(self, *samples: Sample) -> list[Effect]:
        """What has to lie within the margin."""

    def question(self, *samples: Sample) -> Question:
        """What is asked of the curves."""
        effects, asked = self.effects(*samples), self.words.format(self.margin)
        if not effects:
            nothing = Nothing(samples[0].unit, NO_NUMBERS)
            return Question(nothing, nothing, asked)
        tests = [(effect, side) for effect in effects for side in self.sides]
        inside = tuple(Mean(effect, -side, -self.margin.size) for effect, side in tests)
        outside = tuple(Mean(effect, side, self.margin.size) for effect, side in tests)
        return Question(AllOf(inside), AnyOf(outside), asked, *self.no_room(*samples))

    def no_room(self, *samples: Sample) -> tuple[Worlds, Worlds, str]:  # noqa: ARG002  # some always have room
        """Where it can neither hold nor fail for lack of room, and in words why."""
        return False, False, ""


@dataclass(frozen=True)
class _OverTheGrid(_Within):
    """An estimand of every batch size's difference to each smaller one.

    It cannot hold where the smallest batch size stands within the margin of the floor.
    """

    compares = Compares.BATCH_SIZES
    takes = "one curve"

    within: Margin

    def effects(self, *samples: Sample) -> list[Effect]:
        return _to_smaller_ones(samples[0])

    def no_room(self, *samples: Sample) -> tuple[Worlds, Worlds, str]:
        return no_room_to_fall(samples[0], self.within), False, BEGINS_ON_THE_FLOOR


class Flat(_OverTheGrid):
    """The means of any two batch sizes differ by less than ``within``: an equivalence test."""

    side, words = Side.WITHIN, "every two batch sizes within {} of each other"


class NotWorse(_OverTheGrid):
    """No batch size's mean is lower than a smaller one's by ``within`` or more: ``Flat``, one-sided."""

    side, words = Side.NOT_BELOW, "no batch size lower than a smaller one by {}"
    sides = (-1,)


@dataclass(frozen=True)
class Same(_Within):
    """At every batch size the means of two curves differ by less than ``within``: an equivalence test.

    It cannot hold where at some batch size both curves stand within the margin of the floor.
    """

    side, words = Side.WITHIN, "a difference of less than {} at every batch size"
    compares = Compares.CURVES
    takes = "two curves"

    within: Margin

    def effects(self, *samples: Sample) -> list[Effect]:
        first, second = samples
        return [
            Effect(
                second.values[..., j] - first.values[..., j],
                first.unit,
                f"paired difference at batch size {size}",
                first.step,
            )
            for j, size in enumerate(first.batch_sizes)
        ]

    def no_room(self, *samples: Sample) -> tuple[Worlds, Worlds, str]:
        return both_floored(samples[0], samples[1], self.within), False, BOTH_ON_THE_FLOOR


@dataclass(frozen=True)
class _BesidePrinted(_Within):
    """An estimand of the differences to numbers that others printed, at every batch size of which they printed one.

    A printed number is taken as it stands, since it comes without a spread. Undecided where nothing was printed.
    """

    takes = "one curve"

    within: Margin

    def effects(self, *samples: Sample) -> list[Effect]:
        (sample,) = samples
        return [
            Effect(
                sample.values[..., j] - sample.theirs[j],
                sample.unit,
                f"difference to the printed number at batch size {size}",
                sample.step,
            )
            for j, size in enumerate(sample.batch_sizes)
            if sample.theirs and not math.isnan(sample.theirs[j])
        ]


class Matches(_BesidePrinted):
    """At every batch size of which others printed a number, the mean is within ``within`` of it."""

    side, words = Side.WITHIN, "within {} of the printed number at every batch size"


class Differs(_BesidePrinted):
    """At some batch size of which others printed a number, the mean is further from it than ``within``.

    It fails where ``Matches`` holds, and holds where that fails.
    """

    side, words = Side.OUTSIDE, "further than {} from the printed number at some batch size"
    part_holds, part_fails = True, False

    def question(self, *samples: Sample) -> Question:
        """What is asked of one curve that has others' numbers beside it."""
        same = super().question(*samples)
        return replace(same, holds=same.fails, fails=same.holds)


def _to_smaller_ones(sample: Sample) -> list[Effect]:
    """Each batch size's difference to each smaller one."""
    sizes = sample.batch_sizes
    return [
        Effect(
            sample.values[..., j] - sample.values[..., i],
            sample.unit,
            f"difference of batch size {sizes[j]} to {sizes[i]}",
            sample.step,
        )
        for i, j in itertools.combinations(range(len(sizes)), 2)
    ]


def no_room_to_fall(sample: Sample, margin: Margin) -> NDArray[np.bool_]:
    """Whether the smallest batch size already stands within the margin of the floor."""
    return np.asarray(sample.values[..., 0].mean(-1) - margin.size < sample.floor)


def both_floored(first: Sample, second: Sample, margin: Margin) -> NDArray[np.bool_]:
    """Whether at some batch size two curves both stand within the margin of the floor."""
    higher = np.maximum(first.values.mean(-2), second.values.mean(-2))
    return np.asarray((higher - margin.size < first.floor).any(-1))
