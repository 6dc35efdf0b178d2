import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from repro.statistics.equivalence import Same
from repro.statistics.estimands import Decision, Estimand, Outcome, Sample
from repro.statistics.pairs import ChangesLess, HigherOnAverage, LowerOnAverage, Mostly, SmallerChange, Way
from repro.statistics.units import POINTS, SHARE, Array, points

HOLDS, FAILS, UNDECIDED = Outcome.HOLDS, Outcome.FAILS, Outcome.UNDECIDED
GRID = (64, 128, 256, 512, 1024)
BY = points(5)
MOST = 111  # of 1,500 worlds; see test_estimand_errors


def curve(*values: float, spread: float = 0.5) -> Sample:
    """Three seeds around a curve, alike at every batch size."""
    offsets = np.array([[0.0], [spread], [-spread]])
    return Sample(np.array(values) + offsets, GRID[: len(values)], POINTS)


def five(*samples: Sample) -> list[Sample]:
    """Five seeds of the same three: the fewest that bound a median."""
    return [Sample(s.values[[0, 1, 2, 0, 1]], s.batch_sizes, s.unit) for s in samples]


def wide(*values: float) -> Sample:
    return curve(*values, spread=20.0)


LOW, HIGH = curve(0, 0, 0, spread=0), curve(10, 10, 10)
DECISIONS = [
    (HigherOnAverage(BY), [LOW, HIGH], HOLDS),
    (HigherOnAverage(BY), [LOW, curve(0, 0, 24)], HOLDS),  # 8 on average
    (HigherOnAverage(BY), [LOW, curve(0, 0, 6)], FAILS),
    (HigherOnAverage(BY), [HIGH, LOW], FAILS),
    (HigherOnAverage(BY), [LOW, wide(10, 10, 10)], UNDECIDED),
    (HigherOnAverage(BY), [LOW, curve(50, 50, 50), HIGH], HOLDS),  # the last against the first
    (LowerOnAverage(BY), [HIGH, LOW], HOLDS),
    (LowerOnAverage(BY), [LOW, HIGH], FAILS),
    (Mostly("higher"), five(LOW, HIGH), HOLDS),
    (Mostly("lower"), five(LOW, HIGH), FAILS),
    (Mostly("lower"), five(HIGH, LOW), HOLDS),
    (Mostly("higher"), five(LOW, LOW), UNDECIDED),  # ties are half a case
    (Mostly("higher"), five(LOW, HIGH, curve(20, 20, 20)), HOLDS),
    (Mostly("higher"), [LOW, HIGH], UNDECIDED),  # three seeds of three happen once in eight by chance
    (Mostly("higher"), [LOW, wide(10, 10, 10)], UNDECIDED),
    (Same(BY), [LOW, curve(1, -1, 2)], HOLDS),
    (Same(BY), [LOW, curve(0, 20, 0)], FAILS),  # at one batch size
    (Same(BY), [LOW, curve(0, -20, 20)], FAILS),  # though the same on average
    (Same(BY), [LOW, wide(0, 0, 0)], UNDECIDED),
    (SmallerChange(BY), [LOW, LOW, LOW, HIGH], HOLDS),
    (SmallerChange(BY), [LOW, LOW, HIGH, LOW], HOLDS),  # a change for the worse is as large a change
    (SmallerChange(BY), [LOW, HIGH, LOW, LOW], FAILS),
    (SmallerChange(BY), [LOW, HIGH, LOW, curve(10.5, 10.5, 10.5)], FAILS),
    (SmallerChange(BY), [LOW, LOW, LOW, curve(90, 1, 1)], HOLDS),  # the first batch size counts where runs differ
    (SmallerChange(BY), [LOW, curve(12, -12, 12), LOW, HIGH], FAILS),  # changes that cancel are changes
    (SmallerChange(BY), [LOW, LOW, LOW, curve(10, 10, 10, spread=8)], UNDECIDED),
]


@pytest.mark.parametrize(("estimand", "samples", "outcome"), DECISIONS)
def test_decisions(estimand: Estimand, samples: list[Sample], outcome: Outcome) -> None:
    assert estimand.decide(*samples).outcome is outcome


