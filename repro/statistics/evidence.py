"""What speaks for a sentence: one-sided tests over seeds, and how several of them make one.

A test asks whether a centre of one effect a seed lies beyond a bound. ``AllOf`` of several asks for each of them: an
intersection-union test, which keeps the error of its parts without correction (Berger and Hsu 1996). ``AnyOf`` of
several asks for one of them at least, and is corrected for their number (Bonferroni: valid however they depend).

Each has a p-value: the smallest error level at which it would say yes. Effects may have leading dimensions, for many
worlds at once; the p-value then has them too. What is shown and what is planned is of one world.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy.special import bdtrc, nctdtr, stdtrit

from .intervals import Interval, median_interval, sign_p, spread, t_interval, t_p
from .units import Array, Unit


@dataclass(frozen=True)
class Effect:
    """One number a seed, ``values`` (..., seeds), on a unit's scale, and in words what it is.

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

    def power(self, seeds: int, alpha: float) -> float:
        """The probability that as many seeds say yes at error ``alpha``, if the truth is what is observed."""


@dataclass(frozen=True)
class Mean:
    """The mean over seeds of ``sign`` (1 or -1) times an effect is above ``bound``: Student's t."""

    effect: Effect
    sign: int
    bound: float

    @property
    def reason(self) -> str:
        return ""

    def p(self) -> Array:
        return t_p(self.sign * self.effect.values, self.bound, self.effect.step)

    def weakest(self) -> Weakest:
        return Weakest(self, 1)

    def interval(self, alpha: float) -> Interval:
        return t_interval(self.effect.values, 1 - 2 * alpha, self.effect.step)

    def power(self, seeds: int, alpha: float) -> float:
        """Exact for normal effects whose mean and spread are those observed (noncentral t)."""
        values = self.sign * self.effect.values
        if min(seeds, len(values)) < 2:
            return 0.0
        above, sd = float(values.mean()) - self.bound, float(spread(values, self.effect.step))
        if sd == 0:
            return float(above > 0)
        critical = stdtrit(seeds - 1, 1 - alpha)
        return 1 - float(nctdtr(seeds - 1, above / sd * math.sqrt(seeds), critical))


@dataclass(frozen=True)
class Median:
    """The median over seeds of ``sign`` (1 or -1) times an effect is above ``bound``: the sign test."""

    effect: Effect
    sign: int
    bound: float

    @property
    def reason(self) -> str:
        """The fewest seeds that can show a median to one side at 5% are five: one in 32."""
        seeds = len(self.effect.values)
        return f"a median needs five seeds at least, of which there are {seeds}" if seeds < 5 else ""

    def p(self) -> Array:
        return sign_p(self.sign * self.effect.values, self.bound)

    def weakest(self) -> Weakest:
        return Weakest(self, 1)

    def interval(self, alpha: float) -> Interval:
        return median_interval(self.effect.values, 1 - 2 * alpha)

    def power(self, seeds: int, alpha: float) -> float:
        """Binomial, with the share of seeds beyond the bound as observed (and half a seed added to either side)."""
        values = self.sign * self.effect.values
        beyond = (float((values > self.bound).sum()) + 0.5) / (len(values) + 1)
        counts = np.arange(seeds + 1.0)
        needed = counts[bdtrc(counts - 1, seeds, 0.5) <= alpha]
        return float(bdtrc(needed[0] - 1, seeds, beyond)) if len(needed) else 0.0


@dataclass(frozen=True)
class AllOf:
    """Each of its parts: their largest p-value."""

    parts: tuple[Evidence, ...]

    def p(self) -> Array:
        return np.asarray(np.max([part.p() for part in self.parts], axis=0))

    def weakest(self) -> Weakest:
        return max(self.parts, key=lambda part: float(part.p())).weakest()

    def power(self, seeds: int, alpha: float) -> float:
        """At least 1 less what each part may miss, however they depend."""
        return max(0.0, 1 - sum(1 - part.power(seeds, alpha) for part in self.parts))


@dataclass(frozen=True)
class AnyOf:
    """One at least of its parts: the smallest p-value, times their number."""

    parts: tuple[Evidence, ...]

    def p(self) -> Array:
        return np.asarray(np.minimum(1.0, len(self.parts) * np.min([part.p() for part in self.parts], axis=0)))

    def weakest(self) -> Weakest:
        test, shared = min(self.parts, key=lambda part: float(part.p())).weakest()
        return Weakest(test, shared * len(self.parts))

    def power(self, seeds: int, alpha: float) -> float:
        """At least that of its strongest part."""
        return max(part.power(seeds, alpha / len(self.parts)) for part in self.parts)


@dataclass(frozen=True)
class Nothing:
    """No test at all, for want of something that is named: never says yes."""

    unit: Unit
    reason: str

    @property
    def effect(self) -> Effect:
        return Effect(np.array([math.nan]), self.unit, "no estimate")

    def p(self) -> Array:
        return np.array(1.0)

    def weakest(self) -> Weakest:
        return Weakest(self, 1)

    def interval(self, alpha: float) -> Interval:  # noqa: ARG002 - the protocol's
        return Interval(math.nan, math.nan, math.nan)

    def power(self, seeds: int, alpha: float) -> float:  # noqa: ARG002 - the protocol's
        return 0.0
