import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from worlds import same_examples

from repro.statistics.hypotheses import AllOf, AnyOf, Effect, Mean, Nothing
from repro.statistics.intervals import median_interval, sign_p, t_interval, t_p
from repro.statistics.units import POINTS

values = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12).filter(lambda found: np.std(found) > 1e-6)


def effect(*seeds: float, step: float = 0.0) -> Effect:
    return Effect(np.array(seeds), POINTS, "an effect", step)


@given(values, st.floats(-10, 10))
@same_examples
def test_the_p_value_of_a_mean_is_scipys(found: list[float], bound: float) -> None:
    expected = stats.ttest_1samp(found, bound, alternative="greater").pvalue
    assert float(t_p(np.array(found), bound)) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=12), st.integers(-5, 5))
@same_examples
def test_the_p_value_of_a_median_is_that_of_the_sign_test_with_ties_against(found: list[int], bound: int) -> None:
    above = sum(value > bound for value in found)
    expected = stats.binomtest(above, len(found), alternative="greater").pvalue
    assert float(sign_p(np.array(found, dtype=float), bound)) == pytest.approx(expected)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=12), st.integers(-9, 9), st.sampled_from([0.05, 0.02, 0.01]))
@same_examples
def test_the_interval_of_a_median_lies_above_a_bound_exactly_where_the_sign_test_says_so(
    found: list[int], bound: int, alpha: float
) -> None:
    array = np.array(found, dtype=float)
    assert (median_interval(array, 1 - 2 * alpha).low > bound) == (float(sign_p(array, bound)) <= alpha)


@pytest.mark.parametrize(
    ("seeds", "low", "high"), [(4, -math.inf, math.inf), (5, 0, 4), (7, 0, 6), (8, 1, 6), (10, 1, 8)]
)
def test_the_interval_of_a_median_at_90_percent_stands_in_every_table(seeds: int, low: float, high: float) -> None:
    interval = median_interval(np.arange(seeds, dtype=float), 0.9)
    assert (interval.low, interval.high) == (low, high)


def test_seeds_that_end_on_the_same_step_leave_the_doubt_of_half_a_step() -> None:
    equal = np.array([2.0, 2.0, 2.0])
    half = 2.919986 * 0.25 / math.sqrt(3)
    assert t_interval(equal, 0.9, 0.5).low == pytest.approx(2 - half)
    assert float(t_p(equal, 1.99, 0.5)) > 0.4
    assert float(t_p(equal, 1.99)) == 0.0


def test_many_worlds_at_once_have_the_p_values_of_each() -> None:
    worlds = np.random.default_rng(0).normal(1, 1, (6, 4))
    for p in (t_p, sign_p):
        assert p(worlds, 0.5) == pytest.approx([float(p(world, 0.5)) for world in worlds])


ALMOST, SURELY, HARDLY = (Mean(effect(*np.array([9.0, 10.0, 11.0]) * scale), 1, 5.0) for scale in (0.6, 1.0, 0.4))


def test_all_of_several_are_as_sure_as_the_least() -> None:
    tests = AllOf((SURELY, HARDLY, ALMOST))
    assert float(tests.p()) == float(HARDLY.p())
    assert tests.weakest() == (HARDLY, 1)


def test_one_of_several_pays_for_their_number() -> None:
    tests = AnyOf((HARDLY, SURELY, ALMOST))
    assert float(tests.p()) == pytest.approx(3 * float(SURELY.p()))
    assert tests.weakest() == (SURELY, 3)
    assert AnyOf((HARDLY, tests)).weakest() == (SURELY, 6)


def test_no_p_value_is_above_one() -> None:
    assert float(AnyOf((HARDLY, HARDLY)).p()) == 1.0


def test_nothing_is_never_shown() -> None:
    nothing = Nothing(POINTS, "for want of it")
    assert float(nothing.p()) == 1.0


def test_a_part_that_is_the_same_in_all_worlds_goes_with_parts_that_are_not() -> None:
    many = Mean(Effect(np.array([[1.0, 1.1, 1.2], [-1.0, -1.1, -1.2]]), POINTS, "an effect"), 1, 0.0)
    nothing = Nothing(POINTS, "for want of it")
    for together in (AllOf, AnyOf):
        for parts in ((many, nothing), (nothing, many)):
            assert together(parts).p().shape == (2,)