@pytest.mark.parametrize(("estimand", "samples", "outcome"), DECISIONS)
def test_the_interval_that_is_shown_agrees_with_the_outcome(
    estimand: Estimand, samples: list[Sample], outcome: Outcome
) -> None:
    decision = estimand.decide(*samples)
    low, high, bound = decision.low, decision.high, estimand.margin.size
    assert low <= decision.estimate <= high
    if isinstance(estimand, Same):
        low, bound = max(low, -high), -bound
        high, low = -low, -max(abs(decision.low), abs(decision.high))
    elif isinstance(estimand, LowerOnAverage):
        low, high = -high, -low
    assert (HOLDS if low > bound else FAILS if high < bound else UNDECIDED) is outcome


def test_a_case_is_a_pair_of_curves_at_a_batch_size() -> None:
    decision = Mostly("higher").decide(LOW, curve(1, 1, -1, spread=0), curve(2, 2, 2, spread=0))
    assert decision.effect == "share of 9 cells in which more is higher, median seed"
    assert decision.estimate == pytest.approx(8 / 9)
    assert decision.unit == SHARE


def test_shares_that_agree_between_few_seeds_are_no_certainty() -> None:
    decision = Mostly("higher").decide(curve(*[0.0] * 5), curve(*[1.0] * 5))
    assert (decision.estimate, decision.p) == (1.0, pytest.approx(1 / 8))
    assert decision.outcome is UNDECIDED
    assert "of which there are 3" in decision.reason


def test_seeds_of_equal_runs_are_left_out_of_a_comparison_of_changes() -> None:
    """At the first batch size both pairs are the same runs; what they change there is no evidence of any difference."""
    shared, moved = curve(0, 0, 0, spread=0), curve(50, 10, 10)
    decision = SmallerChange(BY).decide(shared, curve(50, 0, 0), shared, moved)
    assert decision.estimate == pytest.approx(10.0)
    assert "mean over 2 batch sizes" in decision.effect


def test_two_pairs_of_the_same_runs_leave_nothing_to_compare() -> None:
    decision = SmallerChange(BY).decide(LOW, HIGH, LOW, HIGH)
    assert decision.outcome is UNDECIDED
    assert "the same values at every batch size" in decision.reason


def test_a_noisier_pair_is_not_taken_for_one_that_changes_more() -> None:
    """Neither pair changes at all, the second is twenty times as noisy: as sizes of each seed's change, it would be."""
    generator, none = np.random.default_rng(0), Sample(np.zeros((10, 3)), GRID[:3], POINTS)
    found = []
    for _ in range(300):
        quiet, loud = (Sample(generator.normal(0, sd, (10, 3)), GRID[:3], POINTS) for sd in (0.5, 10))
        found.append(SmallerChange(points(1)).decide(none, quiet, none, loud).outcome)
    assert found.count(HOLDS) <= 30  # 5% of 300 are 15


@pytest.mark.parametrize("cells", [1, 2, 5])
def test_a_difference_at_one_of_several_batch_sizes_is_corrected_for_their_number(cells: int) -> None:
    decision = Same(BY).decide(curve(*[0.0] * cells, spread=0), curve(*[30.0] * cells))
    assert decision.outcome is FAILS
    assert decision.level == pytest.approx(1 - 0.1 / (2 * cells))


def test_the_batch_size_that_keeps_it_undecided_is_the_one_that_is_shown() -> None:
    rows = np.array([[3.0, -10.0], [3.0, 0.0], [3.0, 10.0]])
    decision = Same(BY).decide(curve(0, 0, spread=0), Sample(rows, GRID[:2], POINTS))
    assert decision.outcome is UNDECIDED
    assert decision.effect == "paired difference at batch size 128"


