"""What is decided of all batch sizes where a run diverged at some of them, and the others alone have values."""

from pathlib import Path

import pytest
from worlds import Results, case_of, fill, is_of, under

from repro.experiment.recipes import BENCHMARK, LR, LR_BS
from repro.experiment.regimes import PAPER
from repro.experiment.tasks import M1_MNIST
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.equivalence import Differs, Flat, Matches, NotWorse, Same
from repro.statistics.pairs import ChangesLess, HigherOnAverage, SmallerChange
from repro.statistics.trends import Drops, Lower, Rises
from repro.statistics.units import factor, points
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, Curve, Theirs
from repro.verdicts.deciding import judge
from repro.verdicts.verdict import Verdict

HERE = under(PAPER.overridden(seeds=3))
PRINTED = Theirs(dict.fromkeys((64, 128, 256, 512, 1024), 20.0), "a table")
ATTACKED = [Curve(M1_MNIST, recipe, FGSM) for recipe in (LR_BS(), LR_BS(0.9), LR(), LR(0.9))]
OF_OTHERS = Curve(M1_MNIST, BENCHMARK, LAMBDA1, PRINTED)
CURVED = Curve(M1_MNIST, BENCHMARK, LAMBDA1)


def judged(folder: Path, case: Case, results: Results) -> Verdict:
    return judge(case, fill(Store(folder), case.runs(HERE), results, HERE.reading(M1_MNIST)), HERE)


def at_1024(run: Run) -> bool:
    return run.batch_size == 1024


def steady(run: Run) -> dict[str, float]:
    larger = is_of(run, LR(0.9)) and run.batch_size > 64
    return {"fgsm_accuracy": 0.6 + 0.2 * larger + 0.001 * run.seed, "lambda1": 20 + 0.1 * run.seed}


HOLDS = {
    "flat": case_of(OF_OTHERS, holds_if=Flat(factor(2))),
    "the same": case_of(*ATTACKED[:2], holds_if=Same(points(5))),
    "a smaller change": case_of(*ATTACKED, holds_if=SmallerChange(points(5))),
    "higher on average": case_of(*ATTACKED[2:], holds_if=HigherOnAverage(points(5))),
    "as printed": case_of(OF_OTHERS, holds_if=Matches(factor(2))),
}


@pytest.mark.parametrize("case", HOLDS.values(), ids=HOLDS)
def test_what_holds_without_a_batch_size_is_not_shown_of_all(tmp_path: Path, case: Case) -> None:
    assert judged(tmp_path / "whole", case, steady).reproduced
    found = judged(tmp_path / "part", case, lambda run: None if at_1024(run) else steady(run))
    assert found.word == "inconclusive"
    assert found.decision.reason == "it holds without batch size 1024, where a run diverged and has no value"
    assert (found.entry().p, found.flips_at, found.further) == (1.0, "", None)  # neither would make it hold


def ends_apart(run: Run) -> dict[str, float] | None:
    """The largest batch size falls by 40 points and is 10 times as curved, and one seed diverges there."""
    if not at_1024(run):
        return {"fgsm_accuracy": 0.6 + 0.005 * run.seed, "lambda1": 20 + 0.5 * run.seed}
    return None if run.seed == 2 else {"fgsm_accuracy": 0.2, "lambda1": 200.0 + run.seed}


FAILS = {
    "drops": case_of(Curve(M1_MNIST, BENCHMARK, FGSM), holds_if=Drops(points(5))),
    "rises": case_of(CURVED, holds_if=Rises(factor(2))),
    "changes less": case_of(Curve(M1_MNIST, LR_BS(), LAMBDA1), CURVED, holds_if=ChangesLess(factor(2))),
    "differs": case_of(OF_OTHERS, holds_if=Differs(factor(2))),
}


