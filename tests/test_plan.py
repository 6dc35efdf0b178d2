import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from worlds import CLAIMS, READING, conditions, declared, fill, fill_transfer, under

from repro.claims import Case
from repro.costs import job_seconds, span, training_seconds
from repro.curves import FGSM, LAMBDA1, Curve
from repro.plan import Plan, lines, make_plan, sharing, table
from repro.rates import BUILT_IN, GRADIENTS_PER_SECOND, proportional
from repro.regimes import PAPER
from repro.runs import Run
from repro.science.readings import of_checkpoints, transfer
from repro.science.recipes import BENCHMARK, LR, LR_BS
from repro.science.tasks import C1_CIFAR10, M1_MNIST, RESNET18_CIFAR10, SHOWN_WITH_MOMENTA, TASKS
from repro.statistics.estimands import Compares
from repro.statistics.trends import Drops
from repro.store import Store

WHERE = conditions()
AT_CHECKPOINTS, TRANSFER = of_checkpoints(READING), transfer(READING)
CLAIM = next(test.claim for test in declared() if test.claim.holds_if.compares is Compares.NEITHER)
DROPS = next(test.claim for test in declared() if isinstance(test.claim.holds_if, Drops))
ROBUST = Case(CLAIM, M1_MNIST, ("a",), (Curve(M1_MNIST, LR(), FGSM),))
FLATTER = Case(CLAIM, M1_MNIST, ("b",), (Curve(M1_MNIST, LR_BS(), LAMBDA1), Curve(M1_MNIST, LR(), LAMBDA1)))
COLOURED = Case(CLAIM, C1_CIFAR10, ("c",), (Curve(C1_CIFAR10, BENCHMARK, FGSM),))
# LR comes to 4, 2 and 1 times the same training amount at 64, 128 and 256; LR/BS to the same everywhere
COMPARED = Case(DROPS, M1_MNIST, ("e",), ROBUST.curves)
ALIKE = Case(DROPS, M1_MNIST, ("f",), (Curve(M1_MNIST, LR_BS(), FGSM),))


def stored_whole(root: Path, runs: Iterable[Run]) -> Store:
    """A store of runs that were measured alone and together with the same run of another seed."""
    runs = list(runs)
    return fill_transfer(fill(Store(root), runs), (run for run in runs if run is run.whole))


def test_each_run_is_planned_once_however_many_claims_need_it(tmp_path: Path) -> None:
    plan = make_plan([ROBUST, FLATTER, FLATTER], WHERE, Store(tmp_path))
    first = [run for run, reading in plan.jobs if reading == READING]
    assert len(first) == len(set(first)) == 2 * 9 - 3
    assert set(first) == {*ROBUST.runs(WHERE), *FLATTER.runs(WHERE)}
    assert len(plan.jobs) == len(set(plan.jobs))
    assert {job for job in plan.jobs if job[1] != READING} == {(run, TRANSFER) for run in ROBUST.runs(WHERE)}
    assert len(plan.curves) == 3


def test_what_is_stored_is_not_missing(tmp_path: Path) -> None:
    stored = ROBUST.runs(WHERE)[:4]
    plan = make_plan([ROBUST], WHERE, stored_whole(tmp_path, stored))
    assert set(plan.missing_runs) == {run for run, _ in plan.missing} == set(ROBUST.runs(WHERE)) - set(stored)
    assert len(plan.jobs) == 9 + 9
    assert plan.seconds == pytest.approx(sum(job_seconds(*job) for job in plan.missing))


def test_a_run_that_is_measured_otherwise_is_missing(tmp_path: Path) -> None:
    store = stored_whole(tmp_path, ROBUST.runs(WHERE))
    regime = WHERE.regime.overridden(reading=type(READING)(512, 64, 40, 64))
    plan = make_plan([ROBUST], under(regime), store)
    assert tuple(plan.missing) == plan.jobs
    assert len(plan.jobs) == 9 + 9


def test_a_claim_that_compares_batch_sizes_needs_checkpoints_of_its_runs_and_no_further_run(tmp_path: Path) -> None:
    plan = make_plan([COMPARED, COMPARED, ROBUST], WHERE, Store(tmp_path))
    assert plan.runs == make_plan([ROBUST], WHERE, Store(tmp_path)).runs
    assert sorted((run.batch_size, run.last_step, run.seed) for run in plan.checkpoints) == [
        *((64, 8, seed) for seed in range(3)),
        *((128, 8, seed) for seed in range(3)),
    ]
    assert {run.whole for run in plan.checkpoints} < set(plan.runs)
    assert len(plan.jobs) == len(set(plan.jobs)) == 9 + 9 + 6
    assert "need 9 runs and 6 checkpoints of them, 0 stored; the other 9 take about" in plan.summary()


