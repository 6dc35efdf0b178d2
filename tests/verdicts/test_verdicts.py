import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from worlds import Results, case_of, conditions, fill, recipe_of, under

from repro.errors import ReproError
from repro.experiment.recipes import BENCHMARK, LR, LR_BS
from repro.experiment.regimes import PAPER, QUICK
from repro.experiment.tasks import C1_CIFAR10, M1_MNIST, STDCNN_MNIST
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.equivalence import Flat
from repro.statistics.estimands import Estimand, Outcome
from repro.statistics.trends import Drops, Lower
from repro.statistics.units import factor, points
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, TEST_ACCURACY, Curve, read
from repro.verdicts.deciding import judge
from repro.verdicts.entry import json_of
from repro.verdicts.tables import undertrained
from repro.verdicts.verdict import Verdict

ACCURACY = Curve(M1_MNIST, BENCHMARK, FGSM)
CLEAN = Curve(M1_MNIST, BENCHMARK, TEST_ACCURACY)
CURVATURE = Curve(M1_MNIST, LR_BS(), LAMBDA1)


def case(*curves: Curve, holds_if: Estimand) -> Case:
    return case_of(*curves, holds_if=holds_if, axes=("FGSM",))


DROPS = case(ACCURACY, holds_if=Drops(points(1)))
FLAT = case(CURVATURE, holds_if=Flat(factor(2)))
STEADY = case(ACCURACY, holds_if=Flat(points(5)))
LOWER = case(CURVATURE, Curve(M1_MNIST, LR(), LAMBDA1), holds_if=Lower(factor(1.25)))


def verdict(tmp_path: Path, of: Case, results: Results, where: Conditions | None = None) -> Verdict:
    where = where or conditions()
    reading = where.regime.scale(of.tasks[0]).reading
    return judge(of, fill(Store(tmp_path), of.runs(where), results, reading), where, rerun="pytest 'it'")


def along(start: float, slope: float, spread: float = 0.0) -> Results:
    """FGSM accuracy along the doublings of the batch size; every second seed's slope is larger by ``spread``."""

    def results(run: Run) -> dict[str, float]:
        return {"fgsm_accuracy": start + (slope + spread * (run.seed % 2)) * math.log2(run.batch_size / 64)}

    return results


falling, rising, scattered = along(0.8, -0.1), along(0.2, 0.1), along(0.5, -0.05, spread=0.1)


PAPERS = ("reproduced", "not reproduced", "inconclusive")
REDUCED = ("trend seen", "trend not seen", "inconclusive")


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (under(PAPER), PAPERS),
        (under(PAPER.overridden(seeds=3)), PAPERS),  # fewer seeds: wider intervals, the same experiment
        (under(PAPER.overridden(epochs=99)), REDUCED),
        (under(PAPER.overridden(batch_sizes=(64, 128, 256))), REDUCED),
        (under(PAPER.overridden(train_images=54_999)), REDUCED),
        (under(QUICK.overridden(batch_sizes=(64, 256))), REDUCED),
        (conditions(), REDUCED),
        (conditions(data="surrogate"), tuple(f"{word} (surrogate)" for word in REDUCED)),
        (under(PAPER, "surrogate"), tuple(f"{word} (surrogate)" for word in PAPERS)),
    ],
    ids=["paper", "seeds", "epochs", "grid", "images", "quick", "small", "surrogate", "paper-surrogate"],
)
@pytest.mark.parametrize(("index", "results"), [(0, falling), (1, rising), (2, scattered)])
def test_words(tmp_path: Path, where: Conditions, words: tuple[str, ...], index: int, results: Results) -> None:
    found = verdict(tmp_path, DROPS, results, where)
    assert found.word == words[index]
    assert found.reproduced == (index == 0)
    assert found.inconclusive == (index == 2)
    assert found.evidence.startswith(f"{words[index]}: So it is.")
    assert found.entry().verdict == words[index]


def one_diverged(run: Run) -> dict[str, float] | None:
    diverged = recipe_of(run) == LR_BS() and run.batch_size == 256 and run.seed == 2
    return None if diverged else {"lambda1": 20.0}


@pytest.mark.parametrize(("of", "lost"), [(FLAT, "1 of 9"), (LOWER, "1 of 6")])
def test_in_a_reduced_regime_a_run_that_diverged_has_not_learnt(tmp_path: Path, of: Case, lost: str) -> None:
    found = verdict(tmp_path, of, one_diverged)
    assert found.inconclusive
    assert found.word == "not learnt"
    assert found.effect.endswith(f"{lost} networks have less than 85% training accuracy (1 diverged)")
    assert "diverged (1 of 3)" in found.evidence
    assert found.entry().p == 1.0


def test_at_the_papers_scale_curvature_is_compared_without_the_batch_size_of_a_run_that_diverged(
    tmp_path: Path,
) -> None:
    def rising(run: Run) -> dict[str, float] | None:
        return one_diverged(run) and {"lambda1": 20.0 * run.batch_size}

    found = verdict(tmp_path, FLAT, rising, under(PAPER.overridden(seeds=3)))
    assert found.decision.outcome is Outcome.FAILS
    assert found.notes == ("without batch size 256, where a run diverged and has no value",)
    assert "note: without batch size 256" in found.evidence


