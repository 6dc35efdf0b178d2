"""Sentences about several tasks, of which some decide nothing: not learnt, or eigenvalues that are in doubt."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from worlds import case_of, conditions, fill, under

from repro.experiment.recipes import LR
from repro.experiment.regimes import PAPER
from repro.experiment.tasks import M1_MNIST, STDCNN_MNIST, Task
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.critical import Rule
from repro.statistics.equivalence import Flat, Matches
from repro.statistics.estimands import Outcome
from repro.statistics.joint import Exists, Jointly
from repro.statistics.pairs import Mostly
from repro.statistics.reasons import Lack
from repro.statistics.units import factor, points
from repro.verdicts.claim import Always, Case, Claim
from repro.verdicts.curves import FGSM, LAMBDA1, Curve
from repro.verdicts.deciding import judge
from repro.verdicts.verdict import Verdict

CLAIM = Claim("it-is-somewhere", "1", "It is somewhere.", "most is more than half", ())
HERE = conditions(seeds=5)
ONE_IMAGE = {"lambda1_error": 50.0, "lambda1_smallest": -1.0, "lambda1_residual": 0.01, "lambda1_elsewhere": 1.0}


def both(rule: Rule) -> Case:
    groups = tuple((Curve(task, LR(), FGSM), Curve(task, LR(), LAMBDA1)) for task in (M1_MNIST, STDCNN_MNIST))
    return Case(CLAIM, (M1_MNIST, STDCNN_MNIST), (), groups, rule)


def judged(root: Path, case: Case, of: Mapping[Task, Mapping[str, float]], rises: bool = True) -> Verdict:
    """Both measures rise with the batch size, or neither does; what else is said of a task is true of its runs."""

    def results(run: Run) -> dict[str, float]:
        up = run.batch_size / 64 if rises else 64 / run.batch_size
        return {"fgsm_accuracy": 0.1 * up, "lambda1": 10 * up, **of.get(run.task, {})}

    return judge(case, fill(Store(root), case.runs(HERE), results), HERE)


NOTHING = {"not learnt": {"train_accuracy": 0.5}, "in doubt": ONE_IMAGE}


@pytest.mark.parametrize("fault", NOTHING.values(), ids=NOTHING)
def test_a_sentence_that_one_task_is_enough_for_holds_without_those_that_decide_nothing(
    tmp_path: Path, fault: dict[str, float]
) -> None:
    found = judged(tmp_path, both(Exists), {M1_MNIST: fault})
    assert found.decision.outcome is Outcome.HOLDS
    assert any(note.startswith("left out: M1-MNIST, where ") for note in found.notes)
    assert "on StdCNN-MNIST" in found.decision.effect
    assert found.entry().undertrained == ()  # of the networks that it was decided on


def test_its_seeds_are_those_of_the_tasks_that_it_was_decided_on(tmp_path: Path) -> None:
    here = HERE.with_seeds_of({M1_MNIST: 2})

    def results(run: Run) -> dict[str, float]:
        up = run.batch_size / 64
        learnt = 0.5 if run.task == M1_MNIST else 0.95
        return {"fgsm_accuracy": 0.1 * up, "lambda1": 10 * up, "train_accuracy": learnt}

    case = both(Exists)
    found = judge(case, fill(Store(tmp_path), case.runs(here), results), here)
    assert (found.seeds, found.compared_seeds) == (2, 5)
    assert (found.entry().seeds, found.entry().compared_seeds) == (2, 5)
    assert "interval, 5 seeds)" in found.evidence


@pytest.mark.parametrize(
    ("fault", "outcome"), [(NOTHING["not learnt"], Outcome.NOT_LEARNT), (NOTHING["in doubt"], Outcome.UNDECIDED)]
)
def test_it_cannot_fail_without_them(tmp_path: Path, fault: dict[str, float], outcome: Outcome) -> None:
    case = both(Exists)
    assert judged(tmp_path / "all", case, {}, rises=False).decision.outcome is Outcome.FAILS
    found = judged(tmp_path / "some", case, {M1_MNIST: fault}, rises=False)
    assert found.decision.outcome is outcome
    assert found.decision.reason.startswith("M1-MNIST: ")
    assert found.decision.p == 1.0
    assert (found.flips_at, found.further) == ("", None)  # no margin, and no seed of this task, would change it
    assert [look.decided for look in found.looks] == [False]  # the other task could have shown it


def test_where_none_is_left_it_is_not_learnt(tmp_path: Path) -> None:
    found = judged(tmp_path, both(Exists), dict.fromkeys((M1_MNIST, STDCNN_MNIST), NOTHING["not learnt"]))
    assert found.word == "not learnt"


def test_a_sentence_about_most_cases_needs_all_of_them(tmp_path: Path) -> None:
    groups = tuple((Curve(t, LR(), FGSM), Curve(t, LR(0.9), FGSM)) for t in (M1_MNIST, STDCNN_MNIST))
    case = Case(CLAIM, (M1_MNIST, STDCNN_MNIST), (), groups, Always(Mostly("higher")))

    def results(run: Run) -> dict[str, float]:
        learnt = run.task == STDCNN_MNIST or run.batch_size < 256
        return {"fgsm_accuracy": 0.5 + 0.1 * run.sgd.momentum, "train_accuracy": 0.95 if learnt else 0.6}

    found = judge(case, fill(Store(tmp_path), case.runs(HERE), results), HERE)
    assert found.word == "not learnt"
    assert found.decision.estimate == 1.0  # what it would be is shown


PAPERS = under(PAPER.overridden(seeds=5))  # where what diverged is part of what is shown


def test_a_task_that_diverged_at_every_batch_size_does_not_void_what_another_one_shows(tmp_path: Path) -> None:
    case = both(Exists)

    def results(run: Run) -> dict[str, float] | None:
        up = run.batch_size / 64
        gone = run.task == M1_MNIST and run.seed == 0
        return None if gone else {"fgsm_accuracy": 0.05 * up, "lambda1": 10 * up}

    found = judge(case, fill(Store(tmp_path), case.runs(PAPERS), results, PAPERS.reading(M1_MNIST)), PAPERS)
    assert found.decision.outcome is Outcome.HOLDS
    assert any(note.startswith("left out: M1-MNIST, where 5 of 25 runs have no value") for note in found.notes)


def test_the_batch_size_that_is_left_alone_is_named_with_its_task(tmp_path: Path) -> None:
    case = both(Exists)

    def results(run: Run) -> dict[str, float] | None:
        rises = {"fgsm_accuracy": 0.05 * run.batch_size / 64, "lambda1": 10.0}
        return None if run.task == STDCNN_MNIST and run.batch_size < 1024 else rises

    found = judge(case, fill(Store(tmp_path), case.runs(PAPERS), results, PAPERS.reading(M1_MNIST)), PAPERS)
    assert found.inconclusive
    assert "StdCNN-MNIST: one batch size (1024) alone leaves nothing to compare" in found.decision.reason


LACKING = {
    "a curve on the floor": (case_of(Curve(M1_MNIST, LR(), FGSM), holds_if=Flat(points(5))), {}, Lack.ROOM_BELOW),
    "a part on the floor": (
        case_of(
            Curve(M1_MNIST, LR(), FGSM),
            Curve(M1_MNIST, LR(), LAMBDA1),
            holds_if=Jointly((Flat(points(5)), Flat(factor(2)))),
        ),
        {},
        Lack.ROOM_BELOW,
    ),
    "no numbers": (case_of(Curve(M1_MNIST, LR(), LAMBDA1), holds_if=Matches(factor(2))), {}, Lack.NUMBERS),
    "one image": (case_of(Curve(M1_MNIST, LR(), LAMBDA1), holds_if=Flat(factor(2))), ONE_IMAGE, Lack.IMAGES),
}


@pytest.mark.parametrize(("case", "fault", "lacks"), LACKING.values(), ids=LACKING)
def test_what_is_lacking_comes_with_the_verdict(
    tmp_path: Path, case: Case, fault: dict[str, float], lacks: Lack
) -> None:
    """By its type: whoever words a reason better changes no advice."""
    runs = fill(Store(tmp_path), case.runs(HERE), lambda _: {"fgsm_accuracy": 0.001, "lambda1": 10.0} | fault)
    entry = judge(case, runs, HERE).entry()
    assert (entry.outcome, entry.lacks) == (Outcome.UNDECIDED, lacks)
