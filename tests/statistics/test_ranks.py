"""Whether curvature orders robustness: the rank correlation of two measures, free of the noise of single runs."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from repro.statistics.estimands import Outcome, Sample
from repro.statistics.ranks import RanksDisagree
from repro.statistics.units import FACTOR, POINTS, Array

GRID = (64, 128, 256, 512, 1024)
RANKS = RanksDisagree(explains=0.9)
RECIPES = 3


def samples(robust: Array, curved: Array) -> list[Sample]:
    """Curves of both measures, from values (seeds, cells)."""
    pairs = zip(np.split(robust, RECIPES, axis=-1), np.split(curved, RECIPES, axis=-1), strict=True)
    return [Sample(values, GRID, unit) for a, b in pairs for values, unit in ((a, POINTS), (b, FACTOR))]


def noisy(robust: Array, curved: Array, seeds: int, spread: float = 1.0, seed: int = 0) -> list[Sample]:
    """Runs about true cells, whose noise is as large as measured between seeds of StdCNN on MNIST."""
    generator = np.random.default_rng(seed)
    noise = [sd * spread * generator.normal(size=(seeds, len(robust))) for sd in (3.2, 0.35)]
    return samples(robust + noise[0], curved + noise[1])


CELLS = np.linspace(0, 1, RECIPES * len(GRID))
SHUFFLED = np.random.default_rng(3).permutation(CELLS)


def test_what_orders_the_cells_exactly_is_not_said_to_disagree_for_the_noise_of_runs() -> None:
    """Within a seed the correlation is far from -1 for the noise alone: a median over seeds would be sure of it."""
    outcomes = [RANKS.decide(*noisy(-15 * CELLS, 1.5 * CELLS, 5, seed=seed)).outcome for seed in range(40)]
    within = [
        spearmanr(*(np.concatenate([s.values[0] for s in found[i::2]]) for i in (0, 1))).statistic
        for found in (noisy(-15 * CELLS, 1.5 * CELLS, 5, seed=seed) for seed in range(40))
    ]
    assert np.median(within) > -0.9
    assert outcomes.count(Outcome.HOLDS) <= 2
    assert Outcome.FAILS in outcomes


@pytest.mark.parametrize("seeds", [3, 5, 8])
def test_an_order_of_its_own_is_seen(seeds: int) -> None:
    decision = RANKS.decide(*noisy(30 * SHUFFLED, 3 * CELLS, seeds))
    assert decision.outcome is Outcome.HOLDS
    assert decision.unit.difference(decision.estimate).startswith(("+0", "-0"))
    assert decision.asked == "above -0.9"


def test_without_noise_it_is_spearman_s_coefficient() -> None:
    found = samples(np.tile(SHUFFLED, (3, 1)), np.tile(CELLS, (3, 1)))
    assert np.tanh(RANKS.decide(*found).estimate) == pytest.approx(spearmanr(SHUFFLED, CELLS).statistic, abs=1e-9)


def test_cells_that_are_one_run_count_once() -> None:
    """LR and LR/BS are the same training at batch size 64."""
    first, second = noisy(30 * SHUFFLED, 3 * CELLS, 4, spread=0.3)[:2]
    assert RANKS.decide(first, second, first, second) == RANKS.decide(first, second)
    assert RANKS.decide(first, second).effect == "rank correlation over 5 cells"


def test_too_few_seeds_are_named() -> None:
    decision = RANKS.decide(*noisy(-15 * CELLS, 1.5 * CELLS, 2))
    assert decision.outcome is Outcome.UNDECIDED
    assert decision.reason == "a correlation between seeds needs 3 at least, of which there are 2"


@pytest.mark.parametrize(("robust", "curved"), [(0 * CELLS, 3 * CELLS), (-30 * CELLS, 0 * CELLS)])
def test_a_measure_that_does_not_come_again_with_another_seed_decides_nothing(robust: Array, curved: Array) -> None:
    decision = RANKS.decide(*noisy(robust, curved, 5))
    assert decision.outcome is Outcome.UNDECIDED
    assert decision.reason == "less than half of what tells the cells apart comes again with another seed"
    assert decision.p == 1.0


def near_the_bound(worlds: int, seeds: int) -> list[Sample]:
    """Five cells of which two pairs all but tie in lambda1: their mean ranks correlate with accuracy at -0.9005."""
    generator, tie = np.random.default_rng(7), 0.5 * 0.45 * 2**0.5
    accuracy = np.array([10, 25, 40, 55, 70]) + 2 * generator.normal(size=(worlds, seeds, 5))
    curvature = np.array([4, 4 + tie, 2, 0, tie]) + 0.45 * generator.normal(size=(worlds, seeds, 5))
    return [Sample(accuracy, GRID, POINTS), Sample(curvature, GRID, FACTOR)]


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_seeds_that_order_few_cells_alike_are_not_taken_for_certainty(seeds: int) -> None:
    """One in ten triples of seeds shows -0.8 without any spread, and would be sure of it at whatever level."""
    shown = RANKS.question(*near_the_bound(4000, seeds)).holds.p()
    assert (shown == 0).mean() == 0
    for level in (0.05, 0.01):
        assert (shown <= level).mean() <= level


def test_a_correlation_that_is_unknown_without_one_of_the_seeds_is_unknown() -> None:
    """Two of these three seeds hardly have an order in common, whichever they are: no number stands for that."""
    robust = [[-1.5, -0.5, 1.5, 2.5, -2.5, 0.5], [-0.5, -1.5, 0.5, 1.5, -2.5, 2.5], [-0.5, 2.5, -1.5, 1.5, -2.5, 0.5]]
    curved = [[-0.5, 1.5, -2.5, 0.5, 2.5, -1.5], [2.5, -1.5, -2.5, -0.5, 1.5, 0.5], [2.5, 0.5, -2.5, -0.5, 1.5, -1.5]]
    pair = [Sample(np.array(values), tuple(range(6)), unit) for values, unit in ((robust, POINTS), (curved, FACTOR))]
    assert RANKS.decide(*pair).outcome is Outcome.UNDECIDED
    assert "comes again with another seed" in RANKS.decide(*pair).reason


def test_what_disagrees_in_fewer_cells_is_not_shown_to_disagree_in_all() -> None:
    assert not RANKS.part_holds
    robust, curved = np.array([20.0, 30, 40, 50, 60]), np.array([4.0, 3, 1, 2, -1])
    coefficients = [spearmanr(robust[:cells], curved[:cells]).statistic for cells in (5, 4)]
    assert coefficients == pytest.approx([-0.9, -0.8])