@pytest.mark.parametrize("case", FAILS.values(), ids=FAILS)
def test_what_fails_without_the_batch_size_that_it_rests_on_does_not_fail(tmp_path: Path, case: Case) -> None:
    found = judged(tmp_path, case, ends_apart)
    assert found.word == "inconclusive"
    assert found.decision.reason == "it fails without batch size 1024, where a run diverged and has no value"


def test_recipes_at_the_largest_batch_size_are_not_compared_at_another(tmp_path: Path) -> None:
    case = case_of(Curve(M1_MNIST, LR_BS(), LAMBDA1), CURVED, holds_if=Lower(factor(2)))
    found = judged(tmp_path, case, lambda run: ends_apart(run) if is_of(run, BENCHMARK) else {"lambda1": 20.0})
    assert found.effect == "1 of 6 runs have no value (1 diverged)"
    assert found.matched is not None
    assert found.matched.entry.outcome is found.decision.outcome


@pytest.mark.parametrize(
    "case", [case_of(CURVED, holds_if=Rises(factor(2))), case_of(CURVED, holds_if=Drops(factor(2)))], ids=["up", "down"]
)
def test_a_change_over_the_grid_does_not_rest_on_what_lies_between_its_ends(tmp_path: Path, case: Case) -> None:
    def rising(run: Run) -> dict[str, float] | None:
        return None if run.batch_size == 256 else {"lambda1": 0.5 * run.batch_size + 0.01 * run.seed}

    found = judged(tmp_path, case, rising)
    assert found.word == ("reproduced" if isinstance(case.holds_if, Rises) else "not reproduced")
    assert found.notes[0] == "without batch size 256, where a run diverged and has no value"


BREAKS = {
    "flat": case_of(Curve(M1_MNIST, BENCHMARK, FGSM), holds_if=Flat(points(5))),
    "not worse": case_of(Curve(M1_MNIST, BENCHMARK, FGSM), holds_if=NotWorse(points(5))),
    "as printed": case_of(OF_OTHERS, holds_if=Matches(factor(2))),
}


@pytest.mark.parametrize("case", BREAKS.values(), ids=BREAKS)
def test_two_batch_sizes_that_differ_are_enough_for_a_curve_not_to_be_flat(tmp_path: Path, case: Case) -> None:
    def falling(run: Run) -> dict[str, float] | None:
        low = run.batch_size > 64
        return None if at_1024(run) else {"fgsm_accuracy": 0.4 if low else 0.8, "lambda1": 90.0 if low else 20.0}

    assert judged(tmp_path, case, falling).word == "not reproduced"


def test_one_printed_number_that_is_missed_is_enough_to_differ(tmp_path: Path) -> None:
    case = case_of(OF_OTHERS, holds_if=Differs(factor(2)))
    assert judged(tmp_path, case, lambda run: None if at_1024(run) else {"lambda1": 90.0 + run.seed}).reproduced


@pytest.mark.parametrize(("accuracy", "word"), [(0.20, "not learnt"), (0.21, "reproduced")])
def test_only_networks_no_better_than_chance_decide_nothing_at_the_papers_scale(
    tmp_path: Path, accuracy: float, word: str
) -> None:
    case = case_of(Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Flat(points(5)))
    found = judged(tmp_path, case, lambda run: steady(run) | {"train_accuracy": accuracy})
    assert found.word == word
    if word == "not learnt":
        assert "no more than 20% training accuracy" in found.decision.reason


def test_a_recipe_is_not_compared_with_itself(tmp_path: Path) -> None:
    """At batch size 64 a constant ratio sets the very rate of the fixed one: those are the same runs."""
    here = under(PAPER.overridden(seeds=3, batch_sizes=(16, 64)))
    case = case_of(Curve(M1_MNIST, LR_BS(), LAMBDA1), Curve(M1_MNIST, LR(), LAMBDA1), holds_if=Lower(factor(2)))
    found = judge(case, fill(Store(tmp_path), case.runs(here), steady, here.reading(M1_MNIST)), here)
    assert found.inconclusive
    assert found.effect == "these are the same runs, at batch size 64"
