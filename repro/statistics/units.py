"""The scales that effects are measured on: percentage points, factors, shares and correlations."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FURTHEST: Final = 50.0  # of a logarithm: no ratio of two measured numbers is near e^50, which bounds nothing
NOTHING: Final = "-"  # what a table shows for a NaN: the value of a run that diverged, the spread of a single seed


@dataclass(frozen=True)
class Unit:
    """A scale on which differences are formed, and how values and differences on it are shown.

    ``meaning`` says what a number in a report is. The plain scale shows numbers as they are: shares and correlations.
    """

    name: str
    meaning: str

    def possible(self, low: float, high: float) -> tuple[float, float]:
        """The ends of an interval of differences, neither beyond what a difference on this scale can be."""
        return low, high

    def scaled(self, values: Array) -> Array:
        """Raw values on this scale."""
        return values

    def level(self, scaled: float) -> str:
        """A value (no difference) that stands on this scale, for a table; a dash for NaN."""
        return NOTHING if math.isnan(scaled) else self._level(scaled)

    def spread(self, scaled: float) -> str:
        """A standard deviation on this scale, for a table; a dash for NaN."""
        return NOTHING if math.isnan(scaled) else self._spread(scaled)

    def difference(self, scaled: float) -> str:
        """A difference on this scale, for a sentence."""
        return f"{scaled:.2f}"

    def step(self, raw: float, values: Array) -> float:  # noqa: ARG002  # on an even scale it is the same everywhere
        """A step that raw values come in, on this scale: the largest that it is at any of these ``values``."""
        return float(self.scaled(np.array(raw)))

    def interval(self, low: float, high: float) -> str:
        """An interval of differences, for a sentence."""
        low, high = self.possible(low, high)
        return "[unbounded]" if math.isinf(high - low) else f"[{self._bare(low)}, {self._bare(high)}]"

    def margin(self, size: float) -> str:
        """A size of difference, for a sentence."""
        return f"{size:g}"

    def _level(self, scaled: float) -> str:
        return f"{scaled:.2f}"

    def _spread(self, scaled: float) -> str:
        return f"{scaled:.2f}"

    def _bare(self, scaled: float) -> str:
        return self.difference(scaled)


class Points(Unit):
    """Shares in [0, 1] as percentages; their differences are percentage points."""

    def possible(self, low: float, high: float) -> tuple[float, float]:
        """None beyond 100 points; one without an end still has none."""
        least, most = (end if math.isinf(end) else min(max(end, -100.0), 100.0) for end in (low, high))
        return least, most

    def scaled(self, values: Array) -> Array:
        return 100 * values

    def _level(self, scaled: float) -> str:
        return f"{scaled:.1f}%"

    def _spread(self, scaled: float) -> str:
        return f"{scaled:.1f}"

    def difference(self, scaled: float) -> str:
        return f"{scaled:+z.1f} points"

    def margin(self, size: float) -> str:
        return f"{size:.3g} point" if size == 1 else f"{size:.3g} points"

    def _bare(self, scaled: float) -> str:
        return f"{scaled:+z.1f}"


class Factor(Unit):
    """Positive numbers as logarithms; their differences are factors. What is not positive has none and becomes NaN."""

    def scaled(self, values: Array) -> Array:
        return np.log(values, out=np.full_like(values, np.nan), where=values > 0)

    def _level(self, scaled: float) -> str:
        return f"{math.exp(scaled):.3g}"

    def _spread(self, scaled: float) -> str:
        return f"x{math.exp(scaled):.2f}"

    def step(self, raw: float, values: Array) -> float:
        positive = values[values > 0]
        return raw / float(positive.min()) if positive.size else 0.0

    def possible(self, low: float, high: float) -> tuple[float, float]:
        """Two seeds, at an error that hundreds of tests share, come to factors that are as good as no bound."""
        least, most = (math.copysign(math.inf, end) if abs(end) > FURTHEST else end for end in (low, high))
        return least, most

    def difference(self, scaled: float) -> str:
        value = math.exp(scaled)
        return f"x{value:.2f}" if 0.1 <= value < 1000 else f"x{value:.2g}"

    def margin(self, size: float) -> str:
        return f"a factor of {math.exp(size):.3g}"


class Correlation(Unit):
    """Fisher's z of correlations, shown as the correlations that they stand for."""

    def difference(self, scaled: float) -> str:
        return f"{math.tanh(scaled):+z.2f}"

    def margin(self, size: float) -> str:
        return f"{math.tanh(size):g}"


POINTS: Final = Points("points", "percentage points")
FACTOR: Final = Factor("factor", "natural logarithm of a factor")
SHARE: Final = Unit("share", "share of cells")
CORRELATION: Final = Correlation("correlation", "Fisher's z of a rank correlation, which is its tanh")


@dataclass(frozen=True)
class Margin:
    """A size of effect on a unit's scale, declared with a claim."""

    size: float
    unit: Unit

    def __str__(self) -> str:
        return self.unit.margin(self.size)


def points(size: float) -> Margin:
    """A margin in percentage points.

    >>> str(points(5))
    '5 points'
    """
    return Margin(size, POINTS)


def factor(size: float) -> Margin:
    """A margin as a factor of at least 1. ValueError below 1.

    >>> str(factor(2))
    'a factor of 2'
    """
    if size < 1:
        raise ValueError(f"factor({size}): a margin as a factor is at least 1")
    return Margin(math.log(size), FACTOR)
