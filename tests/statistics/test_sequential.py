"""Looks at growing numbers of seeds: what each may err, and that together they err no more than they say."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import same_examples

from repro.statistics.equivalence import Flat
from repro.statistics.estimands import DECIDED, ERROR, Estimand, Outcome, Sample
from repro.statistics.sequential import LOOKED_FURTHER, REST, Level, levels, next_level
from repro.statistics.trends import Rises
from repro.statistics.units import POINTS, points

GRID = (64, 1024)
LOOKS = (3, 5, 7, 10)


def changes(*seeds: float) -> Sample:
    return Sample(np.array([[50.0, 50.0 + change] for change in seeds]), GRID, POINTS)


@same_examples
@given(st.sets(st.integers(1, 60), min_size=1, max_size=8), st.floats(0.001, 0.05))
def test_looks_share_the_error_by_the_squares_of_their_seeds(seeds: set[int], alpha: float) -> None:
    looks = sorted(seeds)
    found = levels(looks, alpha)
    assert sum(found) == pytest.approx(alpha)
    for (one, other), (level, next_one) in zip(pairwise(looks), pairwise(found), strict=True):
        assert next_one / level == pytest.approx((other / one) ** 2)


def test_the_first_look_has_all_of_the_error_where_it_is_the_only_one() -> None:
    assert levels([5], next_level(None)) == (ERROR,)


def test_looks_that_nobody_planned_err_a_quarter_more_at_most_however_many_they_are() -> None:
    spent = [next_level(None)]
    for _ in range(50):
        spent.append(next_level(spent[-1]))
    assert spent[1] == pytest.approx(0.01)
    assert sum(spent) == pytest.approx(ERROR / (1 - REST)) == 0.0625


def test_a_decision_is_checked_at_the_level_it_was_made_at() -> None:
    assert next_level(0.02, decided=True) == 0.02


@pytest.mark.parametrize("error", [0.05, 0.01, 0.002])
@same_examples
@given(st.lists(st.floats(-20, 40), min_size=2, max_size=8, unique=True))
def test_p_is_at_most_5_percent_exactly_where_it_holds(error: float, seeds: list[float]) -> None:
    found = Level(error).decide(Rises(points(5)), changes(*seeds))
    assert (found.p <= ERROR) == (found.outcome is Outcome.HOLDS)
    assert found.level == pytest.approx(1 - 2 * error)


def test_without_any_error_nothing_is_decided_and_the_estimate_still_shown() -> None:
    found = Level(0.0).decide(Rises(points(5)), changes(20, 20.1, 19.9))
    assert (found.outcome, found.reason, found.p) == (Outcome.UNDECIDED, LOOKED_FURTHER, 1.0)
    assert found.estimate == pytest.approx(20)
    assert found.high < 21


def stopped(estimand: Estimand, mean: float, spent: tuple[float, ...], worlds: int = 1500) -> list[Outcome]:
    """What comes of looking at growing numbers of seeds, each at its level, and stopping at the first decision."""
    generator, found = np.random.default_rng(3), []
    for _ in range(worlds):
        seeds = generator.normal(mean, 3.0, LOOKS[-1])
        each = (
            Level(error).decide(estimand, changes(*seeds[:look])).outcome
            for look, error in zip(LOOKS, spent, strict=True)
        )
        found.append(next((outcome for outcome in each if outcome in DECIDED), Outcome.UNDECIDED))
    return found


@pytest.mark.parametrize("estimand", [Rises(points(5)), Flat(points(5))])
def test_planned_looks_are_wrong_in_one_world_of_twenty_at_most(estimand: Estimand) -> None:
    found = stopped(estimand, 5.0, levels(LOOKS))
    assert found.count(Outcome.HOLDS) <= 100  # 5% of 1,500 are 75
    assert found.count(Outcome.FAILS) <= 100


def test_looking_at_5_percent_each_time_would_be_wrong_more_often() -> None:
    assert stopped(Rises(points(5)), 5.0, (ERROR,) * len(LOOKS)).count(Outcome.HOLDS) > 111


def test_squares_decide_more_than_equal_shares_of_the_seeds() -> None:
    by_seeds = tuple(ERROR * look / sum(LOOKS) for look in LOOKS)
    squares, plain = (stopped(Rises(points(5)), 8.0, spent) for spent in (levels(LOOKS), by_seeds))
    assert squares.count(Outcome.HOLDS) > plain.count(Outcome.HOLDS)
