"""Where there is no room for an answer: on the floor, at the ceiling, and among values that nobody knows."""

import math
from dataclasses import replace

import numpy as np
import pytest

from repro.statistics.estimands import Estimand, Outcome, Sample, each_once
from repro.statistics.joint import Exists, Jointly
from repro.statistics.pairs import ChangesLess, HigherOnAverage, Mostly, SmallerChange
from repro.statistics.ranks import RanksDisagree
from repro.statistics.trends import Drops, Rises
from repro.statistics.units import FACTOR, POINTS, Unit, factor, points

HOLDS, FAILS, UNDECIDED = Outcome.HOLDS, Outcome.FAILS, Outcome.UNDECIDED
GRID = (64, 256, 1024)
BY = points(5)


def curve(*values: float, unit: Unit = POINTS, seeds: int = 5, group: str = "") -> Sample:
    """Seeds around a curve that differ by hundredths; accuracies have a floor at 0, and five points matter of them."""
    offsets = 0.01 * np.arange(seeds)[:, None]
    room = {"floor": 0.0, "ceiling": 100.0, "matters": 5.0} if unit is POINTS else {}
    return Sample(np.array(values) + offsets, GRID[: len(values)], unit, group=group, **room)


def steep(*values: float) -> Sample:
    return curve(*values, unit=FACTOR)


@pytest.mark.parametrize("estimand", [Mostly("higher"), RanksDisagree(0.9)], ids=["most cells", "ranks"])
def test_nothing_is_counted_or_ranked_on_the_floor(estimand: Mostly | RanksDisagree) -> None:
    """Hundredths of a point are an order, too, and no difference."""
    low = curve(0.1, 0.2, 0.3), curve(0.2, 0.3, 0.4)
    assert estimand.decide(*low).outcome is UNDECIDED
    assert "as low as it can be" in estimand.decide(*low).reason
    high = [replace(sample, values=sample.values + 50) for sample in low]
    assert estimand.decide(*high).outcome is HOLDS


def test_what_lies_on_the_floor_throughout_is_not_shown_to_change_less() -> None:
    rising, lies, flat = curve(20, 24, 28), curve(0, 0.5, 1), curve(50, 50, 50)
    assert ChangesLess(BY).decide(rising, flat).outcome is FAILS
    assert ChangesLess(BY).decide(rising, lies).outcome is UNDECIDED
    assert "the second curve stands within the margin of the floor" in ChangesLess(BY).decide(rising, lies).reason
    assert SmallerChange(BY).decide(flat, rising, flat, flat).outcome is FAILS
    assert SmallerChange(BY).decide(flat, rising, lies, curve(1, 1, 1)).outcome is UNDECIDED


def test_the_floor_at_a_batch_size_that_is_left_out_is_no_reason() -> None:
    """Where both pairs are the same runs nothing is compared, on the floor or off it."""
    first, low = curve(1, 50, 50), curve(1, 80, 80)
    assert SmallerChange(BY).decide(first, first, first, low).outcome is HOLDS
    assert SmallerChange(BY).decide(first, curve(2, 50, 50), first, low).outcome is UNDECIDED


def test_equal_values_are_not_called_the_same_runs() -> None:
    nothing = Sample(np.zeros((5, 3)), GRID, POINTS, floor=0.0)
    assert "same values at every batch size" in SmallerChange(BY).decide(*[nothing] * 4).reason


FALLING = steep(math.log(160), math.log(40), math.log(10))
BOTH = Jointly((Rises(points(2)), Rises(factor(2))))


@pytest.mark.parametrize("level", [99.5, 0.2], ids=["ceiling", "floor"])
def test_a_part_without_room_leaves_the_others_theirs(level: float) -> None:
    without_room = curve(level, level, level)
    found = BOTH.decide(without_room, FALLING)
    assert found.outcome is FAILS
    assert found.unit is FACTOR
    assert BOTH.decide(without_room, steep(1.0, 2.0, 3.0)).outcome is UNDECIDED


