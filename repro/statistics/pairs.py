"""Estimands that compare curves cell by cell, paired by seed: on average, in most cells, and by how much.

Curves come in the order of what is varied (momentum, say), the smallest first. A cell is one batch size of one pair of
curves. Each estimand forms one number a seed, so that what a seed's cells share (its initial weights, the curve that
several cells are compared with) is not counted as independent evidence.
"""

import itertools
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from .equivalence import BEGINS_ON_THE_FLOOR, BOTH_ON_THE_FLOOR, both_floored, no_room_to_fall
from .estimands import Compares, Estimand, Question, Sample, Side, each_once, groups, on_the_floor
from .hypotheses import AllOf, AnyOf, Effect, Mean, Median, Nothing
from .reasons import Lack, Reason
from .signs import opposite_signs
from .trends import Directed, at_ends, change_over_grid, ends
from .units import SHARE, Array, Margin

Way = Literal["higher", "lower"]
SECOND_ON_THE_FLOOR: Final = Reason(
    "the second curve stands within the margin of the floor, where it cannot change", Lack.ROOM_BELOW
)
ALL_EQUAL: Final = "both pairs of curves have the same values at every batch size"


@dataclass(frozen=True)
class _OnAverage(Directed):
    """An estimand of the mean over batch sizes of the difference of the last curve to the first.

    One effect a seed: its paired difference, mean over the batch sizes; Student's t interval.
    """

    compares = Compares.CURVES
    takes = "two or more curves"

    by: Margin

    def compared(self, sample: Sample) -> Sample:
        """The mean over batch sizes."""
        return replace(sample, values=sample.values.mean(-1, keepdims=True))

    def effect(self, *samples: Sample) -> Effect:
        differences = (samples[-1].values - samples[0].values).mean(-1)
        return Effect(differences, samples[0].unit, "paired difference, mean over batch sizes", samples[0].step)

    def hides(self, *samples: Sample) -> str:
        """Whether the last curve is above the first at some batch sizes and below it at others."""
        return opposite_signs(replace(samples[0], values=samples[-1].values - samples[0].values), self.by)


class HigherOnAverage(_OnAverage):
    """The last curve is above the first by more than ``by``, on average over the batch sizes."""

    side, words = Side.ABOVE, "more than {} higher"


class LowerOnAverage(_OnAverage):
    """The last curve is below the first by more than ``by``, on average over the batch sizes."""

    side, words = Side.BELOW, "more than {} lower"


@dataclass(frozen=True)
class Mostly(Estimand):
    """In more than half of the cells the later curve is ``way`` than the earlier one: "in most cases".

    Curves of several groups (tasks, recipes) are compared within each; their cells count alike, and seed i is taken of
    every group, as far as all have one. Cells that are the same runs, as those of two recipes at the batch size where
    both set the same learning rate, count once.

    One effect a seed: the share of its cells in which that is so, a tie being half a cell. Holds if the median over
    seeds is above one half, by the sign test. Cells of a seed go together and shares take few values, so that a t
    interval of three equal shares would be certain of what happens once in eight by chance; the sign test is exact
    whatever the cells share, and therefore decides nothing below five seeds (one in 32). Source: Conover 1999.
    A cell of which a value is unknown is none in which that is so where it holds, and one where it fails.
    """

    side = Side.ABOVE
    compares = Compares.CURVES
    takes = "two or more curves"
    bears_gaps = True

    way: Way

    @property
    def margins(self) -> tuple[Margin, ...]:
        """One half."""
        return (Margin(0.5, SHARE),)

    def decides(self, seeds: int, alpha: float) -> bool:
        """The sign test: its smallest p is that of seeds which all agree."""
        return 0.5**seeds <= alpha

    def question(self, *samples: Sample) -> Question:
        """What is asked of two or more curves."""
        pairs = [pair for group in groups(samples) for pair in itertools.combinations(group, 2)]
        earlier, later = each_once(pairs)
        differences = later - earlier if self.way == "higher" else earlier - later
        so = np.where(differences == 0, 0.5, differences > 0)
        name = f"share of {differences.shape[-1]} cells in which more is {self.way}, median seed"
        least, most = (
            Effect(np.where(np.isnan(differences), unknown, so).mean(-1), SHARE, name) for unknown in (0.0, 1.0)
        )
        return Question(Median(least, 1, 0.5), Median(most, -1, -0.5), "more than half of the cells")


