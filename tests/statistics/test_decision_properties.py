"""What is true of every estimand's decision, whatever the values."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import same_examples

from repro.statistics.equivalence import Flat, NotWorse, Same
from repro.statistics.estimands import Decision, Estimand, Outcome, Sample
from repro.statistics.intervals import t_quantile
from repro.statistics.joint import Exists, Jointly
from repro.statistics.pairs import HigherOnAverage, LowerOnAverage, Mostly, SmallerChange
from repro.statistics.ranks import RanksDisagree
from repro.statistics.trends import Drops, Higher, Lower, Rises
from repro.statistics.units import POINTS, Array, points

GRID = (64, 128, 256)
BY = points(5)
CURVES: dict[Estimand, int] = {
    Rises(BY): 1,
    Drops(BY): 1,
    Flat(BY): 1,
    NotWorse(BY): 1,
    Higher(BY): 2,
    Lower(BY): 2,
    Same(BY): 2,
    HigherOnAverage(BY): 2,
    LowerOnAverage(BY): 3,
    Mostly("higher"): 2,
    Mostly("lower"): 3,
    SmallerChange(BY): 4,
    Jointly((Rises(BY), Drops(BY))): 2,
    Exists(BY, BY): 4,
    RanksDisagree(explains=0.5): 4,
}
every_estimand = pytest.mark.parametrize("estimand", CURVES, ids=lambda estimand: type(estimand).__name__)


@st.composite
def worlds(draw: st.DrawFn, most: int = 8) -> Array:
    """Four curves of 1 to ``most`` seeds with an effect of any size: (curves, seeds, batch sizes)."""
    seeds, seed = draw(st.integers(1, most)), draw(st.integers(0, 10**6))
    trends = draw(st.lists(st.integers(-12, 12), min_size=4, max_size=4))
    noise = np.random.default_rng(seed).normal(0, draw(st.sampled_from([0.3, 3.0])), (4, seeds, 3))
    return np.array(trends)[:, None, None] * np.array([0.0, 0.5, 1.0]) + noise


def samples(estimand: Estimand, values: Array, floor: float = -math.inf) -> list[Sample]:
    return [Sample(curve, GRID, POINTS, floor) for curve in values[: CURVES[estimand]]]


def decide(estimand: Estimand, values: Array, alpha: float = 0.05, floor: float = -math.inf) -> Decision:
    return estimand.decide(*samples(estimand, values, floor), alpha=alpha)


@every_estimand
@given(values=worlds(), floor=st.sampled_from([-math.inf, 0.0]))
@same_examples
def test_it_holds_exactly_where_p_is_at_most_the_error(estimand: Estimand, values: Array, floor: float) -> None:
    for alpha in (0.05, 0.01):
        decision = decide(estimand, values, alpha, floor)
        assert 0 <= decision.p <= 1
        assert (decision.outcome is Outcome.HOLDS) == (decision.p <= alpha)


@every_estimand
@given(values=worlds())
@same_examples
def test_p_is_the_smallest_error_at_which_it_holds(estimand: Estimand, values: Array) -> None:
    p = decide(estimand, values).p
    if p < 0.4:
        assert decide(estimand, values, p * 1.001 + 1e-9).outcome is Outcome.HOLDS
    if p > 1e-9:
        assert decide(estimand, values, min(0.4, p * 0.999)).outcome is not Outcome.HOLDS


@every_estimand
@given(values=worlds())
@same_examples
def test_a_smaller_error_never_decides_what_a_larger_one_does_not(estimand: Estimand, values: Array) -> None:
    strict, lenient = decide(estimand, values, 0.01), decide(estimand, values, 0.05)
    assert strict.outcome in (lenient.outcome, Outcome.UNDECIDED)
    assert strict.level > lenient.level or lenient.outcome is Outcome.UNDECIDED


@every_estimand
@given(values=worlds(), seed=st.integers(0, 99))
@same_examples
def test_the_order_of_the_seeds_does_not_matter(estimand: Estimand, values: Array, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(values.shape[1])
    before, after = decide(estimand, values), decide(estimand, values[:, order])
    assert after.outcome is before.outcome
    assert after.p == pytest.approx(before.p, rel=1e-6, abs=1e-12)


@every_estimand
@given(values=worlds())
@same_examples
def test_one_world_of_many_is_decided_as_it_is_alone(estimand: Estimand, values: Array) -> None:
    """So what the calibration says of many worlds at once is true of the decisions."""
    other = np.random.default_rng(0).normal(size=values.shape)
    both = [Sample(np.stack(pair), GRID, POINTS) for pair in zip(values, other, strict=True)][: CURVES[estimand]]
    question = estimand.question(*both)
    holds, fails_to = (np.broadcast_to(p, 2) for p in (question.p(), question.against()))
    for world, alone in enumerate((values, other)):
        decision = decide(estimand, alone)
        assert float(holds[world]) == pytest.approx(decision.p, rel=1e-9)
        fails = float(fails_to[world]) <= 0.05 and decision.p > 0.05
        assert fails == (decision.outcome is Outcome.FAILS)


@every_estimand
@given(values=worlds(most=1))
@same_examples
def test_one_seed_decides_nothing(estimand: Estimand, values: Array) -> None:
    assert decide(estimand, values).outcome is Outcome.UNDECIDED


MIRRORED = [
    (Same(BY), Same(BY)),
    (HigherOnAverage(BY), LowerOnAverage(BY)),
    (Mostly("higher"), Mostly("lower")),
    (SmallerChange(BY), SmallerChange(BY)),
]


@pytest.mark.parametrize(("one", "other"), MIRRORED)
@given(values=worlds())
@same_examples
def test_upside_down_a_comparison_is_its_mirror_image(one: Estimand, other: Estimand, values: Array) -> None:
    found, mirrored = (
        e.decide(*(Sample(curve, GRID, POINTS) for curve in array[: CURVES[one]]))
        for e, array in ((one, values), (other, -values))
    )
    assert mirrored.outcome is found.outcome
    assert mirrored.p == pytest.approx(found.p, rel=1e-9)


UPWARD: list[tuple[Estimand, list[int]]] = [
    (Rises(BY), [1]),
    (NotWorse(BY), [1]),
    (Higher(BY), [1, -1]),
    (HigherOnAverage(BY), [-1, 1]),
    (Mostly("higher"), [-1, 1]),
    (Jointly((Rises(BY), Drops(BY))), [1, -1]),
    (Exists(BY, BY), [1, 1, 1, 1]),
]


@pytest.mark.parametrize(("estimand", "signs"), UPWARD)
@given(values=worlds(), size=st.integers(0, 20))
@same_examples
def test_the_larger_the_effect_the_smaller_p(estimand: Estimand, signs: list[int], values: Array, size: int) -> None:
    steeper = values.copy()
    for curve, sign in enumerate(signs):
        steeper[curve] += sign * size * np.array([0.0, 0.5, 1.0])
    assert decide(estimand, steeper).p <= decide(estimand, values).p + 1e-12


@given(st.integers(2, 60))
@same_examples
def test_more_seeds_never_widen_the_expected_interval(seeds: int) -> None:
    """Half the width is t s / sqrt(n), and the expected s of n normal values is c4(n) sigma, which grows with n."""

    def width(count: int) -> float:
        log_c4 = math.lgamma(count / 2) - math.lgamma((count - 1) / 2)
        return t_quantile(count, 0.9) * math.sqrt(2 / (count - 1)) * math.exp(log_c4) / math.sqrt(count)

    assert width(seeds + 1) < width(seeds)


@given(st.integers(0, 10**6), st.integers(1, 40))
@same_examples
def test_over_all_orders_of_the_batch_sizes_no_trend_is_left(seed: int, slope: int) -> None:
    values = slope * np.arange(4.0) + np.random.default_rng(seed).normal(0, 1, (3, 4))
    found = [
        Rises(BY).decide(Sample(values[:, order], (64, 128, 256, 512), POINTS)).estimate
        for order in (list(order) for order in permutations(range(4)))
    ]
    assert np.mean(found) == pytest.approx(0.0, abs=1e-9)


def test_a_curve_on_the_floor_has_a_p_of_one() -> None:
    values = np.array([[50.0, 50.0, 50.0], [50.1, 50.0, 50.0], [50.0, 50.1, 50.0]])
    assert Flat(BY).decide(Sample(values, GRID, POINTS, floor=10.0)).p < 0.01
    assert Flat(BY).decide(Sample(values, GRID, POINTS, floor=48.0)).p == 1.0
    joint = Jointly((Flat(BY), Flat(BY)))
    high, low = (Sample(values, GRID, POINTS, floor=floor) for floor in (10.0, 48.0))
    assert joint.decide(high, high).outcome is Outcome.HOLDS
    assert joint.decide(high, low).outcome is Outcome.UNDECIDED


def test_values_that_are_rounded_decide_less() -> None:
    """Three seeds of 64 images that end on the same image are not certain of their mean."""
    values = np.array([[50.0, 50.0, 55.5]] * 3)
    assert Rises(BY).decide(Sample(values, GRID, POINTS)).outcome is Outcome.HOLDS
    assert Rises(BY).decide(Sample(values, GRID, POINTS, step=100 / 64)).outcome is Outcome.UNDECIDED
