import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from worlds import same_examples

from repro.statistics.intervals import t_interval

values = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12).filter(lambda found: np.std(found) > 1e-6)


@given(values, st.sampled_from([0.5, 0.9, 0.95, 0.975, 0.99]))
@same_examples
def test_it_is_scipys_interval_of_a_mean(found: list[float], level: float) -> None:
    array = np.array(found)
    interval = t_interval(array, level)
    expected = stats.ttest_1samp(array, 0.0).confidence_interval(level)
    assert interval.centre == pytest.approx(array.mean())
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-9)


def test_one_value_bounds_nothing() -> None:
    interval = t_interval(np.array([3.0]), 0.9)
    assert (interval.centre, interval.low, interval.high) == (3.0, -math.inf, math.inf)


def test_equal_values_leave_no_doubt() -> None:
    interval = t_interval(np.array([2.0, 2.0, 2.0]), 0.9)
    assert (interval.centre, interval.low, interval.high) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("found", [[], [math.nan], [1.0, math.nan, 2.0], [1.0, math.inf]])
def test_no_values_or_one_that_is_not_finite_are_refused(found: list[float]) -> None:
    with pytest.raises(ValueError, match="at least one value, and finite"):
        t_interval(np.array(found), 0.9)


@pytest.mark.parametrize(("seeds", "level"), [(3, 0.9), (5, 0.9), (5, 0.975)])
def test_it_covers_the_mean_as_often_as_it_says(seeds: int, level: float) -> None:
    worlds = np.random.default_rng(0).normal(7.0, 2.0, (4000, seeds))
    intervals = [t_interval(world, level) for world in worlds]
    covered = np.mean([interval.low < 7.0 < interval.high for interval in intervals])
    assert covered == pytest.approx(level, abs=4 * math.sqrt(level * (1 - level) / 4000))
