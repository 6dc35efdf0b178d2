"""Synthetic worlds that the decisions are tried on: curves whose truth is known, with noise as runs have it.

The spreads are those measured between seeds of StdCNN on MNIST at reduced scale: 3.2 points of accuracy (0.1 to 1 where
trained, 11 where not), 6.9 points of FGSM accuracy, 0.35 of the logarithm of lambda1. Half of a run's variance is
shared by all runs of its seed, but in the world *independent*: between networks that have learnt about none was seen
to be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr

from repro.statistics.estimands import Sample
from repro.statistics.units import FACTOR, POINTS, Array, Unit

SIZES: Final = (64, 128, 256, 512, 1024)
CHANCE: Final = 10.0
SD_LOG_LAMBDA1: Final = 0.35
BASE: Final = 50.0  # of accuracies where the floor is far
ABOVE_CHANCE: Final = 2.0  # of the lowest mean where the floor is near


@dataclass(frozen=True)
class Line:
    """A true curve: the means of a measure at the first batch sizes, up to a constant; the task that it is of."""

    means: tuple[float, ...]
    unit: Unit = POINTS
    group: str = ""


@dataclass(frozen=True)
class World:
    """How runs depart from the truth. Accuracies in points; lambda1 is log-normal in every world.

    ``uneven``: the spread grows along the grid from 0.5 to 11 points, and each seed has a scale of its own (log-normal,
    0.5). ``floored``: nothing is below chance, and the lowest mean stands 2 points above it; the truth is the mean of
    what is then measured. ``diverging``: the share of runs, at any batch size alike, that diverge and count as chance;
    the truth is of those that do not. ``images``: accuracies are counts of so many images (0: not rounded); the truth
    is the mean of what is counted. ``shared``: the share of a run's variance that all runs of its seed have together.
    """

    name: str
    says: str
    sd: float = 3.2
    uneven: bool = False
    floored: bool = False
    diverging: float = 0.0
    images: int = 0
    shared: float = 0.5

    def draw(self, lines: tuple[Line, ...], seeds: int, count: int, generator: np.random.Generator) -> list[Sample]:
        """``count`` worlds of each line: samples of (count, seeds, batch sizes)."""
        shared = np.sqrt(self.shared) * generator.normal(size=(count, seeds, 1))
        scale = np.exp(0.5 * generator.normal(size=(count, seeds, 1))) if self.uneven else 1.0
        lowest = min(min(line.means) for line in lines if line.unit == POINTS)
        base = CHANCE + ABOVE_CHANCE - lowest if self.floored else BASE
        samples = []
        for line in lines:
            noise = shared + np.sqrt(1 - self.shared) * generator.normal(size=(count, seeds, len(line.means)))
            means = np.array(line.means)
            if line.unit == POINTS:
                values = self._accuracies(base + means, scale * noise, generator)
                samples.append(Sample(values, SIZES[: len(means)], POINTS, CHANCE, self.step, line.group))
            else:
                samples.append(Sample(means + SD_LOG_LAMBDA1 * noise, SIZES[: len(means)], FACTOR, group=line.group))
        return samples

    @property
    def step(self) -> float:
        """One image, in points."""
        return 100 / self.images if self.images else 0.0

    def _accuracies(self, means: Array, noise: Array, generator: np.random.Generator) -> Array:
        spread = np.geomspace(0.5, 11, len(means)) if self.uneven else np.full(len(means), self.sd)
        if self.floored:
            return np.maximum(solved(means, lambda found: _floored(found, self.sd)) + spread * noise, CHANCE)
        if self.images:
            values = solved(means, lambda found: _counted(found, self.sd, self.step)) + spread * noise
            return np.round(values / self.step) * self.step
        diverged = generator.random(noise.shape) < self.diverging
        return np.where(diverged, CHANCE, means + spread * noise)


def solved(means: Array, measured: Callable[[Array], Array]) -> Array:
    """The normal values' means for which what is measured has the given means, by bisection."""
    low, high = means - 60.0, means + 60.0
    for _ in range(60):
        middle = (low + high) / 2
        short = measured(middle) < means
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.asarray((low + high) / 2)


def _floored(means: Array, sd: float) -> Array:
    """The means of normal values that are raised to chance where they are below it."""
    z = (means - CHANCE) / sd
    return np.asarray(CHANCE + (means - CHANCE) * ndtr(z) + sd * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))


def _counted(means: Array, sd: float, step: float) -> Array:
    """The means of normal values that are rounded to steps: one step for each half-way point that is passed."""
    first = np.floor((means - 8 * sd) / step)
    halfway = (first + 0.5 + np.arange(2 + int(16 * sd / step))[:, None]) * step
    return np.asarray(first * step + step * ndtr((means - halfway) / sd).sum(0))


WORLDS: Final = (
    World("even", "accuracy, 3.2 points between seeds"),
    World("attacked", "FGSM accuracy, 6.9 points between seeds", sd=6.9),
    World("independent", "accuracy, 3.2 points between seeds, nothing of it shared by the runs of a seed", shared=0.0),
    World("uneven", "0.5 points at batch size 64 to 11 at 1024, and a scale of each seed's own", uneven=True),
    World("floored", "nothing below chance, the lowest mean 2 points above it", floored=True),
    World("diverging", "one run in twenty diverges and counts as chance", diverging=0.05),
    World("counted", "0.1 points between seeds, counts of 1,000 images", sd=0.1, images=1000),
    World("few counted", "0.3 points between seeds, counts of 64 images", sd=0.3, images=64),
)