@pytest.mark.parametrize(("of", "results"), [(FLAT, {"lambda1": 20.0}), (STEADY, {"fgsm_accuracy": 0.5})])
def test_what_holds_only_without_the_batch_size_of_a_run_that_diverged_is_undecided(
    tmp_path: Path, of: Case, results: dict[str, float]
) -> None:
    """Else a recipe that diverges at large batch sizes would be flat on those that are left."""
    papers = under(PAPER.overridden(seeds=3))
    assert verdict(tmp_path / "whole", of, lambda _: results, papers).reproduced
    found = verdict(tmp_path / "lost", of, lambda run: None if run.batch_size == 1024 else results, papers)
    assert found.word == "inconclusive"
    assert found.effect.endswith("it holds without batch size 1024, where a run diverged and has no value")
    assert found.entry().p == 1.0


def test_a_diverged_run_counts_as_chance_where_test_accuracy_is_claimed(tmp_path: Path) -> None:
    papers, of = under(PAPER.overridden(seeds=3)), case(CLEAN, holds_if=Drops(points(1)))
    found = verdict(tmp_path, of, lambda run: None if run.batch_size == 1024 else {"test_accuracy": 0.9}, papers)
    assert found.curves[0].values[:, 4].tolist() == [0.1] * 3
    assert found.reproduced
    rows = [line for line in found.evidence.splitlines() if line.split()[:1] == ["1024"]]
    assert rows
    for row in rows:
        assert row.split()[3] == "-"  # no accuracy on the training images is known
        assert "diverged (3 of 3)" in row
    assert "nan" not in found.evidence


def test_an_eigenvalue_that_is_not_positive_decides_nothing(tmp_path: Path) -> None:
    found = verdict(tmp_path, FLAT, lambda run: {"lambda1": -1.0 if run.seed == 1 else 20.0})
    assert found.inconclusive
    assert found.effect == "3 of 9 runs have no value (0 diverged)"


def test_one_batch_size_shows_no_trend(tmp_path: Path) -> None:
    found = verdict(tmp_path, DROPS, falling, conditions(batch_sizes=(128,)))
    assert found.inconclusive
    assert found.effect == "one batch size (128) alone leaves nothing to compare"


@pytest.mark.parametrize("of", [DROPS, FLAT, LOWER])
def test_one_seed_decides_nothing(tmp_path: Path, of: Case) -> None:
    found = verdict(
        tmp_path, of, lambda run: {**(falling(run) or {}), "lambda1": float(run.batch_size)}, conditions(seeds=1)
    )
    assert found.inconclusive
    assert "[unbounded]" in found.effect
    assert found.seeds == 1
    json_of(found.entry())


def test_evidence_is_the_table_the_claim_was_decided_on(tmp_path: Path) -> None:
    accuracies = {64: (0.80, 0.82, 0.84), 128: (0.7, 0.7, 0.7), 256: (0.50, 0.55, 0.60)}
    found = verdict(tmp_path, DROPS, lambda run: {"fgsm_accuracy": accuracies[run.batch_size][run.seed]})
    first, _, _ = found.evidence.partition("  at equal training amount")
    rows = [line.split()[:3] for line in first.splitlines()]
    assert "figure 9\n" in found.evidence
    assert "section 2.1" in found.evidence
    assert [row for row in rows if row[0] in ("64", "128", "256")] == [
        ["64", "82.0%", "2.0"],
        ["128", "70.0%", "0.0"],
        ["256", "55.0%", "5.0"],
    ]
    # each seed falls by 30, 27, 24 points: mean 27, sd 3, and half an image of 64; t(2) at 95% one-sided 2.920
    half = 2.91999 * math.hypot(3, 100 / 64 / 2) / math.sqrt(3)
    assert f"-27.0 points [{-27 - half:+.1f}, {-27 + half:+.1f}] (90% interval, 3 seeds)" in found.evidence
    assert "asked for: a fall of more than 1 point (it can be seen)" in found.evidence


def test_spread_of_eigenvalues_is_a_factor(tmp_path: Path) -> None:
    found = verdict(tmp_path, FLAT, lambda run: {"lambda1": (10.0, 20.0, 40.0)[run.seed]})
    assert [line.split()[:3] for line in found.evidence.splitlines()][4] == ["64", "20", "x2.00"]


