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
    first, second = noisy(30 * SHUFFLED, 3 * CELLS, 4)[:2]
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