def test_where_learning_rate_follows_batch_size_no_checkpoint_is_needed(tmp_path: Path) -> None:
    plan = make_plan([ALIKE], WHERE, Store(tmp_path))
    assert plan.checkpoints == []
    assert len(plan.jobs) == 9 + 9
    assert "needs 9 runs, 0 stored" in plan.summary()


def test_at_the_paper_s_scale_all_claims_need_its_800_runs_and_510_checkpoints(tmp_path: Path) -> None:
    paper = under(PAPER)
    plan = make_plan([case for test in declared() for case in test.cases], paper, Store(tmp_path))
    assert (len(plan.runs), len(plan.checkpoints)) == (800, 510)
    assert len({(curve.task, curve.recipe) for curve in plan.curves}) == len(lines(plan, paper)) == 34
    assert all(0 < run.last_step < run.whole.last_step for run in plan.checkpoints)


def test_a_checkpoint_of_a_run_that_is_trained_costs_its_measures_alone(tmp_path: Path) -> None:
    plan = make_plan([COMPARED], WHERE, Store(tmp_path))
    whole = make_plan([ROBUST], WHERE, Store(tmp_path)).seconds
    measured = sum(job_seconds(run, AT_CHECKPOINTS) - training_seconds(run) for run in plan.checkpoints)
    assert plan.seconds == pytest.approx(whole + measured)
    assert measured > 0


def test_a_checkpoint_of_a_run_that_is_stored_costs_its_training_too(tmp_path: Path) -> None:
    plan = make_plan([COMPARED], WHERE, stored_whole(tmp_path, ROBUST.runs(WHERE)))
    assert {run for run, _ in plan.missing} == set(plan.checkpoints)
    assert plan.seconds == pytest.approx(sum(job_seconds(run, AT_CHECKPOINTS) for run in plan.checkpoints))
    # each of six runs lacks something
    assert "needs 9 runs and 6 checkpoints of them, 3 stored; the other 6 take about" in plan.summary()


def test_a_stored_run_that_only_lacks_a_reading_leaves_no_checkpoint(tmp_path: Path) -> None:
    here = replace(WHERE, readings=("pgd-10-restarts-3",))
    plan = make_plan([COMPARED], here, fill(Store(tmp_path), ROBUST.runs(WHERE)))
    assert len(plan.missing) == 6 + 9 + 9  # checkpoints, the reading that is asked for, that of two seeds together
    assert plan.seconds == pytest.approx(sum(job_seconds(*job) for job in plan.missing))


def test_a_stored_run_that_is_measured_anew_is_not_trained_and_leaves_no_checkpoint(tmp_path: Path) -> None:
    harder = under(WHERE.regime.overridden(pgd_steps=40))
    plan = make_plan([COMPARED], harder, stored_whole(tmp_path, ROBUST.runs(WHERE)))
    assert tuple(plan.missing) == plan.jobs
    training = sum(training_seconds(run) for run in ROBUST.runs(WHERE))
    assert plan.seconds == pytest.approx(sum(job_seconds(*job) for job in plan.missing) - training)
    ((*_, cost),) = (row for group in table(plan, harder) for row in group)
    assert cost == span(plan.seconds)


def test_a_checkpoint_that_is_stored_costs_nothing(tmp_path: Path) -> None:
    plan = make_plan([COMPARED], WHERE, stored_whole(tmp_path, COMPARED.runs(WHERE)))
    assert plan.seconds == 0
    assert plan.summary().endswith("needs 9 runs and 6 checkpoints of them, 9 stored")


def test_the_table_counts_the_checkpoints_that_are_missing_with_their_runs(tmp_path: Path) -> None:
    plan = make_plan([COMPARED], WHERE, stored_whole(tmp_path, ROBUST.runs(WHERE)))
    (((*_, runs, stored, cost),),) = table(plan, WHERE)
    assert (runs, stored) == ("9", "3")
    assert cost == span(plan.seconds) != "0 seconds"


def test_the_slowest_runs_come_first(tmp_path: Path) -> None:
    slow = Case(CLAIM, RESNET18_CIFAR10, ("d",), (Curve(RESNET18_CIFAR10, LR(), FGSM),))
    plan = make_plan([ROBUST, slow, COLOURED], WHERE, Store(tmp_path))
    trained = [str(run.task) for run, reading in plan.jobs if reading == READING]
    assert trained == ["ResNet18-CIFAR10"] * 9 + ["C1-CIFAR10"] * 9 + ["M1-MNIST"] * 9
    seconds = [job_seconds(*job) for job in plan.jobs]
    assert seconds == sorted(seconds, reverse=True)
    assert plan.tasks == ["C1-CIFAR10", "M1-MNIST", "ResNet18-CIFAR10"]


