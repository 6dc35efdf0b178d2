"""What speaks for a sentence: one-sided tests over seeds, and how several of them make one.

A test asks whether a centre of one effect a seed lies beyond a bound. ``AllOf`` of several asks for each of them: an
intersection-union test, which keeps the error of its parts without correction (Berger and Hsu 1996). ``AnyOf`` of
several asks for one of them at least, and is corrected for their number (Bonferroni: valid however they depend).

Each has a p-value: the smallest error level at which it would say yes. Effects may have leading dimensions, for many
worlds at once; the p-value then has them too. What is shown is of one world.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import NamedTuple, Protocol

import numpy as np

from .intervals import Interval, median_interval, sign_p, t_interval, t_p
from .units import Array, Unit


@dataclass(frozen=True)
class Effect:
    """One number a seed, ``values`` (..., seeds), on a unit's scale, and what it is, in words.

    ``step``: what the values it was formed from are rounded to; of worlds that were drawn each may have its own.
    """

    values: Array
    unit: Unit
    name: str
    step: float | Array = 0.0


class Single(Protocol):
    """A test of one effect."""

    @property
    def effect(self) -> Effect:
        """What it is a test of."""

    @property
    def reason(self) -> str:
        """Why it can say nothing, where that is not for the width of the interval."""

    def interval(self, alpha: float) -> Interval:
        """The effect's two-sided interval, each side at an error of ``alpha``."""

    def misses(self, alpha: float) -> bool:
        """Whether that lies wholly where the effect should not be."""


class Weakest(NamedTuple):
    """The test that a decision turns on, and the number of tests its error level is shared with."""

    test: Single
    shared: int


class Evidence(Protocol):
    """One test, or several that make one."""

    def p(self) -> Array:
        """The smallest error level at which it says yes."""

    def weakest(self) -> Weakest:
        """The single test that decides: the least clear of ``AllOf``, the clearest of ``AnyOf``."""


class Asked(ABC):
    """Evidence that is computed once, however often a decision turns to it."""

    def p(self) -> Array:
        """The smallest error level at which it says yes."""
        return self._p

    @cached_property
    def _p(self) -> Array:
        return self._computed()

    @abstractmethod
    def _computed(self) -> Array:
        """The p-value."""


@dataclass(frozen=True)
class Bounded(Asked):
    """A centre over seeds of ``sign`` (1 or -1) times an effect is above ``bound``."""

    effect: Effect
    sign: int
    bound: float

    @property
    def reason(self) -> str:
        """Why it can say nothing, where that is not for the width of the interval."""
        return ""

    @abstractmethod
    def interval(self, alpha: float) -> Interval:
        """The effect's two-sided interval, each side at an error of ``alpha``."""

    def misses(self, alpha: float) -> bool:
        """Whether that lies wholly where the effect should not be."""
        found = self.interval(alpha)
        return (found.high if self.sign > 0 else -found.low) < self.bound

    def weakest(self) -> Weakest:
        """Itself."""
        return Weakest(self, 1)


class Mean(Bounded):
    """The mean over seeds of ``sign`` (1 or -1) times an effect is above ``bound``: Student's t."""

    def _computed(self) -> Array:
        return t_p(self.sign * self.effect.values, self.bound, self.effect.step)

    def interval(self, alpha: float) -> Interval:
        return t_interval(self.effect.values, 1 - 2 * alpha, self.effect.step)


class Median(Bounded):
    """The median over seeds of ``sign`` (1 or -1) times an effect is above ``bound``: the sign test."""

    @property
    def reason(self) -> str:
        """The fewest seeds that can show a median to one side at 5% are five: one in 32."""
        seeds = len(self.effect.values)
        return f"a median needs five seeds at least, of which there are {seeds}" if seeds < 5 else ""

    def _computed(self) -> Array:
        return sign_p(self.sign * self.effect.values, self.bound)

    def interval(self, alpha: float) -> Interval:
        return median_interval(self.effect.values, 1 - 2 * alpha)


@dataclass(frozen=True)
class AllOf(Asked):
    """The evidence that each of its parts says yes: their largest p-value."""

    parts: tuple[Evidence, ...]

    def _computed(self) -> Array:
        return np.asarray(
            reduce(np.maximum, [part.p() for part in self.parts])
        )  # of one shape, or the same in all worlds

    def weakest(self) -> Weakest:
        return max(self.parts, key=lambda part: float(part.p())).weakest()


@dataclass(frozen=True)
class AnyOf(Asked):
    """The evidence that at least one of its parts says yes: the smallest p-value, times their number."""

    parts: tuple[Evidence, ...]

    def _computed(self) -> Array:
        return np.asarray(np.minimum(1.0, len(self.parts) * reduce(np.minimum, [part.p() for part in self.parts])))

    def weakest(self) -> Weakest:
        test, shared = min(self.parts, key=lambda part: float(part.p())).weakest()
        return Weakest(test, shared * len(self.parts))


@dataclass(frozen=True)
class Nothing:
    """Evidence that never says yes, since there is no test for want of something that ``reason`` names."""

    unit: Unit
    reason: str

    @property
    def effect(self) -> Effect:
        return Effect(np.array([math.nan]), self.unit, "no estimate")

    def p(self) -> Array:
        return np.array(1.0)

    def weakest(self) -> Weakest:
        return Weakest(self, 1)

    def interval(self, alpha: float) -> Interval:  # noqa: ARG002  # the protocol has it
        return Interval(math.nan, math.nan, math.nan)

    def misses(self, alpha: float) -> bool:  # noqa: ARG002  # likewise
        return False
