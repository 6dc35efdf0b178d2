import math
from collections.abc import Sequence

import numpy as np
import pytest

from repro.statistics.equivalence import Flat, NotWorse
from repro.statistics.estimands import Estimand, Outcome, Sample
from repro.statistics.pairs import HigherOnAverage
from repro.statistics.trends import Drops, Higher, Lower, Rises, change_over_grid
from repro.statistics.units import POINTS, Array, points

HOLDS, FAILS, UNDECIDED = Outcome.HOLDS, Outcome.FAILS, Outcome.UNDECIDED
GRID = (64, 128, 256, 512, 1024)
BY = points(5)
OF_ONE_CURVE: tuple[Estimand, ...] = (Rises(BY), Drops(BY), Flat(BY), NotWorse(BY))
OF_TWO_CURVES: tuple[Estimand, ...] = (Higher(BY), Lower(BY))


def sample(rows: Sequence[Sequence[float] | Array], floor: float = -math.inf) -> Sample:
    values = np.array(rows, dtype=float)
    return Sample(values, GRID[: values.shape[1]], POINTS, floor)


def around(*curve: float, spread: float = 1.0) -> Sample:
    """Three seeds: the curve, and the curve tilted up and down; the 90% interval of its change is 3.4 spreads wide."""
    middle, tilt = np.array(curve), np.linspace(-spread, spread, len(curve))
    return sample([middle, middle + tilt, middle - tilt])


ZERO = sample([[0.0, 0.0, 0.0]] * 3)

DECISIONS = [
    (Rises(BY), [around(0, 10, 20)], HOLDS),
    (Rises(BY), [around(0, 1, 2, spread=0.5)], FAILS),
    (Rises(BY), [around(20, 10, 0)], FAILS),
    (Rises(BY), [around(0, 3, 6)], UNDECIDED),
    (Drops(BY), [around(20, 10, 0)], HOLDS),
    (Drops(BY), [around(2, 1, 0, spread=0.5)], FAILS),
    (Drops(BY), [around(0, 10, 20)], FAILS),
    (Drops(BY), [around(6, 3, 0)], UNDECIDED),
    (Flat(BY), [around(50, 51, 50, 49, spread=0.5)], HOLDS),
    (Flat(BY), [around(50, 70, 50)], FAILS),  # a hump with equal ends
    (Flat(BY), [around(50, 30, 50)], FAILS),
    (Flat(BY), [around(50, 50, 50, spread=8)], UNDECIDED),  # no slope to be seen, nor flatness
    (NotWorse(BY), [around(50, 51, 50, 49, spread=0.5)], HOLDS),
    (NotWorse(BY), [around(50, 70, 90)], HOLDS),  # a rise is let through
    (NotWorse(BY), [around(50, 30, 70)], FAILS),
    (NotWorse(BY), [around(50, 50, 50, spread=8)], UNDECIDED),
    (Higher(BY), [around(0, 0, 20), ZERO], HOLDS),
    (Higher(BY), [around(0, 0, 1), ZERO], FAILS),
    (Higher(BY), [around(20, 20, 0), ZERO], FAILS),  # the largest batch size alone counts
    (Higher(BY), [around(0, 0, 7, spread=5), ZERO], UNDECIDED),
    (Lower(BY), [around(0, 0, -20), ZERO], HOLDS),
    (Lower(BY), [around(0, 0, -1), ZERO], FAILS),
    (Lower(BY), [around(-20, -20, 0), ZERO], FAILS),
    (Lower(BY), [around(0, 0, -7, spread=5), ZERO], UNDECIDED),
]


@pytest.mark.parametrize(("estimand", "samples", "outcome"), DECISIONS)
def test_decisions(estimand: Estimand, samples: list[Sample], outcome: Outcome) -> None:
    assert estimand.decide(*samples).outcome is outcome


@pytest.mark.parametrize(("estimand", "samples", "outcome"), DECISIONS)
def test_the_interval_that_is_shown_agrees_with_the_outcome(
    estimand: Estimand, samples: list[Sample], outcome: Outcome
) -> None:
    """A reader finds the shown interval on the side of the margin that the outcome speaks of, or across it."""
    decision = estimand.decide(*samples)
    low, high = decision.low, decision.high
    assert low <= decision.estimate <= high
    if isinstance(estimand, Flat):
        expected = HOLDS if max(-low, high) < 5 else FAILS if low > 5 or high < -5 else UNDECIDED
    else:
        if isinstance(estimand, Drops | Lower):
            low, high = -high, -low
        bound = -5 if isinstance(estimand, NotWorse) else 5
        expected = HOLDS if low > bound else FAILS if high < bound else UNDECIDED
    assert expected is outcome


def test_the_change_is_that_between_the_ends_of_the_grid() -> None:
    """A slope through 90, 95, 92, 88, 91 falls by 2 points, although the last is above the first."""
    found = change_over_grid(sample([[90, 95, 92, 88, 91], [5, 5, 5, 5, 5], [0, 0, 0, 0, 10]]))
    assert found.values.tolist() == [1.0, 0.0, 10.0]
    assert found.name == "difference of batch size 1024 to 64"


def test_a_curve_that_goes_up_and_down_within_the_margin_of_its_first_batch_size_is_not_flat() -> None:
    assert Flat(BY).decide(around(60, 64, 56, 64, 56, spread=0.1)).outcome is FAILS
    assert NotWorse(BY).decide(around(60, 64, 56, 64, 56, spread=0.1)).outcome is FAILS