def test_the_plan_is_the_same_in_every_process(tmp_path: Path) -> None:
    there = make_plan([COLOURED, FLATTER, ROBUST], WHERE, Store(tmp_path))
    here = make_plan([ROBUST, FLATTER, COLOURED], WHERE, Store(tmp_path))
    assert here.jobs == there.jobs


@pytest.mark.parametrize(
    ("stored", "end"),
    [
        (0, "18 runs, 0 stored; the other 18 take about 33 seconds on one core of a CPU"),
        (9, "18 runs, 9 stored; the other 9 take about 12 seconds on one core of a CPU"),
        (18, "2 claim tests on 2 curves need 18 runs, 18 stored"),
    ],
)
def test_the_summary_is_one_line(tmp_path: Path, stored: int, end: str) -> None:
    runs = [*COLOURED.runs(WHERE), *ROBUST.runs(WHERE)]
    plan = priced(make_plan([ROBUST, COLOURED], WHERE, stored_whole(tmp_path, runs[:stored])))
    line = plan.summary()
    assert "\n" not in line
    assert line.endswith(end)


def priced(plan: Plan) -> Plan:
    """The plan at round prices: C1's nine runs take 21 seconds together, M1's 12, other readings nothing."""
    seconds = {"M1-MNIST": 12 / 9, "C1-CIFAR10": 21 / 9}
    missing = {(run, how): seconds[str(run.task)] * (how == READING) for run, how in plan.missing}
    return replace(plan, missing=missing, rates=replace(BUILT_IN, start=100.0, verdict=10.0, figure=2.0))


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        (1, "the session takes about 2.6 minutes on 1 process"),  # 100 + 2 * 10 + 3 * 2 + 33
        (3, "the session takes about 2.1 minutes on 3 processes"),  # 100 + 20 / 3 + 6 + 11
        (18, "the session takes about 109 seconds on 18 processes; its longest run takes 2 seconds of that, "),
    ],
)
def test_the_prediction_adds_what_the_session_takes_beside_its_runs(
    tmp_path: Path, processes: int, expected: str
) -> None:
    found = priced(make_plan([ROBUST, COLOURED], WHERE, Store(tmp_path)))
    assert found.prediction(processes).startswith(expected)
    assert ("however many processes" in found.prediction(processes)) == (processes == 18)


def test_a_stored_run_that_lacks_a_reading_is_planned_for_that_reading_alone(tmp_path: Path) -> None:
    stored = ROBUST.runs(WHERE)[0]
    plan = make_plan([ROBUST], under(WHERE.regime.overridden(pgd_steps=5)), stored_whole(tmp_path, [stored]))
    firsts = [(run, seconds) for (run, reading), seconds in plan.missing.items() if "accuracy" in reading.parts]
    assert firsts[-1][0] == stored
    assert firsts[-1][1] == pytest.approx(firsts[0][1] - training_seconds(stored))
    assert len({seconds for _, seconds in firsts[:-1]}) == 1


def test_the_plan_counts_with_the_rates_that_it_is_given(tmp_path: Path) -> None:
    slow = {name: {64: proportional(rate / 10)} for name, rate in GRADIENTS_PER_SECOND.items()}
    there = make_plan([ROBUST], WHERE, Store(tmp_path), replace(BUILT_IN, networks=slow))
    assert there.seconds == pytest.approx(10 * make_plan([ROBUST], WHERE, Store(tmp_path)).seconds)


def test_the_table_has_a_row_for_each_recipe_on_each_task_and_sums_that_count_a_shared_run_once(tmp_path: Path) -> None:
    store = stored_whole(tmp_path, ROBUST.runs(WHERE))
    first, second, total = table(make_plan([COLOURED, FLATTER, ROBUST], WHERE, store), WHERE)
    assert [row[:6] for row in first] == [
        ("M1-MNIST", "LR m=0", "64 128 256", "3", "9", "9"),
        ("M1-MNIST", "LR/BS m=0", "64 128 256", "3", "9", "3"),  # those at 64 are fixed LR's
        ("M1-MNIST", "2 lines", "", "", "15", "9"),
    ]
    assert [row[:6] for row in second] == [("C1-CIFAR10", "Benchmark", "64 128 256", "3", "9", "0")]
    assert [row[:6] for row in total] == [("all tasks", "3 lines", "", "", "24", "9")]
    assert first[0][6] == "0 seconds"
    assert first[1][6] == first[2][6] != "0 seconds"


