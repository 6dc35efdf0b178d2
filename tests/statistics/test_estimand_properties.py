import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from worlds import same_examples

from repro.statistics.equivalence import Flat, NotWorse
from repro.statistics.estimands import Estimand, Outcome, Sample
from repro.statistics.trends import Drops, Higher, Lower, Rises
from repro.statistics.units import POINTS, Array, points

GRID = (64, 128, 256, 512, 1024)
BY = points(5)
RANK = {Outcome.FAILS: 0, Outcome.UNDECIDED: 1, Outcome.HOLDS: 2}
ONE_CURVE: tuple[Estimand, ...] = (Rises(BY), Drops(BY), Flat(BY), NotWorse(BY))
TWO_CURVES: tuple[Estimand, ...] = (Higher(BY), Lower(BY))


def matrices(low: int = -30, high: int = 30) -> st.SearchStrategy[Array]:
    """Values of 2 to 5 seeds at 2 to 5 batch sizes; whole numbers, so that sums are exact in any order."""
    return st.tuples(st.integers(2, 5), st.integers(2, 5)).flatmap(
        lambda shape: st.lists(
            st.lists(st.integers(low, high), min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
        ).map(lambda rows: np.array(rows, dtype=float))
    )


def sample(values: Array) -> Sample:
    return Sample(values, GRID[: values.shape[1]], POINTS)


def decided(estimand: Estimand, first: Array, second: Array) -> tuple[Outcome, list[float]]:
    samples = [sample(first), sample(second)][: 2 if isinstance(estimand, Higher | Lower) else 1]
    decision = estimand.decide(*samples)
    return decision.outcome, [decision.estimate, decision.low, decision.high]


def mirrored(found: tuple[Outcome, list[float]]) -> tuple[Outcome, list[float]]:
    outcome, (estimate, low, high) = found
    return outcome, [-estimate, -high, -low]


every_estimand = pytest.mark.parametrize("estimand", [*ONE_CURVE, *TWO_CURVES])


@every_estimand
@given(values=matrices(), shift=st.randoms(use_true_random=False))
@same_examples
def test_the_order_of_the_seeds_does_not_matter(estimand: Estimand, values: Array, shift: object) -> None:
    other = values[::-1] // 2
    order = np.random.default_rng(shift.randrange(1000)).permutation(len(values))  # type: ignore[attr-defined]
    outcome, numbers = decided(estimand, values, other)
    again, numbers_again = decided(estimand, values[order], other[order])
    assert again is outcome
    assert numbers_again == pytest.approx(numbers)


@every_estimand
@given(values=matrices(), constant=st.integers(-1000, 1000))
@same_examples
def test_a_constant_added_to_every_value_changes_nothing(estimand: Estimand, values: Array, constant: int) -> None:
    other = values[::-1] // 2
    assert decided(estimand, values + constant, other + constant) == decided(estimand, values, other)


@every_estimand
@given(values=matrices(), offset=st.integers(-50, 50))
@same_examples
def test_what_a_seed_adds_to_all_its_runs_changes_nothing(estimand: Estimand, values: Array, offset: int) -> None:
    other = values[::-1] // 2
    offsets = offset * np.arange(len(values))[:, None]
    assert decided(estimand, values + offsets, other + offsets) == decided(estimand, values, other)


@pytest.mark.parametrize(
    ("one", "other"), [(Rises(BY), Drops(BY)), (Drops(BY), Rises(BY)), (Flat(BY), Flat(BY)), (Higher(BY), Lower(BY))]
)
@given(values=matrices())
@same_examples
def test_upside_down_a_sentence_is_its_mirror_image(one: Estimand, other: Estimand, values: Array) -> None:
    second = values[::-1] // 2
    assert decided(one, values, second) == mirrored(decided(other, -values, -second))


@given(values=matrices())
@same_examples
def test_one_curve_is_higher_exactly_where_the_other_is_lower(values: Array) -> None:
    second = values[::-1] // 2
    assert decided(Higher(BY), values, second) == mirrored(decided(Lower(BY), second, values))


@pytest.mark.parametrize(
    ("estimand", "direction"),
    [(Rises(BY), 1), (Drops(BY), -1), (NotWorse(BY), 1), (Higher(BY), 1), (Lower(BY), -1)],
)
@given(values=matrices(), step=st.integers(0, 20))
@same_examples
def test_a_larger_effect_is_never_a_worse_one(estimand: Estimand, direction: int, values: Array, step: int) -> None:
    other = values[::-1] // 2
    ramp = direction * step * np.arange(values.shape[1])
    before, _ = decided(estimand, values, other)
    after, _ = decided(estimand, values + ramp, other)
    assert RANK[after] >= RANK[before]


@given(values=matrices(-8, 8), step=st.integers(0, 20))
@same_examples
def test_the_further_a_curve_departs_the_less_flat_it_is(values: Array, step: int) -> None:
    ends = values[:, :2]
    away = np.array([0.0, step * (1 if (ends[:, 1] - ends[:, 0]).mean() >= 0 else -1)])
    before, _ = decided(Flat(BY), ends, ends)
    after, _ = decided(Flat(BY), ends + away, ends)
    assert RANK[after] <= RANK[before]


@pytest.mark.parametrize(
    ("strict", "lenient"),
    [
        (Rises(points(8)), Rises(BY)),
        (Drops(points(8)), Drops(BY)),
        (Higher(points(8)), Higher(BY)),
        (Flat(BY), Flat(points(8))),
        (NotWorse(BY), NotWorse(points(8))),
    ],
)
@given(values=matrices(-12, 12))
@same_examples
def test_what_holds_strictly_holds_leniently(strict: Estimand, lenient: Estimand, values: Array) -> None:
    other = values[::-1] // 2
    before, _ = decided(strict, values, other)
    after, _ = decided(lenient, values, other)
    assert RANK[after] >= RANK[before]


@given(values=matrices(-12, 12))
@same_examples
def test_what_is_flat_is_not_worse(values: Array) -> None:
    flat, _ = decided(Flat(BY), values, values)
    not_worse, _ = decided(NotWorse(BY), values, values)
    assert not_worse is Outcome.HOLDS or flat is not Outcome.HOLDS


@given(values=matrices(-12, 12))
@same_examples
def test_with_one_margin_no_curve_both_moves_and_does_not_move(values: Array) -> None:
    found = [decided(estimand, values, values)[0] for estimand in (Flat(BY), Rises(BY), Drops(BY))]
    assert found.count(Outcome.HOLDS) <= 1
    not_worse, _ = decided(NotWorse(BY), values, values)
    assert [not_worse, found[2]].count(Outcome.HOLDS) <= 1


@given(order=st.permutations(range(5)), noise=matrices(-1, 1))
@same_examples
def test_shuffled_batch_sizes_show_less_of_a_trend(order: list[int], noise: Array) -> None:
    assume((order[0], order[-1]) != (0, 4))
    trend = np.array([0.0, 10.0, 20.0, 30.0, 40.0]) + noise[:, :1]
    straight, (change, *_) = decided(Rises(BY), trend, trend)
    _, (less, *_) = decided(Rises(BY), trend[:, order], trend)
    assert straight is Outcome.HOLDS
    assert less < change


@pytest.mark.parametrize("order", [(3, 4, 0, 1, 2), (1, 3, 4, 2, 0), (4, 3, 2, 1, 0)])
def test_a_trend_is_gone_when_the_batch_sizes_are_shuffled(order: tuple[int, ...]) -> None:
    trend = np.array([0.0, 10.0, 20.0, 30.0, 40.0]) + np.array([[0.0], [1.0], [2.0]])
    assert decided(Rises(BY), trend, trend)[0] is Outcome.HOLDS
    assert decided(Rises(BY), trend[:, order], trend)[0] is Outcome.FAILS
