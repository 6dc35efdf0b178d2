"""One-sided p-values and two-sided confidence intervals of a centre over seeds, for the mean and for the median.

The mean goes by Student's t, never by the normal distribution: seeds are few. The median goes by the sign test and the
order statistics, which assume nothing of how the values are distributed; for numbers that are bounded or take few
values, where a t interval can be sure of what three equal values cannot show.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, bdtrc, stdtr, stdtrit

from .units import Array


@dataclass(frozen=True)
class Interval:
    """A centre (mean or median) and its two-sided confidence interval."""

    centre: float
    low: float
    high: float


def spread(values: Array, step: float | Array = 0.0) -> Array:
    """The standard deviation over seeds (last axis), with half a ``step`` that values are rounded to added in square.

    Values that are counts come in steps, and few seeds that end on the same one show no spread at all, which is no
    certainty. Half a step is the largest spread that rounding to one of two neighbouring steps can have.
    """
    return np.asarray(np.hypot(values.std(-1, ddof=1), step / 2))


def t_interval(values: Array, level: float, step: float | Array = 0.0) -> Interval:
    """Student's t interval of the mean of independent values (n,), one a seed; see ``spread`` for ``step``.

    One value bounds nothing: its interval is unbounded. ValueError: no values, or one that is not finite.
    Source: Student 1908.

    >>> found = t_interval(np.array([1.0, 2.0, 3.0]), level=0.9)
    >>> f"{found.centre:.2f} [{found.low:.2f}, {found.high:.2f}]"
    '2.00 [0.31, 3.69]'
    """
    _check(values)
    mean = float(values.mean())
    if len(values) == 1:
        return Interval(mean, -math.inf, math.inf)
    half = t_quantile(len(values), level) * float(spread(values, step)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def t_quantile(count: int, level: float) -> float:
    """The quantile of Student's t that a two-sided interval of ``count`` values at ``level`` reaches."""
    return float(stdtrit(count - 1, 0.5 + level / 2))


def t_p(values: Array, bound: float, step: float | Array = 0.0) -> Array:
    """One-sided p-value of "the mean is above ``bound``", for values (..., seeds): (...).

    It is at most alpha exactly where the interval at 1 - 2 alpha lies above the bound. It is 1 for a single value, and
    0 or 1 for values without spread. ValueError as for ``t_interval``.
    """
    _check(values)
    count = values.shape[-1]
    above = values.mean(-1) - bound
    if count == 1:
        return np.ones_like(above)
    error = spread(values, step) / math.sqrt(count)
    statistic = np.divide(above, error, out=np.where(above > 0, np.inf, -np.inf), where=error > 0)
    return np.asarray(stdtr(count - 1, -statistic))


def median_interval(values: Array, level: float) -> Interval:
    """Interval of the median of independent values (n,) between order statistics; its error is at most what it says.

    It is unbounded where n is too small for any, as below five values at 90%. ValueError as for ``t_interval``.
    Source: Thompson 1936; David and Nagaraja 2003, section 7.1.
    """
    _check(values)
    ordered, middle = np.sort(values), float(np.median(values))
    count = len(ordered)
    ranks = np.arange(count // 2 + 1)
    # One side misses the median if no more than `rank` values lie beyond it on that side.
    rank = int((bdtr(ranks, count, 0.5) <= (1 - level) / 2 + 1e-12).sum()) - 1
    if rank < 0:
        return Interval(middle, -math.inf, math.inf)
    return Interval(middle, float(ordered[rank]), float(ordered[count - 1 - rank]))


def sign_p(values: Array, bound: float) -> Array:
    """One-sided p-value of "the median is above ``bound``", for values (..., seeds): (...). A tie speaks against.

    The sign test: exact for any distribution. ValueError as for ``t_interval``. Source: Arbuthnott 1710; Conover 1999.
    """
    _check(values)
    above = (values > bound).sum(-1)
    return np.asarray(bdtrc(above - 1.0, values.shape[-1], 0.5))


def _check(values: Array) -> None:
    if values.shape[-1] == 0 or not np.isfinite(values).all():
        raise ValueError("an interval needs at least one value, and finite ones")
