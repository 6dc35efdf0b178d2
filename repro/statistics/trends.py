"""Estimands of direction: a curve rises or drops over the grid; one curve is above or below another at its end.

Each is one effect a seed, Student's t interval of its mean, and a bound: "holds" if the interval at 90% lies beyond
the bound (one-sided, 5%), "fails" if it lies wholly short of it. What all curves stand too near the largest value for
cannot be higher, which is no failure.
"""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

from .estimands import Compares, Estimand, Question, Sample, Side, all_of, at_the_ceiling
from .hypotheses import Effect, Mean
from .reasons import AT_THE_CEILING
from .units import Margin


def change_over_grid(sample: Sample) -> Effect:
    """Each seed's difference between the largest and the smallest batch size.

    Those between them do not enter: a slope through all of them can be a fall where the largest batch size is no lower
    than the smallest, and can exceed the largest difference of any two.
    """
    name = f"difference of batch size {sample.batch_sizes[-1]} to {sample.batch_sizes[0]}"
    return Effect(sample.values[..., -1] - sample.values[..., 0], sample.unit, name, sample.step)


def ends(batch_sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The smallest and the largest, between which a change over the grid is taken."""
    return batch_sizes[0], batch_sizes[-1]


def at_ends(sample: Sample) -> Sample:
    """A curve at the smallest and the largest batch size alone."""
    return replace(sample, values=sample.values[..., [0, -1]], batch_sizes=ends(sample.batch_sizes))


class Directed(Estimand):
    """An estimand of one effect, which has to lie more than its margin to one ``side`` of zero; ``words`` for that."""

    words: ClassVar[str]

    @abstractmethod
    def effect(self, *samples: Sample) -> Effect:
        """What has to lie there."""

    def question(self, *samples: Sample) -> Question:
        """What is asked of the curves."""
        effect, margin = self.effect(*samples), self.margin.size
        way = 1 if self.side is Side.ABOVE else -1
        tests = Mean(effect, way, margin), Mean(effect, -way, -margin)
        high = all_of([at_the_ceiling(self.compared(sample), margin) for sample in samples]) if way > 0 else False
        asked = self.words.format(self.margin)
        return Question(*tests, asked, cannot_fail=high, no_room=AT_THE_CEILING)


@dataclass(frozen=True)
class _OverTheGrid(Directed):
    """An estimand of a curve's change over the grid, and how large that has to be."""

    compares = Compares.BATCH_SIZES
    takes = "one curve"

    at_least: Margin

    def rests_on(self, batch_sizes: tuple[int, ...]) -> tuple[int, ...]:
        return ends(batch_sizes)

    def compared(self, sample: Sample) -> Sample:
        """Both ends of the grid."""
        return at_ends(sample)

    def effect(self, *samples: Sample) -> Effect:
        (sample,) = samples
        return change_over_grid(sample)


class Rises(_OverTheGrid):
    """The largest batch size is above the smallest by more than ``at_least``, paired by seed."""

    side, words = Side.ABOVE, "a rise of more than {}"


class Drops(_OverTheGrid):
    """The largest batch size is below the smallest by more than ``at_least``, paired by seed."""

    side, words = Side.BELOW, "a fall of more than {}"


@dataclass(frozen=True)
class _AtTheEnd(Directed):
    """An estimand of two curves at the largest batch size, and how far they have to be apart there."""

    compares = Compares.RECIPES
    takes = "two curves"

    by: Margin

    def effect(self, *samples: Sample) -> Effect:
        first, second = samples
        name = f"paired difference at batch size {first.batch_sizes[-1]}"
        return Effect(first.values[..., -1] - second.values[..., -1], first.unit, name, first.step)


class Higher(_AtTheEnd):
    """At the largest batch size the first curve is above the second by more than ``by``, paired by seed."""

    side, words = Side.ABOVE, "more than {} higher"


class Lower(_AtTheEnd):
    """At the largest batch size the first curve is below the second by more than ``by``, paired by seed."""

    side, words = Side.BELOW, "more than {} lower"
