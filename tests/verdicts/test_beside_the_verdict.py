"""What is decided beside a verdict on the same runs agrees with it, and pays for its own looks."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from worlds import Results, case_of, conditions, fill, is_of

from repro.experiment.recipes import LR, LR_BS, SGD, Recipe
from repro.experiment.tasks import M1_MNIST
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.estimands import Estimand, Outcome
from repro.statistics.sequential import REST
from repro.statistics.trends import Drops, Higher, Lower
from repro.statistics.units import factor, points
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, TEST_ACCURACY, Curve, Measure
from repro.verdicts.deciding import judge
from repro.verdicts.entry import Look
from repro.verdicts.verdict import Verdict

HERE = conditions()
HALF = Recipe("half", 0.5, lambda _, momentum: SGD(0.005, momentum))
ONE_IMAGE = {"lambda1_smallest": -1.0, "lambda1_residual": 0.001, "lambda1_elsewhere": 1.0}


def judged(
    folder: Path, case: Case, results: Results, before: Sequence[Look] = (), where: Conditions = HERE
) -> Verdict:
    store = fill(Store(folder), case.runs(where), results, where.reading(M1_MNIST))
    return judge(case, store, where, before=before)


def at_the_end(measure: Measure, holds_if: Estimand) -> Case:
    """Two recipes at the largest batch size, where nothing has to be trained less."""
    return case_of(Curve(M1_MNIST, LR(), measure), Curve(M1_MNIST, HALF, measure), holds_if=holds_if)


def not_learnt_at_64(run: Run) -> dict[str, float]:
    lower = run.sgd.learning_rate == 0.01
    return {
        "lambda1": (10.0 if lower else 40.0) + 0.1 * run.seed,
        "train_accuracy": 0.5 if run.batch_size == 64 else 0.95,
    }


def test_networks_that_are_not_compared_do_not_keep_a_verdict_back(tmp_path: Path) -> None:
    found = judged(tmp_path, at_the_end(LAMBDA1, Lower(factor(2))), not_learnt_at_64)
    assert found.word == "trend seen"


@pytest.mark.parametrize(("where", "level"), [("ceiling", 0.995), ("floor", 0.1)])
def test_the_floor_and_the_ceiling_are_asked_of_what_is_compared(tmp_path: Path, where: str, level: float) -> None:
    case = at_the_end(TEST_ACCURACY, Higher(points(2)))
    found = judged(tmp_path, case, lambda run: {"test_accuracy": 0.6 if run.batch_size == 64 else level})
    assert found.word == "inconclusive"
    assert found.decision.reason.startswith("every curve is about as " + {"ceiling": "high", "floor": "low"}[where])
    assert found.matched is not None
    assert found.matched.entry.outcome is found.decision.outcome


def test_an_eigenvalue_of_one_image_is_in_doubt_of_the_run_that_was_stopped_earlier_too(tmp_path: Path) -> None:
    """Of a state nobody asks how many images carry its eigenvalue."""
    case = case_of(Curve(M1_MNIST, LR_BS(), LAMBDA1), Curve(M1_MNIST, LR(), LAMBDA1), holds_if=Lower(factor(2)))

    def flatter(run: Run) -> dict[str, float]:
        ratio = is_of(run, LR_BS()) and run.batch_size > 64
        top = (5.0 if ratio else 20.0) + 0.1 * run.seed
        return {"lambda1": top, **({**ONE_IMAGE, "lambda1_error": 0.95 * top} if ratio and run is run.whole else {})}

    found = judged(tmp_path, case, flatter)
    assert found.matched is not None
    assert found.matched.entry.trained_less
    assert found.decision.outcome is found.matched.entry.outcome is Outcome.UNDECIDED


def look(seeds: int, decided: bool) -> Look:
    return Look(seeds=seeds, level=0.05, decided=decided, data="")


def apart(run: Run) -> dict[str, float]:
    """A fall that all seeds agree on at the end, and half of it so at equal training."""
    wide = 0.0 if run is run.whole else 0.05 * (run.seed - 1)
    return {"fgsm_accuracy": 0.6 - (0.3 + wide) * run.batch_size / 256}


def test_a_look_that_only_checks_a_verdict_is_paid_for_by_what_stands_beside_it(tmp_path: Path) -> None:
    """The verdict itself was decided before; the one at equal training may have waited for this look."""
    case = case_of(Curve(M1_MNIST, LR(), FGSM), holds_if=Drops(points(5)))
    first = judged(tmp_path, case, apart)
    assert first.matched is not None
    checked = judged(tmp_path, case, apart, before=[look(2, True)])
    assert checked.matched is not None
    assert checked.decision.level == first.decision.level
    assert 1 - checked.matched.decision.level == pytest.approx(REST * (1 - first.matched.decision.level))
    undecided = judged(tmp_path, case, apart, before=[look(2, False)])
    assert undecided.matched is not None
    assert undecided.matched.decision.level == undecided.decision.level


def test_what_is_not_trained_less_is_the_verdict_itself_at_any_look(tmp_path: Path) -> None:
    case = case_of(Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Drops(points(5)))
    found = judged(tmp_path, case, lambda _: {"fgsm_accuracy": 0.6}, before=[look(2, True)])
    assert found.matched is not None
    assert not found.matched.entry.trained_less
    assert found.matched.decision == found.decision
