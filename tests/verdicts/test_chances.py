"""The chance of a decision, before anything is spent."""

from dataclasses import replace
from pathlib import Path

import pytest
from worlds import case_of, conditions, declared, fill

from repro.experiment.recipes import LR, LR_BS
from repro.experiment.tasks import M1_MNIST
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.equivalence import Flat
from repro.statistics.estimands import Outcome
from repro.statistics.trends import Drops
from repro.statistics.units import points
from repro.verdicts.chances import SPREADS, Chances
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, TEST_ACCURACY, Curve
from repro.verdicts.deciding import judge

FLAT = case_of(Curve(M1_MNIST, LR_BS(), TEST_ACCURACY), holds_if=Flat(points(2)))
FALLS = case_of(Curve(M1_MNIST, LR(), FGSM), holds_if=Drops(points(5)))


def chance(case: Case, where: Conditions, store: Store) -> float:
    return Chances(where, store).of(case)


def test_more_seeds_are_a_better_chance(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for case in (FLAT, FALLS):
        chances = [chance(case, conditions(seeds=seeds), store) for seeds in (1, 2, 3, 5, 10, 30)]
        assert chances[0] == 0.0
        assert chances == sorted(chances)
        assert chances[-1] > 0.95


def test_it_is_that_of_the_rule_itself(tmp_path: Path) -> None:
    """Runs drawn with the table's spread are decided as often as it says."""
    import numpy as np

    where, generator, decided = conditions(seeds=3, batch_sizes=(64, 256)), np.random.default_rng(1), 0
    spread = SPREADS["fgsm_accuracy"] / 100
    expected = chance(FALLS, where, Store(tmp_path / "none"))
    for world in range(150):
        store = Store(tmp_path / str(world))
        fill(store, FALLS.runs(where), lambda _: {"fgsm_accuracy": round(64 * generator.normal(0.5, spread)) / 64})
        decided += judge(FALLS, store, where).decision.outcome is not Outcome.UNDECIDED
    assert decided / 150 == pytest.approx(expected, abs=0.16)  # four standard errors of so few worlds


def test_a_spread_that_is_stored_is_taken_in_place_of_the_tables(tmp_path: Path) -> None:
    def still(run: Run) -> dict[str, float]:
        return {"fgsm_accuracy": 0.6 + 0.001 * run.seed}

    here = replace(conditions(seeds=3))
    store = fill(Store(tmp_path), FALLS.runs(here), still)
    assert (
        chance(FALLS, conditions(seeds=3), store) > 0.9 > chance(FALLS, conditions(seeds=3), Store(tmp_path / "none"))
    )


def test_every_claim_of_the_paper_has_one(tmp_path: Path) -> None:
    chances = [chance(case, conditions(seeds=5), Store(tmp_path)) for test in declared() for case in test.cases]
    assert all(0 <= found <= 1 for found in chances)
    assert max(chances) > 0.5


def test_a_measure_without_a_spread_of_its_own_has_one_of_its_margins_size(tmp_path: Path) -> None:
    own = replace(LAMBDA1, field="sharpness")
    case = case_of(Curve(M1_MNIST, LR_BS(), own), holds_if=Flat(own.matters))
    known = case_of(Curve(M1_MNIST, LR_BS(), LAMBDA1), holds_if=Flat(own.matters))
    assert chance(case, conditions(seeds=10), Store(tmp_path)) < chance(known, conditions(seeds=10), Store(tmp_path))


def test_one_batch_size_shows_no_trend(tmp_path: Path) -> None:
    assert chance(FLAT, conditions(seeds=30, batch_sizes=(64,)), Store(tmp_path)) == 0.0
