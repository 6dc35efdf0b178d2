"""Estimands that compare curves cell by cell, paired by seed: on average, in most cells, and by how much.

Curves come in the order of what is varied (momentum, say), the smallest first. A cell is one batch size of one pair of
curves. Each estimand forms one number a seed, so that what a seed's cells share (its initial weights, the curve that
several cells are compared with) is not counted as independent evidence.
"""

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from .estimands import LEVEL, Compares, Decision, Sample, beyond, decided, directed
from .intervals import Interval, t_interval, t_quantile
from .units import SHARE, Array, Margin

Way = Literal["higher", "lower"]


def _cells(samples: tuple[Sample, ...]) -> Array:
    """Later minus earlier curve for every pair of curves and batch size: (seeds, cells)."""
    pairs = itertools.combinations(samples, 2)
    return np.concatenate([later.values - earlier.values for earlier, later in pairs], axis=1)


@dataclass(frozen=True)
class OnAverage:
    """The last curve is ``way`` than the first by more than ``by``, on average over the batch sizes."""

    compares: ClassVar = Compares.NEITHER

    way: Way
    by: Margin

    @property
    def margin(self) -> Margin:
        """The smallest difference that counts."""
        return self.by

    def decide(self, *samples: Sample) -> Decision:
        """Decide from two or more curves."""
        differences = (samples[-1].values - samples[0].values).mean(1)
        way = "up" if self.way == "higher" else "down"
        effect, asked = "paired difference, mean over batch sizes", f"more than {self.by} {self.way}"
        return directed(differences, way, self.by, samples[0].unit, effect, asked)


@dataclass(frozen=True)
class Mostly:
    """In more than half of the cells the later curve is ``way`` than the earlier one: "in most cases".

    The estimate is the mean over seeds of each seed's share of such cells; a tie is half a cell. Shares that agree
    between few seeds have a spread of zero, which is no certainty: the spread counts as at least that of a share of as
    many independent fair coins, 1 / (2 sqrt(cells)).
    """

    compares: ClassVar = Compares.NEITHER

    way: Way

    @property
    def margin(self) -> Margin:
        """One half."""
        return Margin(0.5, SHARE)

    def decide(self, *samples: Sample) -> Decision:
        """Decide from two or more curves."""
        differences = _cells(samples) * (1 if self.way == "higher" else -1)
        shares = np.where(differences == 0, 0.5, differences > 0).mean(1)
        interval = _share_interval(shares, differences.shape[1])
        effect = f"share of {differences.shape[1]} cells in which more is {self.way}"
        return decided(beyond(interval, 0.5), interval, SHARE, effect, "more than half of the cells")


def _share_interval(shares: Array, cells: int) -> Interval:
    mean, count = float(shares.mean()), len(shares)
    if count == 1:
        return Interval(mean, -math.inf, math.inf)
    spread = max(float(shares.std(ddof=1)), 0.5 / math.sqrt(cells))
    half = t_quantile(count, LEVEL) * spread / math.sqrt(count)
    return Interval(mean, max(0.0, mean - half), min(1.0, mean + half))


@dataclass(frozen=True)
class SmallerChange:
    """From curve 1 to 2 less changes than from curve 3 to 4, by more than ``by``, on average over the batch sizes.

    Changes are compared in size: each seed's mean difference enters by its absolute value. The first batch size is left
    out where the two pairs are the same runs.
    """

    compares: ClassVar = Compares.NEITHER

    by: Margin

    @property
    def margin(self) -> Margin:
        """The smallest difference in change that counts."""
        return self.by

    def decide(self, *samples: Sample) -> Decision:
        """Decide from four curves."""
        a, b, c, d = (sample.values for sample in samples)
        here, there = (np.abs((y - x)[:, 1:].mean(1)) for x, y in ((a, b), (c, d)))
        interval = t_interval(there - here, LEVEL)
        effect = f"change of the second pair beyond that of the first, batch sizes from {samples[0].batch_sizes[1]}"
        return decided(beyond(interval, self.by.size), interval, samples[0].unit, effect, f"more than {self.by}")