def test_parts_that_fail_are_all_asked_at_an_error_that_they_share() -> None:
    """A part that has no room keeps its share: which parts have it is seen in the data."""
    found = BOTH.decide(curve(99.5, 99.5, 99.5), FALLING)
    assert found.level == pytest.approx(BOTH.decide(curve(50, 50, 50), FALLING).level)
    assert found.level == pytest.approx(1 - 2 * 0.05 / 2)


def test_cells_of_unknown_values_are_never_the_same_cell() -> None:
    """Four tasks, of which three know only one cell of three: twelve cells, of which six are known."""
    known, gaps = steep(3.0, 3.1, 3.2), steep(3.0, math.nan, math.nan)
    pairs = [(replace(known if task == "A" else gaps, group=task), replace(known, group=task)) for task in "ABCD"]
    pairs = [(some, replace(all_, values=np.where(np.isnan(some.values), math.nan, 1.0))) for some, all_ in pairs]
    first, _ = each_once(pairs)
    assert first.shape == (5, 3 + 3 * 2)  # the known first cells are equal, and count once


def test_what_most_unknown_cells_could_turn_is_undecided() -> None:
    """Eight of twenty cells are lower, and of twelve nobody knows."""
    generator = np.random.default_rng(0)
    samples = []
    for task in "ABCD":
        high = np.linspace(3.0, 3.4, 5) + generator.normal(0, 0.01, (5, 5))
        low = high - 1
        if task != "A":
            high[:, 1:] = low[:, 1:] = math.nan
        samples += [Sample(side, (64, 128, 256, 512, 1024), FACTOR, group=task) for side in (high, low)]
    assert Mostly("lower").decide(*samples).outcome is UNDECIDED


def test_what_keeps_a_smaller_change_from_failing_is_shown_where_it_is_undecided() -> None:
    """Each seed's changes differ by one, and the margin is five: by an interval of that alone it would have failed."""
    change = np.array([-14.0, -6.0, 1.0, 7.0, 12.0])
    begins = np.full(5, 50.0)
    first, second = (
        Sample(np.stack([begins, begins + by], axis=1), (64, 1024), POINTS, floor=0.0) for by in (change, change + 1)
    )
    found = ChangesLess(BY).decide(first, second)
    assert found.outcome is UNDECIDED
    assert found.low < 5 < found.high


@pytest.mark.parametrize(
    ("attacked", "curvature", "unit"),
    [(curve(30, 40, 50), FALLING, FACTOR), (curve(50, 40, 30), steep(1.0, 2.0, 3.0), POINTS)],
)
def test_where_nothing_rises_in_both_measures_the_one_that_does_not_is_shown(
    attacked: Sample, curvature: Sample, unit: Unit
) -> None:
    found = Exists(BY, factor(2)).decide(attacked, curvature)
    assert found.outcome is FAILS
    assert found.unit is unit
    assert found.high < 0


def test_a_fall_below_the_floors_reach_can_still_be_seen() -> None:
    assert Drops(BY).decide(curve(40, 20, 0.0)).outcome is HOLDS


ENDS = {
    "the mean is too high to be exceeded": (HigherOnAverage(BY), [curve(99, 99, 90), curve(99.3, 99.4, 99.2)]),
    "no rise from the ceiling": (Rises(BY), [curve(99, 90, 99)]),
    "no fall between two ends on the floor": (Drops(BY), [curve(2, 12, 1)]),
}


@pytest.mark.parametrize(("estimand", "curves"), ENDS.values(), ids=ENDS)
def test_room_is_asked_of_what_is_compared_and_not_of_the_batch_sizes_beside_it(
    estimand: Estimand, curves: list[Sample]
) -> None:
    """No curve has a mean five points above one of 96; what lies between two ends gives these no room."""
    assert estimand.decide(*curves).outcome is UNDECIDED
    assert "as it can be" in estimand.decide(*curves).reason
    lower = [replace(sample, values=sample.values / 2 + 20) for sample in curves]
    assert estimand.decide(*lower).outcome is FAILS
