"""What speaks for a sentence: one-sided tests over seeds, and how several of them make one.

A test asks whether a centre of one effect a seed lies beyond a bound. ``AllOf`` of several asks for each of them: an
intersection-union test, which keeps the error of its parts without correction (Berger and Hsu 1996). ``AnyOf`` of
several asks for one of them at least, and is corrected for their number (Bonferroni: valid however they depend).

Each has a p-value: the smallest error level at which it would say yes. Effects may have leading dimensions, for many
worlds at once; the p-value then has them too. What is shown and what is planned is of one world.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import bdtrc, nctdtr, stdtrit

from .intervals import Interval, median_interval, sign_p, spread, t_interval, t_p
from .units import Array, Unit


@dataclass(frozen=True)
class Effect:
    """One number a seed, ``values`` (..., seeds), on a unit's scale, and what it is, in words.

    ``step``: what the values it was formed from are rounded to.
    """

    values: Array
    unit: Unit
    name: str
    step: float = 0.0


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

    def power(self, seeds: Array | int, alpha: float) -> Array:
        """The probability that as many seeds say yes at error ``alpha``, if the truth is what is observed.

        Of several numbers of seeds at once, if ``seeds`` has several.
        """


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
class Mean(Asked):
    """The mean over seeds of ``sign`` (1 or -1) times an effect is above ``bound``: Student's t."""

    effect: Effect
    sign: int
    bound: float

    @property
    def reason(self) -> str:
        return ""

    def _computed(self) -> Array:
        return t_p(self.sign * self.effect.values, self.bound, self.effect.step)

    def weakest(self) -> Weakest:
        return Weakest(self, 1)

    def interval(self, alpha: float) -> Interval:
        return t_interval(self.effect.values, 1 - 2 * alpha, self.effect.step)

    def power(self, seeds: Array | int, alpha: float) -> Array:
        """The probability, exact for normal effects whose mean and spread are those observed (noncentral t).

        It is 0, which promises nothing, where scipy's noncentral t has no number, as at its underflow.
        """
        values, counts = self.sign * self.effect.values, np.asarray(seeds, dtype=np.float64)
        if len(values) < 2:
            return np.zeros_like(counts)
        above, sd = float(values.mean()) - self.bound, float(spread(values, self.effect.step))
        if sd == 0:
            return np.where(counts < 2, 0.0, float(above > 0))
        critical = stdtrit(counts - 1, 1 - alpha)
        found = 1 - nctdtr(counts - 1, above / sd * np.sqrt(counts), critical)
        return np.where((counts < 2) | np.isnan(found), 0.0, found)


@dataclass(frozen=True)
class Median(Asked):
    """The median over seeds of ``sign`` (1 or -1) times an effect is above ``bound``: the sign test."""

    effect: Effect
    sign: int
    bound: float

    @property
    def reason(self) -> str:
        """The fewest seeds that can show a median to one side at 5% are five: one in 32."""
        seeds = len(self.effect.values)
        return f"a median needs five seeds at least, of which there are {seeds}" if seeds < 5 else ""

    def _computed(self) -> Array:
        return sign_p(self.sign * self.effect.values, self.bound)

    def weakest(self) -> Weakest:
        return Weakest(self, 1)

    def interval(self, alpha: float) -> Interval:
        return median_interval(self.effect.values, 1 - 2 * alpha)

    def power(self, seeds: Array | int, alpha: float) -> Array:
        """The binomial probability for the observed share of seeds beyond the bound, half a seed added to each side."""
        values = self.sign * self.effect.values
        beyond = (float((values > self.bound).sum()) + 0.5) / (len(values) + 1)
        found = [_binomial_power(int(count), beyond, alpha) for count in np.ravel(seeds)]
        return np.reshape(np.array(found), np.shape(seeds))


def _binomial_power(seeds: int, beyond: float, alpha: float) -> float:
    """How often the sign test says yes of so many seeds, each of which is beyond the bound with this probability."""
    counts = np.arange(seeds + 1.0)
    needed = counts[bdtrc(counts - 1, seeds, 0.5) <= alpha]
    return float(bdtrc(needed[0] - 1, seeds, beyond)) if len(needed) else 0.0


@dataclass(frozen=True)
class AllOf(Asked):
    """The evidence that each of its parts says yes: their largest p-value."""

    parts: tuple[Evidence, ...]

    def _computed(self) -> Array:
        return np.asarray(np.max([part.p() for part in self.parts], axis=0))

    def weakest(self) -> Weakest:
        return max(self.parts, key=lambda part: float(part.p())).weakest()

    def power(self, seeds: Array | int, alpha: float) -> Array:
        """A lower bound that holds however the parts depend: 1 less what each of them may miss."""
        missed = sum(1 - part.power(seeds, alpha) for part in self.parts)
        return np.asarray(np.maximum(0.0, 1 - missed))


@dataclass(frozen=True)
class AnyOf(Asked):
    """The evidence that at least one of its parts says yes: the smallest p-value, times their number."""

    parts: tuple[Evidence, ...]

    def _computed(self) -> Array:
        return np.asarray(np.minimum(1.0, len(self.parts) * np.min([part.p() for part in self.parts], axis=0)))

    def weakest(self) -> Weakest:
        test, shared = min(self.parts, key=lambda part: float(part.p())).weakest()
        return Weakest(test, shared * len(self.parts))

    def power(self, seeds: Array | int, alpha: float) -> Array:
        """A lower bound: the power of its strongest part."""
        return np.asarray(np.max([part.power(seeds, alpha / len(self.parts)) for part in self.parts], axis=0))


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

    def power(self, seeds: Array | int, alpha: float) -> Array:  # noqa: ARG002  # the protocol has it
        return np.zeros(np.shape(seeds))
