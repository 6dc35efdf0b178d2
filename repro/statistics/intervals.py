"""Confidence intervals of a mean over seeds."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from .units import Array


@dataclass(frozen=True)
class Interval:
    """A mean and its two-sided confidence interval."""

    mean: float
    low: float
    high: float


def t_interval(values: Array, level: float) -> Interval:
    """Student's t interval of the mean of independent values (n,), one a seed.

    One value bounds nothing: its interval is unbounded. ValueError: no values, or one that is not finite.
    """
    if len(values) == 0 or not np.isfinite(values).all():
        raise ValueError("an interval needs at least one value, and finite ones")
    mean = float(values.mean())
    if len(values) == 1:
        return Interval(mean, -math.inf, math.inf)
    half = t_quantile(len(values), level) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def t_quantile(count: int, level: float) -> float:
    """The quantile of Student's t that a two-sided interval of ``count`` values at ``level`` reaches."""
    return float(stdtrit(count - 1, 0.5 + level / 2))
