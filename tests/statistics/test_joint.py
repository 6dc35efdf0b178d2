import math

import numpy as np
import pytest

from repro.statistics.estimands import Estimand, Outcome, Sample
from repro.statistics.joint import Exists, Jointly
from repro.statistics.trends import Drops, Rises
from repro.statistics.units import FACTOR, POINTS, Margin, Unit, factor, points

HOLDS, FAILS, UNDECIDED = Outcome.HOLDS, Outcome.FAILS, Outcome.UNDECIDED
GRID = (64, 128, 256, 512, 1024)
MOST = 111  # of 1,500 worlds; see test_estimand_errors


def curve(*values: float, unit: Unit = POINTS, spread: float = 0.02) -> Sample:
    """Three seeds: the curve, and the curve tilted up and down."""
    tilt = np.linspace(-spread, spread, len(values)) * np.array([[0.0], [1.0], [-1.0]])
    return Sample(np.array(values) + tilt, GRID[: len(values)], unit)


def grows(*values: float, spread: float = 0.02) -> Sample:
    return curve(*values, unit=FACTOR, spread=spread)


BOTH = Jointly((Rises(points(1)), Rises(factor(1.25))))
UP, DOWN, VAGUE = curve(0, 5, 10), curve(10, 5, 0), curve(0, 1, 2, spread=9)
STEEP, FALLING = grows(0, 1, 2), grows(2, 1, 0)
SOMEWHERE = Exists(points(1), factor(1.25))

DECISIONS = [
    (BOTH, [UP, STEEP], HOLDS),
    (BOTH, [DOWN, STEEP], FAILS),
    (BOTH, [UP, FALLING], FAILS),
    (BOTH, [VAGUE, STEEP], UNDECIDED),
    (BOTH, [UP, grows(0, 1, 2, spread=9)], UNDECIDED),
    (BOTH, [VAGUE, FALLING], FAILS),  # whatever the first part may be
    (SOMEWHERE, [UP, STEEP], HOLDS),
    (SOMEWHERE, [DOWN, STEEP, UP, STEEP], HOLDS),  # in one recipe of two
    (SOMEWHERE, [curve(0, 5, 0), grows(0, 1, 0)], HOLDS),  # between two batch sizes of three
    (SOMEWHERE, [UP, FALLING, DOWN, STEEP], FAILS),  # each measure in another recipe
    (SOMEWHERE, [curve(0, 5, 5), grows(1, 0, 1)], FAILS),  # each measure between other batch sizes
    (SOMEWHERE, [VAGUE, STEEP], UNDECIDED),
    (SOMEWHERE, [DOWN, FALLING], FAILS),  # a larger batch size has to be the higher one
]


@pytest.mark.parametrize(("estimand", "samples", "outcome"), DECISIONS)
def test_decisions(estimand: Estimand, samples: list[Sample], outcome: Outcome) -> None:
    assert estimand.decide(*samples).outcome is outcome


@pytest.mark.parametrize(
    ("samples", "estimate"),
    [([UP, STEEP], 10.0), ([DOWN, STEEP], -10.0), ([UP, FALLING], -2.0), ([VAGUE, STEEP], 2.0)],
)
def test_jointly_shows_the_part_that_decided(samples: list[Sample], estimate: float) -> None:
    decision = BOTH.decide(*samples)
    assert decision.estimate == pytest.approx(estimate)
    assert decision.asked == "a rise of more than 1 point; and a rise of more than a factor of 1.25"


def test_jointly_takes_part_i_for_curve_i() -> None:
    assert Jointly((Rises(points(1)), Drops(factor(1.25)))).decide(UP, FALLING).outcome is HOLDS
    with pytest.raises(ValueError, match="shorter"):
        BOTH.decide(UP)


@pytest.mark.parametrize(("sizes", "recipes", "level"), [(2, 1, 0.9), (3, 1, 1 - 0.1 / 3), (5, 7, 1 - 0.1 / 70)])
def test_a_search_is_corrected_for_all_that_it_looked_at(sizes: int, recipes: int, level: float) -> None:
    decision = SOMEWHERE.decide(*[curve(*range(sizes)), grows(*range(sizes))] * recipes)
    assert decision.level == pytest.approx(level)


