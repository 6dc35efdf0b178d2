"""The scales that effects are measured on: percentage points for accuracies, factors for eigenvalues."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Unit:
    """A scale on which differences are formed, and how a difference on it is shown.

    ``points``: shares in [0, 1] become percentages, differences are percentage points. ``factor``: positive numbers
    become logarithms, differences are factors; a number that is not positive has no logarithm and becomes NaN.
    """

    name: str

    def scaled(self, values: Array) -> Array:
        """Raw values on this scale."""
        if self.name == "points":
            return 100 * values
        return np.log(values, out=np.full_like(values, np.nan), where=values > 0)

    def level(self, scaled: float) -> str:
        """A value (no difference) that stands on this scale, for a table."""
        return f"{scaled:.1f}%" if self.name == "points" else f"{math.exp(scaled):.3g}"

    def difference(self, scaled: float) -> str:
        """A difference on this scale, for a sentence."""
        if math.isinf(scaled):
            return "unbounded"
        return f"{scaled:+.1f} points" if self.name == "points" else f"x{math.exp(scaled):.2f}"

    def interval(self, low: float, high: float) -> str:
        """An interval of differences, for a sentence."""
        if math.isinf(low) or math.isinf(high):
            return "[unbounded]"
        if self.name == "points":
            return f"[{low:+.1f}, {high:+.1f}]"
        return f"[x{math.exp(low):.2f}, x{math.exp(high):.2f}]"


POINTS: Final = Unit("points")
FACTOR: Final = Unit("factor")


@dataclass(frozen=True)
class Margin:
    """A size of effect on a unit's scale, declared with a claim."""

    size: float
    unit: Unit

    def __str__(self) -> str:
        return f"{self.size:g} points" if self.unit == POINTS else f"a factor of {math.exp(self.size):g}"


def points(size: float) -> Margin:
    """A margin in percentage points."""
    return Margin(size, POINTS)


def factor(size: float) -> Margin:
    """A margin as a factor of at least 1. ValueError below 1."""
    if size < 1:
        raise ValueError(f"factor({size}): a margin as a factor is at least 1")
    return Margin(math.log(size), FACTOR)
