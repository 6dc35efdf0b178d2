"""Estimands of direction: a curve rises or drops over the grid; one curve is above or below another at its end.

Each is one effect a seed, Student's t interval of its mean, and a bound: "holds" if the interval at 90% lies beyond
the bound (one-sided, 5%), "fails" if it lies wholly short of it.
"""

from dataclasses import dataclass

import numpy as np

from .estimands import Compares, Estimand, Question, Sample
from .hypotheses import Effect, Mean
from .units import Array, Margin

UP, DOWN = 1, -1


def directed(effect: Effect, way: int, margin: Margin, asked: str) -> Question:
    """Whether the mean of an effect lies more than a margin above zero (``UP``) or below it (``DOWN``)."""
    return Question(Mean(effect, way, margin.size), Mean(effect, -way, -margin.size), asked)


def change_over_grid(sample: Sample) -> Array:
    """Each seed's change from the smallest to the largest batch size: (seeds,).

    The least-squares slope against log2 of the batch size, times the number of doublings: all batch sizes count.
    """
    doublings = np.log2(np.asarray(sample.batch_sizes, dtype=float))
    centred = doublings - doublings.mean()
    slope = sample.values @ centred / (centred @ centred)
    return np.asarray(slope * (doublings[-1] - doublings[0]))


def _over_the_grid(sample: Sample, way: int, margin: Margin, asked: str) -> Question:
    name = f"change from batch size {sample.batch_sizes[0]} to {sample.batch_sizes[-1]}"
    return directed(Effect(change_over_grid(sample), sample.unit, name, sample.step), way, margin, asked)


@dataclass(frozen=True)
class _OverTheGrid(Estimand):
    """An estimand of a curve's change over the grid, and how large that has to be."""

    compares = Compares.BATCH_SIZES

    at_least: Margin

    @property
    def margins(self) -> tuple[Margin, ...]:
        return (self.at_least,)


@dataclass(frozen=True)
class Rises(_OverTheGrid):
    """The curve rises over the grid by more than ``at_least``: the mean over seeds of ``change_over_grid``."""

    def question(self, *samples: Sample) -> Question:
        """What is asked of one curve."""
        (sample,) = samples
        return _over_the_grid(sample, UP, self.at_least, f"a rise of more than {self.at_least}")


@dataclass(frozen=True)
class Drops(_OverTheGrid):
    """The curve falls over the grid by more than ``at_least``: the mean over seeds of ``change_over_grid``."""

    def question(self, *samples: Sample) -> Question:
        """What is asked of one curve."""
        (sample,) = samples
        return _over_the_grid(sample, DOWN, self.at_least, f"a fall of more than {self.at_least}")


def _at_the_end(samples: tuple[Sample, ...], way: int, margin: Margin, asked: str) -> Question:
    first, second = samples
    differences = first.values[..., -1] - second.values[..., -1]
    name = f"paired difference at batch size {first.batch_sizes[-1]}"
    return directed(Effect(differences, first.unit, name, first.step), way, margin, asked)


@dataclass(frozen=True)
class _AtTheEnd(Estimand):
    """An estimand of two curves at the largest batch size, and how far they have to be apart there."""

    compares = Compares.RECIPES

    by: Margin

    @property
    def margins(self) -> tuple[Margin, ...]:
        return (self.by,)


@dataclass(frozen=True)
class Higher(_AtTheEnd):
    """At the largest batch size the first curve is above the second by more than ``by``, paired by seed."""

    def question(self, *samples: Sample) -> Question:
        """What is asked of two curves."""
        return _at_the_end(samples, UP, self.by, f"more than {self.by} higher")


@dataclass(frozen=True)
class Lower(_AtTheEnd):
    """At the largest batch size the first curve is below the second by more than ``by``, paired by seed."""

    def question(self, *samples: Sample) -> Question:
        """What is asked of two curves."""
        return _at_the_end(samples, DOWN, self.by, f"more than {self.by} lower")
