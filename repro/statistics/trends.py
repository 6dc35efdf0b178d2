"""Estimands of direction: a curve rises or drops over the grid; one curve is above or below another at its end.

Each is one effect a seed, Student's t interval of its mean, and a bound: "holds" if the interval at 90% lies beyond
the bound (one-sided, 5%), "fails" if it lies wholly short of it.
"""

from dataclasses import dataclass

from .estimands import Compares, Estimand, Question, Sample, Side
from .hypotheses import Effect, Mean
from .units import Margin

UP, DOWN = 1, -1


def directed(effect: Effect, way: int, margin: Margin, asked: str) -> Question:
    """Whether the mean of an effect lies more than a margin above zero (``UP``) or below it (``DOWN``)."""
    return Question(Mean(effect, way, margin.size), Mean(effect, -way, -margin.size), asked)


def change_over_grid(sample: Sample) -> Effect:
    """Each seed's difference between the largest and the smallest batch size.

    Those between them do not enter: a slope through all of them can be a fall where the largest batch size is no lower
    than the smallest, and can exceed the largest difference of any two.
    """
    name = f"difference of batch size {sample.batch_sizes[-1]} to {sample.batch_sizes[0]}"
    return Effect(sample.values[..., -1] - sample.values[..., 0], sample.unit, name, sample.step)


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
    """The largest batch size is above the smallest by more than ``at_least``, paired by seed."""

    side = Side.ABOVE

    def wants(self, curves: int) -> str:
        return "" if curves == 1 else "one curve"

    def question(self, *samples: Sample) -> Question:
        """What is asked of one curve."""
        (sample,) = samples
        return directed(change_over_grid(sample), UP, self.at_least, f"a rise of more than {self.at_least}")


@dataclass(frozen=True)
class Drops(_OverTheGrid):
    """The largest batch size is below the smallest by more than ``at_least``, paired by seed."""

    side = Side.BELOW

    def wants(self, curves: int) -> str:
        return "" if curves == 1 else "one curve"

    def question(self, *samples: Sample) -> Question:
        """What is asked of one curve."""
        (sample,) = samples
        return directed(change_over_grid(sample), DOWN, self.at_least, f"a fall of more than {self.at_least}")


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

    side = Side.ABOVE

    def wants(self, curves: int) -> str:
        return "" if curves == 2 else "two curves"

    def question(self, *samples: Sample) -> Question:
        """What is asked of two curves."""
        return _at_the_end(samples, UP, self.by, f"more than {self.by} higher")


@dataclass(frozen=True)
class Lower(_AtTheEnd):
    """At the largest batch size the first curve is below the second by more than ``by``, paired by seed."""

    side = Side.BELOW

    def wants(self, curves: int) -> str:
        return "" if curves == 2 else "two curves"

    def question(self, *samples: Sample) -> Question:
        """What is asked of two curves."""
        return _at_the_end(samples, DOWN, self.by, f"more than {self.by} lower")