@pytest.mark.parametrize("estimand", [HigherOnAverage(BY), Mostly("higher"), Same(BY), SmallerChange(BY)])
def test_one_seed_decides_nothing(estimand: Estimand) -> None:
    one = [Sample(s.values[:1], s.batch_sizes, POINTS) for s in (LOW, HIGH, LOW, curve(50, 50, 50))]
    count = {Same: 2, SmallerChange: 4}.get(type(estimand), 3)
    decision: Decision = estimand.decide(*one[:count])
    assert decision.outcome is UNDECIDED
    assert (decision.low, decision.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize(
    ("estimand", "means"),
    [
        (HigherOnAverage(BY), [(0, 0, 0), (5, 5, 5)]),
        (LowerOnAverage(BY), [(0, 0, 0), (-9, -5, -1)]),
        (Same(BY), [(0, 0, 0), (5, 0, -5)]),
        (Same(BY), [(0, 0), (0, -5)]),
        (Mostly("higher"), [(0, 0, 0), (0, 0, 0)]),
        (Mostly("lower"), [(0, 0, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)]),
        (SmallerChange(BY), [(0, 0, 0), (8, 8, 8), (0, 0, 0), (13, 13, 13)]),
    ],
)
def test_at_the_edge_neither_decision_is_wrong_more_often_than_it_may_be(
    estimand: Estimand, means: list[Sequence[float]], seeds: int
) -> None:
    generator = np.random.default_rng(seeds)
    shared = generator.normal(0, 3, (1500, seeds, 1))
    samples = [
        Sample(np.array(m) + shared + generator.normal(0, 0.7, (1500, seeds, len(m))), GRID[: len(m)], POINTS)
        for m in means
    ]
    question = estimand.asks(*samples)
    holds = question.p() <= 0.05
    assert holds.sum() <= MOST
    assert (~holds & (question.against() <= 0.05)).sum() <= MOST


def on_floor(sample: Sample) -> Sample:
    return replace(sample, floor=0.0)


def test_what_had_no_room_to_fall_has_not_changed_less() -> None:
    """One curve at 2%, the other from 2% to 40%: a fall of the first would not be seen."""
    low, rising, middle = on_floor(curve(2, 2, 2)), on_floor(curve(2, 20, 40)), on_floor(curve(30, 30, 30))
    found = ChangesLess(BY).decide(low, rising)
    assert (found.outcome, found.p) == (UNDECIDED, 1.0)
    assert "floor" in found.reason
    assert ChangesLess(BY).decide(middle, rising).outcome is HOLDS
    assert ChangesLess(BY).decide(rising, middle).outcome is FAILS  # what rises from the floor has changed


def test_a_pair_on_the_floor_has_not_changed_less_than_another() -> None:
    low, middle, high = (on_floor(curve(*[level] * 3)) for level in (2.0, 30.0, 60.0))
    found = SmallerChange(BY).decide(low, low, middle, high)
    assert (found.outcome, found.p) == (UNDECIDED, 1.0)
    assert "floor" in found.reason
    assert SmallerChange(BY).decide(middle, middle, middle, high).outcome is HOLDS


def test_cells_that_two_recipes_share_count_once() -> None:
    """At the batch size where both set the same learning rate the runs of one recipe are those of the other."""
    first, second = five(curve(0, 0, 0, spread=1), curve(1, -1, -1, spread=1.5))
    one, other = ([replace(s, group=group) for s in (first, second)] for group in ("LR", "LR/BS"))
    other = [replace(s, values=np.concatenate([s.values[:, :1], s.values[:, 1:] + 7], axis=1)) for s in other]
    found = Mostly("higher").decide(*one, *other)
    assert "share of 5 cells" in found.effect
    assert found.estimate == pytest.approx(1 / 5)


@given(data=st.data(), seeds=st.integers(5, 8), way=st.sampled_from(["higher", "lower"]))
def test_what_is_so_in_most_cases_is_so_whatever_the_unknown_values_are(
    data: st.DataObject, seeds: int, way: Way
) -> None:
    shape, value = (seeds, 3), st.integers(-3, 3).map(float)
    whole = [data.draw(arrays(np.float64, shape, elements=value)) for _ in range(2)]
    unknown = [data.draw(arrays(np.bool_, shape)) for _ in range(2)]
    other = [data.draw(arrays(np.float64, shape, elements=value)) for _ in range(2)]

    def decided(*values: Array) -> Outcome:
        return Mostly(way).decide(*(Sample(one, (1, 2, 3), POINTS) for one in values)).outcome

    gaps = decided(*(np.where(mask, np.nan, one) for mask, one in zip(unknown, whole, strict=True)))
    filled = decided(*(np.where(mask, new, one) for mask, one, new in zip(unknown, whole, other, strict=True)))
    assert gaps in (Outcome.UNDECIDED, filled)


def test_a_cell_that_two_recipes_share_counts_once_where_a_value_of_it_is_unknown() -> None:
    shared, own = np.array([[np.nan], [3.0], [4.0], [5.0], [6.0]]), np.ones((5, 1))
    lines = [Sample(np.hstack([shared, own * size]), (1, 2), POINTS, group=name) for name, size in (("a", 1), ("b", 2))]
    later = [Sample(np.hstack([shared + 1, own * 9]), (1, 2), POINTS, group=name) for name in "ab"]
    found = Mostly("higher").decide(lines[0], later[0], lines[1], later[1])
    assert found.effect.startswith("share of 3 cells")
