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
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .estimands import Compares, Estimand, Question, Sample, Side
from .hypotheses import AllOf, AnyOf, Effect, Evidence, Mean, Nothing
from .units import Margin

ON_THE_FLOOR: Final = "begins within the margin of the floor, with no room to fall"
NO_NUMBERS: Final = "no numbers in the table"
BOTH_ON_THE_FLOOR: Final = "both stand within the margin of the floor, where nothing can differ"

BOTH_SIDES: Final = (1, -1)
LOSSES: Final = (-1,)


def _within(effects: list[Effect], margin: Margin, sides: tuple[int, ...]) -> tuple[AllOf, AnyOf]:
    """The tests that show that no effect goes beyond the margin to these sides, and those that show that one does."""
    tests = [(effect, side) for effect in effects for side in sides]
    inside = tuple(Mean(effect, -side, -margin.size) for effect, side in tests)
    outside = tuple(Mean(effect, side, margin.size) for effect, side in tests)
    return AllOf(inside), AnyOf(outside)


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


def _no_room(sample: Sample, margin: Margin) -> NDArray[np.bool_]:
    """Whether the smallest batch size already stands within the margin of the floor."""
    return np.asarray(sample.values[..., 0].mean(-1) - margin.size < sample.floor)


@dataclass(frozen=True)
class _Within(Estimand):
    """An estimand of one margin, which nothing may go beyond."""

    within: Margin

    @property
    def margins(self) -> tuple[Margin, ...]:
        return (self.within,)


@dataclass(frozen=True)
class Flat(_Within):
    """The means of any two batch sizes differ by less than ``within``: an equivalence test.

    It cannot hold where the smallest batch size stands within the margin of the floor.
    """

    side = Side.WITHIN
    compares = Compares.BATCH_SIZES

    def wants(self, curves: int) -> str:
        return "" if curves == 1 else "one curve"

    def question(self, *samples: Sample) -> Question:
        """What is asked of one curve."""
        (sample,) = samples
        asked = f"every two batch sizes within {self.within} of each other"
        tests = _within(_to_smaller_ones(sample), self.within, BOTH_SIDES)
        return Question(*tests, asked, _no_room(sample, self.within), ON_THE_FLOOR)


@dataclass(frozen=True)
class NotWorse(_Within):
    """No batch size's mean is lower than a smaller one's by ``within`` or more: ``Flat``, one-sided."""

    side = Side.NOT_BELOW
    compares = Compares.BATCH_SIZES

    def wants(self, curves: int) -> str:
        return "" if curves == 1 else "one curve"

    def question(self, *samples: Sample) -> Question:
        """What is asked of one curve."""
        (sample,) = samples
        asked = f"no batch size lower than a smaller one by {self.within}"
        tests = _within(_to_smaller_ones(sample), self.within, LOSSES)
        return Question(*tests, asked, _no_room(sample, self.within), ON_THE_FLOOR)


@dataclass(frozen=True)
class Same(_Within):
    """At every batch size the means of two curves differ by less than ``within``: an equivalence test.

    It cannot hold where at some batch size both curves stand within the margin of the floor.
    """

    side = Side.WITHIN
    compares = Compares.CURVES

    def wants(self, curves: int) -> str:
        return "" if curves == 2 else "two curves"

    def question(self, *samples: Sample) -> Question:
        """What is asked of two curves."""
        first, second = samples
        asked = f"a difference of less than {self.within} at every batch size"
        differences = second.values - first.values
        effects = [
            Effect(differences[..., j], first.unit, f"paired difference at batch size {size}", first.step)
            for j, size in enumerate(first.batch_sizes)
        ]
        higher = np.maximum(first.values.mean(-2), second.values.mean(-2))
        floored = (higher - self.within.size < first.floor).any(-1)
        return Question(*_within(effects, self.within, BOTH_SIDES), asked, floored, BOTH_ON_THE_FLOOR)


@dataclass(frozen=True)
class Matches(_Within):
    """At every batch size of which others printed a number, the mean is within ``within`` of it: an equivalence test.

    A printed number is taken as it stands, since it comes without a spread. Undecided where nothing was printed.
    """

    side = Side.WITHIN

    def wants(self, curves: int) -> str:
        return "" if curves == 1 else "one curve"

    def question(self, *samples: Sample) -> Question:
        """What is asked of one curve that has others' numbers beside it."""
        (sample,) = samples
        asked = f"within {self.within} of the printed number at every batch size"
        return _beside(sample, lambda effects: _within(effects, self.within, BOTH_SIDES), asked)


@dataclass(frozen=True)
class Differs(_Within):
    """At some batch size of which others printed a number, the mean is further from it than ``within``.

    It fails where ``Matches`` holds, and holds where that fails.
    """

    side = Side.OUTSIDE

    def wants(self, curves: int) -> str:
        return "" if curves == 1 else "one curve"

    def question(self, *samples: Sample) -> Question:
        """What is asked of one curve that has others' numbers beside it."""
        (sample,) = samples
        asked = f"further than {self.within} from the printed number at some batch size"
        return _beside(sample, lambda effects: _within(effects, self.within, BOTH_SIDES)[::-1], asked)


def _beside(sample: Sample, tests: Callable[[list[Effect]], tuple[Evidence, Evidence]], asked: str) -> Question:
    """What speaks for a sentence on the differences to printed numbers, and what against it, if there are any."""
    effects = [
        Effect(
            sample.values[..., j] - sample.theirs[j],
            sample.unit,
            f"difference to the printed number at batch size {size}",
            sample.step,
        )
        for j, size in enumerate(sample.batch_sizes)
        if sample.theirs and not math.isnan(sample.theirs[j])
    ]
    nothing = Nothing(sample.unit, NO_NUMBERS)
    return Question(*(tests(effects) if effects else (nothing, nothing)), asked)
