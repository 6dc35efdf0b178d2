import math

import numpy as np
import pytest

from repro.statistics.critical import Rule, critical
from repro.statistics.equivalence import Flat, NotWorse
from repro.statistics.estimands import Decision, Estimand, Outcome, Sample
from repro.statistics.trends import Rises
from repro.statistics.units import POINTS, points

SIZES = (64, 128, 256)


def sample(level: float, floor: float = -math.inf, rise: float = 0.0, spread: float = 1.0) -> Sample:
    """Three seeds that scatter around a level, and rise over the grid."""
    luck = spread * np.array([[0.0, 1.0, -1.0], [1.0, -1.0, 0.0], [-1.0, 0.0, 1.0]])
    return Sample(level + luck + np.linspace(0, rise, 3), SIZES, POINTS, floor)


def flips(rule: Rule, curve: Sample) -> tuple[Outcome, float | None]:
    """The outcome at a margin of 5 points, and at which other margin it would flip."""

    def decide(estimand: Estimand) -> Decision:
        return estimand.decide(curve)

    times = critical(rule, [points(5)], decide)
    return decide(rule(points(5))).outcome, None if times is None else 5 * times


def test_it_is_the_margin_at_which_the_outcome_changes() -> None:
    outcome, margin = flips(Rises, sample(50, rise=20))
    assert outcome is Outcome.HOLDS
    assert margin == pytest.approx(18.0, abs=1.5)
    assert margin is not None
    assert Rises(points(margin * 1.02)).decide(sample(50, rise=20)).outcome is not Outcome.HOLDS
    assert Rises(points(margin * 0.97)).decide(sample(50, rise=20)).outcome is Outcome.HOLDS


@pytest.mark.parametrize("rule", [Flat, NotWorse])
def test_an_outcome_that_comes_and_goes_is_found(rule: Rule) -> None:
    """Some larger margins would let an undecided curve hold; with still larger ones it stands on the floor."""
    curve = sample(16, floor=0.0, spread=2.0)
    assert [rule(points(size)).decide(curve).outcome for size in (5, 12, 320)] == [
        Outcome.UNDECIDED,
        Outcome.HOLDS,
        Outcome.UNDECIDED,
    ]
    outcome, margin = flips(rule, curve)
    assert outcome is Outcome.UNDECIDED
    assert margin is not None
    assert 5 < margin < 12


def test_where_no_margin_decides_there_is_none() -> None:
    assert flips(Flat, Sample(np.full((1, 3), 50.0), SIZES, POINTS)) == (Outcome.UNDECIDED, None)