def test_what_was_found_is_told_with_both_its_measures() -> None:
    decision = SOMEWHERE.decide(curve(0, 5, 0), grows(0, 1, 0))
    assert "change from batch size 64 to 128" in decision.effect
    assert "x2.7" in decision.effect
    assert decision.estimate == pytest.approx(5.0)


def test_a_search_goes_through_where_a_margin_is_zero() -> None:
    found, missed = (Exists(points(0), factor(1)).decide(*pair) for pair in ((UP, STEEP), (DOWN, FALLING)))
    assert (found.outcome, missed.outcome) == (HOLDS, FAILS)
    assert "where both rise most clearly" in found.effect
    assert "where both come nearest to rising" in missed.effect  # none rises there


def test_failing_by_one_of_two_parts_is_corrected_for_their_number() -> None:
    """Short of its margin at 90% by a hair, and not at 95%."""
    tilted = np.array([[0.0, -1.0], [0.0, -2.0], [0.0, 0.0]])  # the 90% interval is -1 -+ 1.69, the 95% one -1 -+ 2.48
    short = Sample(tilted, GRID[:2], POINTS)
    assert Rises(points(1)).decide(short).outcome is FAILS
    decision = BOTH.decide(short, grows(0, 1))
    assert decision.outcome is UNDECIDED
    assert decision.level == pytest.approx(0.95)


@pytest.mark.parametrize("estimand", [BOTH, SOMEWHERE])
def test_one_seed_decides_nothing(estimand: Estimand) -> None:
    one = [Sample(s.values[:1], s.batch_sizes, s.unit) for s in (UP, STEEP)]
    assert estimand.decide(*one).outcome is UNDECIDED


def wrong(estimand: Estimand, samples: list[Sample]) -> tuple[int, int]:
    """In how many worlds it holds, and in how many it fails."""
    question = estimand.asks(*samples)
    holds = question.p() <= 0.05
    return int(holds.sum()), int((~holds & (question.against() <= 0.05)).sum())


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("lengths", [(2, 1), (3, 4)])
@pytest.mark.parametrize("rise", [9.0, 0.2231])
def test_at_the_edge_nothing_is_found_more_often_than_it_may_be(
    seeds: int, lengths: tuple[int, int], rise: float
) -> None:
    """One measure rises by exactly its margin in every recipe, the other beyond doubt or by its margin too."""
    sizes, recipes = lengths
    generator = np.random.default_rng(seeds)
    samples = []
    for _ in range(recipes):
        edge = np.where(np.arange(sizes) > 0, 1.0, 0.0)
        samples.append(Sample(edge + generator.normal(0, 0.7, (1500, seeds, sizes)), GRID[:sizes], POINTS))
        other = rise * np.arange(sizes) + generator.normal(0, 0.1, (1500, seeds, sizes))
        samples.append(Sample(other, GRID[:sizes], FACTOR))
    assert max(wrong(SOMEWHERE, samples)) <= MOST


@pytest.mark.parametrize("seeds", [3, 5])
def test_jointly_decides_wrongly_no_more_often_than_its_parts(seeds: int) -> None:
    generator = np.random.default_rng(seeds)
    edges = ((1.0, POINTS), (math.log(1.25), FACTOR))
    samples = [
        Sample(np.array([0.0, edge]) + generator.normal(0, 0.7, (1500, seeds, 2)), GRID[:2], unit)
        for edge, unit in edges
    ]
    assert max(wrong(BOTH, samples)) <= MOST


@pytest.mark.parametrize(
    ("estimand", "margins"),
    [
        (Rises(points(3)), (points(3),)),
        (BOTH, (points(1), factor(1.25))),
        (Jointly((BOTH, Drops(points(2)))), (points(1), factor(1.25), points(2))),
        (SOMEWHERE, (points(1), factor(1.25))),
    ],
    ids=["single", "joint", "nested", "exists"],
)
def test_every_margin_that_was_declared_is_named_in_its_order(estimand: Estimand, margins: tuple[Margin, ...]) -> None:
    assert estimand.margins == margins
    assert estimand.margin == margins[0]