@pytest.mark.parametrize("further", [1, 2, 4])
@pytest.mark.parametrize(("estimand", "sides"), [(Flat(BY), 2), (NotWorse(BY), 1)])
def test_failing_by_one_of_several_contrasts_is_corrected_for_their_number_and_sides(
    estimand: Estimand, sides: int, further: int
) -> None:
    decision = estimand.decide(around(50, *[20.0] * further, spread=0.5))
    assert decision.outcome is FAILS
    assert decision.level == pytest.approx(1 - 0.1 / (sides * further * (further + 1) / 2))


def test_a_contrast_beyond_the_margin_at_the_uncorrected_level_alone_decides_nothing() -> None:
    two = around(0, -8.5)  # the 90% interval of the contrast is -8.5 -+ 3.4
    five = Sample(two.values[:, [0, 1, 1, 1, 1]], GRID, POINTS)  # the same contrast, four times of ten
    assert NotWorse(BY).decide(two).outcome is FAILS
    assert NotWorse(BY).decide(five).outcome is UNDECIDED


def test_departing_on_either_side_is_corrected_for_the_sides() -> None:
    assert NotWorse(BY).decide(around(50, 41.5)).outcome is FAILS
    assert Flat(BY).decide(around(50, 41.5)).outcome is UNDECIDED  # the 95% interval is -8.5 -+ 5.0
    assert Flat(BY).decide(around(50, 39.5)).outcome is FAILS


@pytest.mark.parametrize("estimand", [Flat(BY), NotWorse(BY)])
def test_the_departure_that_keeps_it_undecided_is_the_one_that_is_shown(estimand: Estimand) -> None:
    rows = [[50, 53, 40], [50, 53, 50], [50, 53, 60]]  # 256 may be anywhere; 128 is surely within the margin
    decision = estimand.decide(sample(rows))
    assert decision.outcome is UNDECIDED
    assert decision.effect == "difference of batch size 256 to 128"


@pytest.mark.parametrize("estimand", [Flat(BY), NotWorse(BY)])
@pytest.mark.parametrize(("floor", "outcome"), [(44.0, HOLDS), (45.0, HOLDS), (45.5, UNDECIDED), (50.0, UNDECIDED)])
def test_a_curve_within_the_margin_of_the_floor_had_no_room_to_fall(
    estimand: Estimand, floor: float, outcome: Outcome
) -> None:
    decision = estimand.decide(sample([[50, 50, 50]] * 3, floor))
    assert decision.outcome is outcome
    assert ("floor" in decision.reason) == (outcome is UNDECIDED)


def test_a_curve_that_leaves_the_floor_is_not_flat() -> None:
    assert Flat(BY).decide(sample([[10, 30, 50], [10, 31, 51], [10, 29, 49]], floor=10.0)).outcome is FAILS


def test_pairing_by_seed_takes_out_what_the_curves_share() -> None:
    first = sample([[10, 10], [50, 50], [90, 90]])
    second = sample([[0, 1], [40, 40], [80, 79]])
    assert Higher(BY).decide(first, second).outcome is HOLDS
    assert Higher(BY).decide(first, sample(np.roll(second.values, 1, axis=0))).outcome is UNDECIDED


@pytest.mark.parametrize("estimand", [*OF_ONE_CURVE, *OF_TWO_CURVES])
def test_one_seed_decides_nothing(estimand: Estimand) -> None:
    curves = [sample([[0.0, 50.0, 100.0]]), sample([[100.0, 50.0, 0.0]])]
    decision = estimand.decide(*curves[: 2 if estimand in OF_TWO_CURVES else 1])
    assert decision.outcome is UNDECIDED
    assert (decision.low, decision.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("estimand", [Drops(points(1)), Rises(points(1)), Higher(points(1)), Lower(points(1))], ids=str)
def test_curves_that_lie_on_the_floor_decide_nothing(estimand: Estimand) -> None:
    """All networks at chance: that none differs is no evidence that none would."""
    low, high = (Sample(np.full((4, 3), level), (64, 128, 256), POINTS, floor=10.0) for level in (10.5, 60.0))
    curves = 1 if isinstance(estimand, Drops | Rises) else 2
    found = estimand.decide(*[low] * curves)
    assert found.outcome is Outcome.UNDECIDED
    assert "as low as it can be" in found.reason
    assert estimand.decide(*[high] * curves).outcome is Outcome.FAILS


@pytest.mark.parametrize("estimand", [Rises(points(2)), Higher(points(2)), HigherOnAverage(points(2))], ids=str)
def test_what_stands_at_the_ceiling_cannot_fail_to_be_higher(estimand: Estimand) -> None:
    """Nothing is two points above 98.9%: that a network is not says nothing of it."""
    curves = 1 if isinstance(estimand, Rises) else 2
    high, lower = (Sample(np.full((4, 3), level), (64, 128, 256), POINTS, ceiling=100.0) for level in (98.9, 97.9))
    found = estimand.decide(*[high] * curves)
    assert (found.outcome, found.p) == (Outcome.UNDECIDED, pytest.approx(1.0))
    assert "as high as it can be" in found.reason
    assert estimand.decide(*[lower] * curves).outcome is Outcome.FAILS


def test_a_curve_at_the_ceiling_can_be_flat_and_can_fall() -> None:
    high = Sample(np.full((4, 3), 99.5), (64, 128, 256), POINTS, ceiling=100.0)
    assert Flat(points(2)).decide(high).outcome is HOLDS
    assert Drops(points(2)).decide(high).outcome is FAILS


def test_a_lead_below_the_floor_is_none() -> None:
    """One network in twenty right where another has none: both are worse than chance."""
    high, low = (Sample(np.full((4, 3), level), (64, 128, 256), POINTS, floor=10.0) for level in (5.0, 0.0))
    found = Higher(points(1)).decide(high, low)
    assert found.outcome is Outcome.UNDECIDED
    assert found.p == 1.0