def test_an_entry_is_plain_json_with_what_the_report_promises(tmp_path: Path) -> None:
    found = verdict(tmp_path, DROPS, falling)
    entry = json.loads(json_of(found.entry()))
    assert entry["id"] == "an-example"
    assert entry["task"] == "M1-MNIST"
    assert entry["case"] == "M1-MNIST-FGSM"
    assert entry["figures"] == [9]
    assert entry["verdict"] == "trend seen"
    assert entry["outcome"] == "holds"
    low, high = entry["interval"]
    assert low <= entry["estimate"] <= high < -1
    assert entry["margin"] == 1
    assert entry["unit"] == "percentage points"
    assert entry["level"] == 0.9
    assert entry["seeds"] == 3
    assert entry["runs"] == sorted(run.key for run in ACCURACY.runs(conditions()))
    assert entry["rerun"] == "pytest 'it'"
    assert entry["undertrained"] == []
    assert entry["evidence"] == found.evidence
    assert {"section", "says", "because", "reason", "asked", "effect", "shown"} <= set(entry)


def test_a_run_that_two_curves_share_is_listed_once(tmp_path: Path) -> None:
    runs = verdict(tmp_path, LOWER, lambda _: {}).entry().runs
    assert len(runs) == len(set(runs)) == 15


def test_the_margin_of_a_factor_is_reported_as_a_logarithm(tmp_path: Path) -> None:
    entry = verdict(tmp_path, FLAT, lambda _: {}).entry()
    assert entry.margin == pytest.approx(math.log(2))
    assert entry.unit == "natural logarithm of a factor"


def test_cells_that_have_not_fitted_their_data_are_named_with_their_number(tmp_path: Path) -> None:
    def results(run: Run) -> dict[str, float] | None:
        if run.batch_size == 256:
            return None if run.seed == 0 else {"train_accuracy": 0.5}
        return {"train_accuracy": 0.85 if run.batch_size == 64 else (0.85, 0.84, 0.86)[run.seed]}

    found = verdict(tmp_path, DROPS, results)
    notes = [
        "Benchmark, batch size 128: undertrained (1 of 3)",
        "Benchmark, batch size 256: undertrained (2 of 3), diverged (1 of 3)",
    ]
    assert [*found.entry().undertrained] == undertrained(found.curves[0]) == notes
    assert "undertrained (2 of 3), diverged (1 of 3)" in found.evidence


def test_the_surrogate_is_named_for_the_task_that_uses_it_alone(tmp_path: Path) -> None:
    mixed = conditions(data="surrogate")
    sources = {**conditions().sources, "MNIST": mixed.sources["MNIST"]}
    where = Conditions(mixed.regime, sources, "cpu")
    other = case(Curve(C1_CIFAR10, BENCHMARK, FGSM), holds_if=Drops(points(1)))
    assert verdict(tmp_path, DROPS, falling, where).word == "trend seen (surrogate)"
    assert verdict(tmp_path, other, falling, where).word == "trend seen"


def test_the_decision_rests_on_the_curves_in_the_claims_order(tmp_path: Path) -> None:
    found = verdict(tmp_path, LOWER, lambda run: {"lambda1": 5.0 if recipe_of(run) == LR_BS() else 50.0})
    assert [measured.curve for measured in found.curves] == list(LOWER.curves)
    assert found.decision.outcome is Outcome.HOLDS
    where = conditions()
    turned = case(*reversed(LOWER.curves), holds_if=LOWER.holds_if)
    assert judge(turned, Store(tmp_path), where).decision.outcome is Outcome.FAILS
    assert read(LOWER.curves[0], Store(tmp_path), where) == found.curves[0]


def test_what_the_strongest_attack_decides_stands_beside_the_verdict(tmp_path: Path) -> None:
    case = case_of(Curve(STDCNN_MNIST, LR_BS(), FGSM), holds_if=Flat(points(5)))
    here = conditions()
    store = fill(
        Store(tmp_path), case.runs(here), lambda run: {"fgsm_sound_accuracy": 0.6 if run.batch_size == 64 else 0.5}
    )
    verdict = judge(case, store, here)
    other = verdict.entry().sound
    assert other is not None
    assert (verdict.word, other.verdict, other.name) == ("trend seen", "trend not seen", "sound-attack")


def test_a_reading_of_attacks_says_nothing_beside_a_claim_of_curvature(tmp_path: Path) -> None:
    case = case_of(Curve(STDCNN_MNIST, LR_BS(), LAMBDA1), holds_if=Flat(factor(2)))
    here = conditions()
    found = judge(case, fill(Store(tmp_path), case.runs(here)), here)
    assert (found.strongest, found.others) == (None, ())


def test_a_reading_that_costs_something_is_measured_and_decided_when_it_is_asked_for(tmp_path: Path) -> None:
    curve = Curve(STDCNN_MNIST, LR_BS(), LAMBDA1)
    case = case_of(curve, holds_if=Flat(factor(2)))
    here = replace(conditions(), readings=("lambda1-test",))
    runs = case.runs(here)
    assert len(curve.jobs(here)) == 2 * len(runs)
    store = fill(Store(tmp_path), runs)
    with pytest.raises(ReproError):
        judge(case, store, here)
    *_, other = here.alternatives(STDCNN_MNIST)
    fill(store, runs, lambda run: {"lambda1": 20.0 * run.batch_size}, other.reading)
    (found,) = judge(case, store, here).others
    assert found.verdict == "trend not seen"
    assert found.shown.startswith("x")  # a factor