@dataclass(frozen=True)
class SmallerChange(Estimand):
    """From curve 1 to 2 less changes than from curve 3 to 4, by more than ``by``.

    With h and t the true differences (means over seeds) of the first and second pair at each batch size: holds if the
    size of t's mean over the batch sizes exceeds the mean over the batch sizes of the size of h by more than ``by``.
    So changes of the first pair that cancel are no smallness, and the second pair is not helped by noise, as it would
    be if each seed's difference entered by its absolute value: the noisier pair would then be the one that changes
    more.

    A difference of sizes is tested without estimating any. It is above ``by`` if with one sign s of t and every choice
    of signs u of h the mean of s t - u h is above ``by``: an intersection, for each of two signs that are not known
    before (Bonferroni). It is below ``by`` if with one choice of signs u of h and both signs s of t it is: likewise,
    for each of the choices. Batch sizes at which both pairs are the same runs can show no difference and are left out.
    It cannot hold where at some of the others the first pair stands within the margin of the floor, as ``Same`` cannot,
    nor fail where the second does at all of them.
    """

    side = Side.ABOVE
    compares = Compares.CURVES
    takes = "four curves"

    by: Margin

    def question(self, *samples: Sample) -> Question:
        """What is asked of four curves."""
        a, b, c, d = _where_they_differ(*samples)
        here, there = b.values - a.values, d.values - c.values
        if here.shape[-1] == 0:
            asked, nothing = f"more than {self.by}", Nothing(samples[0].unit, ALL_EQUAL)
            return Question(nothing, nothing, asked)
        name = f"change of the second pair beyond that of the first, mean over {here.shape[-1]} batch sizes"
        question = smaller(here, there, Effect(np.zeros(0), samples[0].unit, name, samples[0].step), self.by)
        floored = on_the_floor(c, self.by.size) & on_the_floor(d, self.by.size)
        return replace(
            question, cannot_hold=both_floored(a, b, self.by), cannot_fail=floored, no_room=BOTH_ON_THE_FLOOR
        )

    def hides(self, *samples: Sample) -> str:
        """Whether the second pair changes to both sides; that is what cancels, for the first is taken by its size."""
        *_, c, d = _where_they_differ(*samples)
        return opposite_signs(replace(c, values=d.values - c.values), self.by) if c.batch_sizes else ""


@dataclass(frozen=True)
class ChangesLess(Estimand):
    """Over the grid the first curve changes less than the second, by more than ``by``.

    The change is the difference of the largest batch size to the smallest, in size: see ``SmallerChange``. It cannot
    hold where the first curve begins within the margin of the floor, as ``Flat`` cannot: a fall would not be seen. Nor
    can it fail where the second lies there throughout.
    """

    side = Side.ABOVE
    compares = Compares.BATCH_SIZES
    takes = "two curves"

    by: Margin

    def rests_on(self, batch_sizes: tuple[int, ...]) -> tuple[int, ...]:
        return ends(batch_sizes)

    def compared(self, sample: Sample) -> Sample:
        """Both ends of the grid."""
        return at_ends(sample)

    def question(self, *samples: Sample) -> Question:
        """What is asked of two curves."""
        first, second = (change_over_grid(sample) for sample in samples)
        name = f"size of the second curve's {first.name} beyond that of the first's"
        question = smaller(first.values[..., None], second.values[..., None], replace(first, name=name), self.by)
        begins, lies = no_room_to_fall(samples[0], self.by), on_the_floor(at_ends(samples[1]), self.by.size)
        no_room = BEGINS_ON_THE_FLOOR if np.any(begins) else SECOND_ON_THE_FLOOR
        return replace(question, cannot_hold=begins, cannot_fail=lies, no_room=no_room)


def smaller(here: Array, there: Array, shown: Effect, by: Margin) -> Question:
    """Whether the mean size of the true differences ``here`` (..., seeds, n) is below the size of ``there``'s mean.

    By more than ``by``. The effects are ``shown`` as this one is: its unit, name and step.
    """
    count = here.shape[-1]
    sizes = [here @ np.array(signs) / count for signs in itertools.product((1.0, -1.0), repeat=count)]
    effects = [[replace(shown, values=s * there.mean(-1) - size) for size in sizes] for s in (1, -1)]
    beyond = [AllOf(tuple(Mean(e, 1, by.size) for e in row)) for row in effects]
    short = [AllOf(tuple(Mean(e, -1, -by.size) for e in column)) for column in zip(*effects, strict=True)]
    return Question(AnyOf(tuple(beyond)), AnyOf(tuple(short)), f"more than {by}")


def _where_they_differ(a: Sample, b: Sample, c: Sample, d: Sample) -> list[Sample]:
    """Two pairs of curves at the batch sizes at which they are not the same runs, or as good as these."""
    equal = (a.values == c.values) & (b.values == d.values)
    differs = ~equal.all(axis=tuple(range(equal.ndim - 1)))
    sizes = tuple(size for size, kept in zip(a.batch_sizes, differs, strict=True) if kept)
    return [replace(sample, values=sample.values[..., differs], batch_sizes=sizes) for sample in (a, b, c, d)]
