"""Estimands that compare curves cell by cell, paired by seed: on average, in most cells, and by how much.

Curves come in the order of what is varied (momentum, say), the smallest first. A cell is one batch size of one pair of
curves. Each estimand forms one number a seed, so that what a seed's cells share (its initial weights, the curve that
several cells are compared with) is not counted as independent evidence.
"""

import itertools
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from .estimands import Estimand, Question, Sample
from .hypotheses import AllOf, AnyOf, Effect, Mean, Median, Nothing
from .trends import DOWN, UP, directed
from .units import SHARE, Array, Margin

Way = Literal["higher", "lower"]
THE_SAME_RUNS: Final = "both pairs of curves are the same runs at every batch size"


@dataclass(frozen=True)
class OnAverage(Estimand):
    """The last curve is ``way`` than the first by more than ``by``, on average over the batch sizes.

    One effect a seed: its paired difference, mean over the batch sizes; Student's t interval.
    """

    way: Way
    by: Margin

    @property
    def margins(self) -> tuple[Margin, ...]:
        return (self.by,)

    def question(self, *samples: Sample) -> Question:
        """What is asked of two or more curves."""
        differences = (samples[-1].values - samples[0].values).mean(-1)
        name = "paired difference, mean over batch sizes"
        effect = Effect(differences, samples[0].unit, name, samples[0].step)
        return directed(effect, UP if self.way == "higher" else DOWN, self.by, f"more than {self.by} {self.way}")


@dataclass(frozen=True)
class Mostly(Estimand):
    """In more than half of the cells the later curve is ``way`` than the earlier one: "in most cases".

    One effect a seed: the share of its cells in which that is so, a tie being half a cell. Holds if the median over
    seeds is above one half, by the sign test. Cells of a seed go together and shares take few values, so that a t
    interval of three equal shares would be certain of what happens once in eight by chance; the sign test is exact
    whatever the cells share, and therefore decides nothing below five seeds (one in 32). Source: Conover 1999.
    """

    way: Way

    @property
    def margins(self) -> tuple[Margin, ...]:
        """One half."""
        return (Margin(0.5, SHARE),)

    def question(self, *samples: Sample) -> Question:
        """What is asked of two or more curves."""
        pairs = itertools.combinations(samples, 2)
        differences = np.concatenate([later.values - earlier.values for earlier, later in pairs], axis=-1)
        differences = differences if self.way == "higher" else -differences
        shares = np.where(differences == 0, 0.5, differences > 0).mean(-1)
        name = f"share of {differences.shape[-1]} cells in which more is {self.way}, median seed"
        effect = Effect(shares, SHARE, name)
        return Question(Median(effect, 1, 0.5), Median(effect, -1, -0.5), "more than half of the cells")


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
    """

    by: Margin

    @property
    def margins(self) -> tuple[Margin, ...]:
        return (self.by,)

    def question(self, *samples: Sample) -> Question:
        """What is asked of four curves."""
        unit, asked = samples[0].unit, f"more than {self.by}"
        here, there = _differing(*samples)
        count = here.shape[-1]
        if count == 0:
            nothing = Nothing(unit, THE_SAME_RUNS)
            return Question(nothing, nothing, asked)
        name = f"change of the second pair beyond that of the first, mean over {count} batch sizes"
        sizes = [here @ np.array(signs) / count for signs in itertools.product((1.0, -1.0), repeat=count)]
        step = samples[0].step
        effects = [[Effect(s * there.mean(-1) - size, unit, name, step) for size in sizes] for s in (1, -1)]
        beyond = [AllOf(tuple(Mean(e, 1, self.by.size) for e in row)) for row in effects]
        short = [AllOf(tuple(Mean(e, -1, -self.by.size) for e in column)) for column in zip(*effects, strict=True)]
        return Question(AnyOf(tuple(beyond)), AnyOf(tuple(short)), asked)


def _differing(a: Sample, b: Sample, c: Sample, d: Sample) -> tuple[Array, Array]:
    """The paired differences of both pairs at the batch sizes at which the pairs are not the same runs."""
    equal = (a.values == c.values) & (b.values == d.values)
    differs = ~equal.all(axis=tuple(range(equal.ndim - 1)))
    return (b.values - a.values)[..., differs], (d.values - c.values)[..., differs]
