"""Claims that compare batch sizes, decided once more at the same training amount T."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from matched import DROPS, FLAT, FLATTER, HALF_AN_IMAGE, HERE, RISES, case, of, verdict
from worlds import Results, conditions, fill, is_of, recipe_of

from repro.errors import ReproError
from repro.experiment.recipes import BENCHMARK, LR, LR_BS
from repro.experiment.tasks import M1_MNIST
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.estimands import Outcome
from repro.statistics.pairs import HigherOnAverage
from repro.statistics.trends import Rises
from repro.statistics.units import factor, points
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, Curve
from repro.verdicts.deciding import judge
from repro.verdicts.entry import json_of


def grows_with_training(run: Run) -> dict[str, float]:
    """A world in which "large batch" is only "trained less": everything is a function of T alone."""
    doublings = math.log2(run.amount / 0.08)
    return {"fgsm_accuracy": 0.4 + 0.05 * doublings, "lambda1": 10 * 1.5**-doublings}


def falls_with_training(run: Run) -> dict[str, float]:
    return {"fgsm_accuracy": 0.8 - 0.05 * math.log2(run.amount / 0.08)}


def follows_batch_size(run: Run) -> dict[str, float]:
    """A world in which batch size matters, and training does not."""
    doublings = math.log2(run.batch_size / 64)
    drop = -1 if is_of(run, LR()) and not is_of(run, LR_BS()) else 1
    curvature = 10.0 if recipe_of(run) == LR_BS() else 10 * 1.5**doublings
    return {"fgsm_accuracy": 0.6 - drop * 0.05 * doublings, "lambda1": curvature}


@pytest.mark.parametrize(
    ("claimed", "trained_less"),
    [(DROPS, grows_with_training), (RISES, falls_with_training), (FLATTER, grows_with_training)],
    ids=["drops", "rises", "flatter"],
)
def test_a_trend_that_is_only_less_training_is_gone_at_equal_amount(
    tmp_path: Path, claimed: Case, trained_less: Results
) -> None:
    found, matched = verdict(tmp_path, claimed, trained_less)
    assert found.decision.outcome is Outcome.HOLDS
    assert matched.decision.outcome is Outcome.FAILS
    assert matched.entry.trained_less
    assert (found.word, matched.entry.verdict) == ("trend seen", "trend not seen")


def test_a_schedule_that_decays_is_compressed_and_evidence_and_report_say_so(tmp_path: Path) -> None:
    """A world in which all comes of how far the rate has fallen: nothing is left where all have been annealed."""

    def annealed(run: Run) -> dict[str, float]:
        last = run.settings.learning_rate_at(run.last_step - 1, run.steps_per_epoch)
        return {"fgsm_accuracy": 0.8 if last < 0.01 else 0.4}

    longer = replace(HERE, regime=HERE.regime.overridden(epochs=10))
    found, matched = verdict(tmp_path, DROPS, annealed, longer)
    assert found.decision.estimate == matched.decision.estimate == pytest.approx(0, abs=1e-9)
    assert matched.entry.amount == "T = 3"
    assert matched.entry.trained_less
    assert matched.entry.notes == ("Benchmark: trained anew, with its schedule of learning rates compressed",)
    assert f"    note: {matched.entry.notes[0]}\n" in found.evidence


HELPS = case(*(Curve(M1_MNIST, LR(m), FGSM) for m in (0.0, 0.9)), holds_if=HigherOnAverage(points(1)))


def test_a_momentum_that_only_trains_more_makes_no_difference_at_equal_amount(tmp_path: Path) -> None:
    longer = replace(HERE, regime=HERE.regime.overridden(epochs=10))
    found, matched = verdict(tmp_path, HELPS, grows_with_training, longer)
    assert found.decision.outcome is Outcome.HOLDS
    assert matched.decision.outcome is Outcome.FAILS
    assert matched.entry.amount == "T = 0.4 to 1.6, equal at each batch size"
    assert matched.entry.trained_less
    assert matched.entry.estimate == pytest.approx(0, abs=1e-9)


def test_a_momentum_that_helps_by_itself_helps_at_equal_amount(tmp_path: Path) -> None:
    found, matched = verdict(tmp_path, HELPS, lambda run: {"fgsm_accuracy": 0.5 + run.sgd.momentum / 9})
    assert found.decision.outcome is matched.decision.outcome is Outcome.HOLDS
    assert matched.decision.estimate == pytest.approx(found.decision.estimate)


@pytest.mark.parametrize("claimed", [DROPS, RISES, FLATTER], ids=["drops", "rises", "flatter"])
def test_a_trend_of_batch_size_itself_is_kept_at_equal_amount(tmp_path: Path, claimed: Case) -> None:
    found, matched = verdict(tmp_path, claimed, follows_batch_size)
    assert matched.entry.trained_less
    assert found.decision.outcome is matched.decision.outcome is Outcome.HOLDS
    assert matched.decision.estimate == pytest.approx(found.decision.estimate)


def test_the_evidence_shows_both_decisions_and_what_they_rest_on(tmp_path: Path) -> None:
    found, _ = verdict(tmp_path, DROPS, grows_with_training)
    first, _, second = found.evidence.partition("  at equal training amount ")
    assert second.startswith("(T = 0.8): trend not seen, +0.0 points [+0.0, +0.0]\n")
    rows = [[line.split() for line in text.splitlines()] for text in (first, second)]
    # batch size, mean, sd, training accuracy, steps, T
    cells = [[(row[0], row[1], row[4], row[5]) for row in text if row and row[0].isdigit()] for text in rows]
    assert cells == [
        [("64", "66.6%", "32", "3.20"), ("128", "61.6%", "16", "1.60"), ("256", "56.6%", "8", "0.80")],
        [("64", "56.6%", "8", "0.80"), ("128", "56.6%", "8", "0.80"), ("256", "56.6%", "8", "0.80")],
    ]


def test_the_entry_has_both_decisions_as_plain_json(tmp_path: Path) -> None:
    found, _ = verdict(tmp_path, DROPS, grows_with_training)
    entry = json.loads(json_of(found.entry()))
    assert (entry["verdict"], entry["outcome"]) == ("trend seen", "holds")
    (curve,) = entry["equal_amount"].pop("curves")
    assert [(point["batch_size"], point["steps"], point["amount"]) for point in curve["points"]] == [
        (64, 8, pytest.approx(0.8)),
        (128, 8, pytest.approx(0.8)),
        (256, 8, pytest.approx(0.8)),
    ]
    assert entry["equal_amount"] == {
        "amount": "T = 0.8",
        "verdict": "trend not seen",
        "outcome": "fails",
        "shown": "+0.0 points [+0.0, +0.0]",
        "estimate": pytest.approx(0, abs=1e-9),
        "interval": [pytest.approx(-HALF_AN_IMAGE, rel=1e-3), pytest.approx(HALF_AN_IMAGE, rel=1e-3)],
        "trained_less": True,
        "lacks": None,
        "notes": [],
    }


@pytest.mark.parametrize("outcome", [Outcome.HOLDS, Outcome.FAILS])
def test_a_claim_whose_runs_all_came_to_the_same_amount_is_told_so_and_decided_the_same(
    tmp_path: Path, outcome: Outcome
) -> None:
    slope = 0.0 if outcome is Outcome.HOLDS else 0.1
    found, matched = verdict(
        tmp_path, FLAT, lambda run: {"fgsm_accuracy": 0.8 - slope * math.log2(run.batch_size / 64)}
    )
    assert found.decision.outcome is outcome
    assert matched.decision == found.decision
    assert matched.curves == found.curves
    assert not matched.entry.trained_less
    assert found.evidence.endswith(
        "\n  at equal training amount (T = 0.32): the same, since every cell had come to that"
    )


def test_a_run_that_diverged_may_have_been_sound_at_the_amount_that_is_compared(tmp_path: Path) -> None:
    """It had no eigenvalue at its end."""

    def diverged_at_its_end(run: Run) -> dict[str, float] | None:
        return None if run.batch_size == 64 and run.steps is None else {"lambda1": 0.1 * run.batch_size}

    found, matched = verdict(tmp_path, of(BENCHMARK, Rises(factor(1.25)), LAMBDA1), diverged_at_its_end)
    assert found.inconclusive
    assert "3 diverged" in found.effect
    assert matched.decision.outcome is Outcome.HOLDS
    assert f"{matched.entry.amount}): trend seen" in found.evidence


def test_a_checkpoint_that_is_not_stored_is_an_error_that_names_it(tmp_path: Path) -> None:
    store = fill(Store(tmp_path), DROPS.curves[0].runs(HERE), reading=HERE.reading(M1_MNIST))
    with pytest.raises(ReproError, match=r"batch size 64 seed 0 to step 8 \(\w+\) is not in"):
        judge(DROPS, store, HERE)


def test_recipes_can_be_compared_at_one_batch_size_and_trends_cannot(tmp_path: Path) -> None:
    one = conditions(batch_sizes=(256,))
    found, matched = verdict(tmp_path, FLATTER, follows_batch_size, one)
    assert found.decision.outcome is matched.decision.outcome is Outcome.HOLDS
    found, matched = verdict(tmp_path, DROPS, follows_batch_size, one)
    assert found.inconclusive
    assert matched.decision.reason == found.effect == "one batch size (256) alone leaves nothing to compare"