def every_case() -> list[Case]:
    return [case for test in declared() for case in test.cases]


@pytest.mark.parametrize("turned", [False, True])
def test_tasks_and_recipes_stand_in_the_papers_order_whatever_that_of_the_claims(tmp_path: Path, turned: bool) -> None:
    cases = every_case()
    found = lines(make_plan(reversed(cases) if turned else cases, WHERE, Store(tmp_path)), WHERE)
    assert list(dict.fromkeys(str(line.task) for line in found)) == list(TASKS)
    settings = ["LR m=0", "LR/BS m=0", "Benchmark"]
    momenta = ["LR m=0.2", "LR m=0.5", "LR m=0.9", "LR/BS m=0.9"]
    for task in TASKS.values():
        recipes = [str(line.recipe) for line in found if line.task == task]
        assert recipes == settings + (momenta if task in SHOWN_WITH_MOMENTA else [])


def test_a_recipe_that_the_paper_has_not_stands_last(tmp_path: Path) -> None:
    own = Case(CLAIM, M1_MNIST, ("e",), (Curve(M1_MNIST, LR(0.7), FGSM), Curve(M1_MNIST, LR_BS(0.9), FGSM)))
    assert [str(line.recipe) for line in lines(make_plan([own, ROBUST], WHERE, Store(tmp_path)), WHERE)] == [
        *("LR m=0", "LR/BS m=0.9", "LR m=0.7"),
    ]


def test_the_papers_34_lines_have_850_points_that_are_800_runs(tmp_path: Path) -> None:
    where = under(PAPER)
    plan = make_plan(every_case(), where, Store(tmp_path))
    assert sharing(plan, where) == (
        "34 lines with 850 points are 800 distinct runs. At batch size 64 these are the same training: "
        "LR m=0 and LR/BS m=0; LR m=0.9 and LR/BS m=0.9."
    )
    groups = table(plan, where)
    assert [group[-1][1:6] for group in groups] == [
        *(("7 lines", "", "", "165", "0"), ("7 lines", "", "", "165", "0"), ("3 lines", "", "", "70", "0")),
        *(("3 lines", "", "", "70", "0"), ("7 lines", "", "", "165", "0"), ("7 lines", "", "", "165", "0")),
        ("34 lines", "", "", "800", "0"),
    ]
    assert sum(int(row[4]) for group in groups[:-1] for row in group if "lines" not in row[1]) == 850


@pytest.mark.parametrize(
    ("cases", "sizes", "expected"),
    [
        ([ROBUST], (64, 128), "1 line with 6 points are 6 distinct runs: no two lines share one."),
        ([FLATTER], (128, 256), "2 lines with 12 points are 12 distinct runs: no two lines share one."),
        (
            [FLATTER],
            (32, 64),
            "2 lines with 12 points are 9 distinct runs. "
            "At batch size 64 these are the same training: LR m=0 and LR/BS m=0.",
        ),
    ],
)
def test_what_lines_share_is_worked_out_from_their_runs(
    tmp_path: Path, cases: list[Case], sizes: tuple[int, ...], expected: str
) -> None:
    where = conditions(batch_sizes=sizes)
    assert sharing(make_plan(cases, where, Store(tmp_path)), where) == expected


def test_a_session_without_claims_needs_nothing(tmp_path: Path) -> None:
    plan = make_plan([], WHERE, Store(tmp_path))
    assert plan.summary() == "0 claim tests on 0 curves need 0 runs, 0 stored"
    assert not table(plan, WHERE)


def test_planning_looks_at_the_store_and_touches_nothing(tmp_path: Path) -> None:
    root = tmp_path / "store"
    make_plan([ROBUST], WHERE, Store(root))
    assert not root.exists()


def test_planning_all_claims_needs_neither_torch_nor_matplotlib(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1])\n"
        "from worlds import conditions, declared\n"
        "from repro.plan import make_plan, table\n"
        "from repro.store import Store\n"
        "cases = [case for test in declared() for case in test.cases]\n"
        "plan = make_plan(cases, conditions(), Store(pathlib.Path(sys.argv[2])))\n"
        "print(len(plan.summary()) > 0, len(table(plan, conditions())) > 0)\n"
        "print(sorted({'torch', 'matplotlib'} & set(sys.modules)))"
    )
    arguments = [sys.executable, "-c", program, str(CLAIMS.parent / "tests"), str(tmp_path)]
    done = subprocess.run(arguments, cwd=CLAIMS.parent, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["True True", "[]"]
