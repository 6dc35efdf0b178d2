import numpy as np
import pytest

from repro.statistics.equivalence import Flat, Matches
from repro.statistics.estimands import Estimand, Outcome, Sample
from repro.statistics.pairs import Mostly
from repro.statistics.sequential import UntilDecided, further_seeds
from repro.statistics.trends import Rises
from repro.statistics.units import POINTS, Array, points

GRID = (64, 1024)
RULE = UntilDecided((3, 5, 7, 10))


def changes(*seeds: float) -> Sample:
    return Sample(np.array([[50.0, 50.0 + change] for change in seeds]), GRID, POINTS)


def drawn(mean: float, sd: float, seeds: int, generator: np.random.Generator) -> Sample:
    return changes(*generator.normal(mean, sd, seeds))


def share_decided(mean: float, sd: float, seeds: int) -> float:
    worlds = np.random.default_rng(0).normal(mean, sd, (20_000, seeds, 1)) * np.array([0.0, 1.0])
    question = Rises(points(5)).question(Sample(worlds, GRID, POINTS))
    return float(((question.p() <= 0.05) | (question.fails.p() <= 0.05)).mean())


@pytest.mark.parametrize(("mean", "sd"), [(7, 4), (5.5, 0.8), (2.5, 4)])
def test_so_many_further_seeds_decide_in_four_of_five_worlds_and_one_fewer_do_not(mean: float, sd: float) -> None:
    pilot = changes(mean - sd, mean, mean + sd)
    needed = further_seeds(Rises(points(5)), pilot)
    assert needed is not None
    assert share_decided(mean, sd, 3 + needed) > 0.79  # the spread of 20,000 worlds is 0.003
    assert share_decided(mean, sd, 2 + needed) < 0.81


def test_the_noisier_the_seeds_the_more_of_them() -> None:
    quiet, loud = (further_seeds(Rises(points(5)), changes(9 - sd, 9, 9 + sd)) for sd in (2, 6))
    assert quiet is not None
    assert loud is not None
    assert loud > quiet


def test_no_number_of_seeds_decides_what_lies_within_noise_of_the_margin() -> None:
    assert further_seeds(Rises(points(5)), changes(1.4, 5.4, 9.4)) is None
    assert further_seeds(Rises(points(5)), changes(1.4, 5.4, 9.4), cap=2000) is not None


def test_a_single_seed_does_not_say_how_many_more() -> None:
    assert further_seeds(Rises(points(5)), changes(9)) is None


def test_what_lacks_something_else_is_helped_by_no_seeds() -> None:
    assert further_seeds(Matches(points(2)), changes(1, 2, 3)) is None


def test_a_curve_on_the_floor_can_only_fail_and_is_planned_so() -> None:
    low = Sample(changes(0, 1, -1).values - 37, GRID, POINTS, floor=10.0)
    assert further_seeds(Flat(points(5)), changes(0, 1, -1)) == 1
    assert further_seeds(Flat(points(5)), low) is None


def test_a_median_needs_five_seeds_at_least() -> None:
    below, above = (Sample(np.full((3, 2), value), GRID, POINTS) for value in (0.0, 1.0))
    needed = further_seeds(Mostly("higher"), below, above)
    assert needed is not None
    assert needed >= 2


def test_the_looks_spend_the_error_between_them() -> None:
    assert sum(RULE.levels) == pytest.approx(0.05)
    assert list(RULE.levels) == sorted(RULE.levels)


@pytest.mark.parametrize("looks", [(), (5, 3), (3, 3), (0, 5)])
def test_looks_that_are_no_ascending_numbers_of_seeds_are_refused(looks: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="ascending"):
        UntilDecided(looks)


def test_before_the_first_look_there_is_no_decision() -> None:
    with pytest.raises(ValueError, match="2 seeds: the first look is at 3"):
        RULE.decide(Rises(points(5)), changes(9, 9))


def test_seeds_beyond_the_last_look_reached_do_not_count() -> None:
    few = changes(9, 10, 8, -50)
    assert RULE.decide(Rises(points(5)), few) == RULE.decide(Rises(points(5)), changes(9, 10, 8))


def test_a_look_that_has_decided_is_not_taken_back() -> None:
    first = RULE.decide(Rises(points(5)), changes(9, 9.01, 8.99))
    later = RULE.decide(Rises(points(5)), changes(9, 9.01, 8.99, -90, 90))
    assert first == later
    assert first.outcome is Outcome.HOLDS


def wrong(estimand: Estimand, mean: float, worlds: int = 1500) -> tuple[int, int, Array]:
    """How often "holds" and "fails" come out of looking until decided, and p-values."""
    generator = np.random.default_rng(3)
    found = [RULE.decide(estimand, drawn(mean, 3.0, 10, generator)) for _ in range(worlds)]
    outcomes = [decision.outcome for decision in found]
    ps = np.array([decision.p for decision in found])
    held = np.array([outcome is Outcome.HOLDS for outcome in outcomes])
    assert ((ps <= 0.05) == held).all()
    return outcomes.count(Outcome.HOLDS), outcomes.count(Outcome.FAILS), ps


@pytest.mark.parametrize("estimand", [Rises(points(5)), Flat(points(5))])
def test_looking_until_decided_is_wrong_in_one_world_of_twenty_at_most(estimand: Estimand) -> None:
    holds, fails, _ = wrong(estimand, 5.0)
    assert holds <= 100  # 5% of 1,500 are 75
    assert fails <= 100


def test_peeking_at_5_percent_would_be_wrong_more_often() -> None:
    generator = np.random.default_rng(3)
    found = 0
    for _ in range(1500):
        sample = drawn(5.0, 3.0, 10, generator)
        looks = (Rises(points(5)).decide(changes(*sample.values[:look, 1] - 50)) for look in RULE.looks)
        found += next((d.outcome for d in looks if d.outcome is not Outcome.UNDECIDED), None) is Outcome.HOLDS
    assert found > 111
