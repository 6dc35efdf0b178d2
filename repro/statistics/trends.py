"""Estimands of direction: a curve rises or drops over the grid; one curve is above or below another at its end."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .estimands import Compares, Decision, Sample, directed
from .units import Array, Margin


def change_over_grid(sample: Sample) -> Array:
    """Each seed's change from the smallest to the largest batch size: (seeds,).

    The least-squares slope against log2 of the batch size, times the number of doublings: all batch sizes count.
    """
    doublings = np.log2(np.asarray(sample.batch_sizes, dtype=float))
    centred = doublings - doublings.mean()
    slope = sample.values @ centred / (centred @ centred)
    return np.asarray(slope * (doublings[-1] - doublings[0]))


def _over_the_grid(sample: Sample, way: str, margin: Margin, asked: str) -> Decision:
    effect = f"change from batch size {sample.batch_sizes[0]} to {sample.batch_sizes[-1]}"
    return directed(change_over_grid(sample), way, margin, sample.unit, effect, asked)


@dataclass(frozen=True)
class Rises:
    """The curve rises over the grid by more than ``at_least``; see ``change_over_grid``."""

    compares: ClassVar = Compares.BATCH_SIZES

    at_least: Margin

    @property
    def margin(self) -> Margin:
        """The smallest rise that counts."""
        return self.at_least

    def decide(self, *samples: Sample) -> Decision:
        """Decide from one curve."""
        (sample,) = samples
        return _over_the_grid(sample, "up", self.at_least, f"a rise of more than {self.at_least}")


@dataclass(frozen=True)
class Drops:
    """The curve falls over the grid by more than ``at_least``; see ``change_over_grid``."""

    compares: ClassVar = Compares.BATCH_SIZES

    at_least: Margin

    @property
    def margin(self) -> Margin:
        """The smallest fall that counts."""
        return self.at_least

    def decide(self, *samples: Sample) -> Decision:
        """Decide from one curve."""
        (sample,) = samples
        return _over_the_grid(sample, "down", self.at_least, f"a fall of more than {self.at_least}")


def _at_the_end(samples: tuple[Sample, ...], way: str, margin: Margin, asked: str) -> Decision:
    first, second = samples
    differences = np.asarray(first.values[:, -1] - second.values[:, -1])
    effect = f"paired difference at batch size {first.batch_sizes[-1]}"
    return directed(differences, way, margin, first.unit, effect, asked)


@dataclass(frozen=True)
class Higher:
    """At the largest batch size the first curve is above the second by more than ``by``, paired by seed."""

    compares: ClassVar = Compares.RECIPES

    by: Margin

    @property
    def margin(self) -> Margin:
        """The smallest lead that counts."""
        return self.by

    def decide(self, *samples: Sample) -> Decision:
        """Decide from two curves."""
        return _at_the_end(samples, "up", self.by, f"more than {self.by} higher")


@dataclass(frozen=True)
class Lower:
    """At the largest batch size the first curve is below the second by more than ``by``, paired by seed."""

    compares: ClassVar = Compares.RECIPES

    by: Margin

    @property
    def margin(self) -> Margin:
        """The smallest gap that counts."""
        return self.by

    def decide(self, *samples: Sample) -> Decision:
        """Decide from two curves."""
        return _at_the_end(samples, "down", self.by, f"more than {self.by} lower")
