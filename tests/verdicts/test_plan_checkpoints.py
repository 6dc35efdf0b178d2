"""Checkpoints in a plan: which claims need them, and what they cost beside their runs."""

from dataclasses import replace
from pathlib import Path

import pytest
from planned import ALIKE, AT_CHECKPOINTS, COMPARED, DROPS, ROBUST, WHERE, every_case, stored_whole
from worlds import case_of, fill, under

from repro.experiment.recipes import BENCHMARK
from repro.experiment.regimes import PAPER
from repro.experiment.tasks import M1_MNIST
from repro.runs.costs import Costs
from repro.runs.store import Store
from repro.verdicts.curves import FGSM, Curve
from repro.verdicts.plan import lines, make_plan, table
from repro.words import span

SECONDS = Costs().seconds


def test_a_claim_that_compares_batch_sizes_needs_checkpoints_of_its_runs_and_no_further_run(tmp_path: Path) -> None:
    plan = make_plan([COMPARED, COMPARED, ROBUST], WHERE, Store(tmp_path))
    assert plan.runs == make_plan([ROBUST], WHERE, Store(tmp_path)).runs
    assert sorted((run.batch_size, run.last_step, run.seed) for run in plan.checkpoints) == [
        *((64, 8, seed) for seed in range(3)),
        *((128, 8, seed) for seed in range(3)),
    ]
    assert {run.whole for run in plan.checkpoints} < set(plan.runs)
    assert len(plan.jobs) == len(set(plan.jobs)) == 9 + 9 + 6
    assert "need 9 runs and 6 checkpoints of them, 0 trained, 0 measured; the rest takes about" in plan.summary()


def test_where_learning_rate_follows_batch_size_no_checkpoint_is_needed(tmp_path: Path) -> None:
    plan = make_plan([ALIKE], WHERE, Store(tmp_path))
    assert plan.checkpoints == []
    assert len(plan.jobs) == 9 + 9
    assert "needs 9 runs, 0 trained" in plan.summary()


def test_at_the_paper_s_scale_all_claims_need_its_800_runs_900_checkpoints_and_120_shorter_trainings(
    tmp_path: Path,
) -> None:
    paper = under(PAPER)
    plan = make_plan(every_case(), paper, Store(tmp_path))
    assert (len(plan.runs), len(plan.checkpoints), len(plan.compressed)) == (800, 900, 120)
    assert len({(curve.task, curve.recipe) for curve in plan.curves}) == len(lines(plan, paper)) == 34
    assert all(0 < run.last_step < run.whole.last_step for run in plan.checkpoints)


def test_a_checkpoint_of_a_run_that_is_trained_costs_its_measures_alone(tmp_path: Path) -> None:
    plan = make_plan([COMPARED], WHERE, Store(tmp_path))
    whole = make_plan([ROBUST], WHERE, Store(tmp_path)).seconds
    measured = sum(SECONDS(run, AT_CHECKPOINTS) for run in plan.checkpoints)
    assert plan.seconds == pytest.approx(whole + measured)
    assert measured > 0


def test_a_checkpoint_of_a_run_that_is_stored_costs_its_training_too(tmp_path: Path) -> None:
    plan = make_plan([COMPARED], WHERE, stored_whole(tmp_path, ROBUST.runs(WHERE)))
    assert {run for run, _ in plan.missing} == set(plan.checkpoints)
    assert plan.seconds == pytest.approx(sum(SECONDS(run, AT_CHECKPOINTS) + SECONDS(run) for run in plan.checkpoints))
    # each of six runs lacks something
    assert "needs 9 runs and 6 checkpoints of them, 9 trained, 3 measured; the rest takes about" in plan.summary()


def test_a_stored_run_that_only_lacks_a_reading_leaves_no_checkpoint(tmp_path: Path) -> None:
    here = replace(WHERE, readings=("pgd-10-restarts-3",))
    plan = make_plan([COMPARED], here, fill(Store(tmp_path), ROBUST.runs(WHERE)))
    assert len(plan.missing) == 6 + 9 + 9  # checkpoints, the reading that is asked for, that of two seeds together
    trained = sum(SECONDS(run) for run in plan.checkpoints)
    assert plan.seconds == pytest.approx(sum(SECONDS(*job) for job in plan.missing) + trained)


def test_a_stored_run_that_is_measured_anew_is_not_trained_and_leaves_no_checkpoint(tmp_path: Path) -> None:
    harder = under(WHERE.regime.overridden(pgd_steps=40))
    plan = make_plan([COMPARED], harder, stored_whole(tmp_path, ROBUST.runs(WHERE)))
    assert tuple(plan.missing) == plan.jobs
    trained = sum(SECONDS(run) for run in plan.checkpoints)
    assert plan.seconds == pytest.approx(sum(SECONDS(*job) for job in plan.missing) + trained)
    ((*_, cost),) = (row for group in table(plan, harder) for row in group)
    assert cost == span(plan.seconds)


def test_a_checkpoint_that_is_stored_costs_nothing(tmp_path: Path) -> None:
    plan = make_plan([COMPARED], WHERE, stored_whole(tmp_path, COMPARED.runs(WHERE)))
    assert plan.seconds == 0
    assert plan.summary().endswith("needs 9 runs and 6 checkpoints of them, 9 trained, 9 measured")


def test_the_table_counts_the_checkpoints_that_are_missing_with_their_runs(tmp_path: Path) -> None:
    plan = make_plan([COMPARED], WHERE, stored_whole(tmp_path, ROBUST.runs(WHERE)))
    (((*_, runs, trained, measured, cost),),) = table(plan, WHERE)
    assert (runs, trained, measured) == ("9", "9", "3")
    assert cost == span(plan.seconds) != "0 seconds"


def test_a_schedule_that_decays_is_compressed_in_a_training_of_its_own_which_the_plan_counts(tmp_path: Path) -> None:
    """Benchmark halves its rate after five epochs."""
    longer = under(WHERE.regime.overridden(epochs=10))
    halved = case_of(Curve(M1_MNIST, BENCHMARK, FGSM), holds_if=DROPS)
    plan = make_plan([halved, COMPARED], longer, Store(tmp_path))
    assert plan.checkpoints == [run for run in plan.checkpoints if run.on_the_way]
    assert sorted((run.batch_size, run.last_step) for run in plan.compressed) == [(64, 40)] * 3 + [(128, 40)] * 3
    assert "need 18 runs, 6 checkpoints of them and 6 shorter trainings, 0 trained" in plan.summary()
    alone = make_plan([halved], longer, Store(tmp_path))
    assert "needs 9 runs and 6 shorter trainings, 0 trained" in alone.summary()
    without = sum(seconds for job, seconds in alone.missing.items() if not job.run.compressed)
    more = sum(SECONDS(run) + SECONDS(run, AT_CHECKPOINTS) for run in alone.compressed)
    assert alone.seconds == pytest.approx(without + more)
    ((*_, cost),) = (row for group in table(alone, longer) for row in group)
    assert cost == span(alone.seconds)
