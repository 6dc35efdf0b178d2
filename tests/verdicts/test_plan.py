"""A plan: each run that a selection of claims needs, once, the slowest first, and what the session will take."""

import platform
import random
import subprocess
import sys
from dataclasses import asdict, astuple, replace
from pathlib import Path

import pytest
from planned import COLOURED, FLATTER, NEITHER, ROBUST, TRANSFER, WHERE, stored_whole
from worlds import CLAIMS, READING, case_of, conditions, fill, prepared, under

from repro.experiment.readings import Reading
from repro.experiment.recipes import LR
from repro.experiment.tasks import RESNET18_CIFAR10
from repro.runs.costs import Costs, took
from repro.runs.rates import BUILT_IN, Speed
from repro.runs.run import Run
from repro.runs.store import Store
from repro.verdicts.curves import FGSM, Curve
from repro.verdicts.plan import Plan, make_plan, table


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
    assert set(plan.lacking) == {run for run, _ in plan.missing} == set(ROBUST.runs(WHERE)) - set(stored)
    assert len(plan.jobs) == 9 + 9
    assert plan.seconds == pytest.approx(sum(plan.lacking.values())) == pytest.approx(sum(plan.missing.values()))
    assert plan.missing == {job: seconds for job, seconds in Costs().of(plan.jobs).items() if job.run not in stored}


def test_a_run_that_is_measured_otherwise_is_missing(tmp_path: Path) -> None:
    store = stored_whole(tmp_path, ROBUST.runs(WHERE))
    regime = WHERE.regime.overridden(reading=type(READING)(512, 64, 40, 64))
    plan = make_plan([ROBUST], under(regime), store)
    assert tuple(plan.missing) == plan.jobs
    assert len(plan.jobs) == 9 + 9
    assert plan.counts(plan.runs) == (9, 0)


def test_the_slowest_runs_come_first(tmp_path: Path) -> None:
    slow = case_of(Curve(RESNET18_CIFAR10, LR(), FGSM), holds_if=NEITHER, axes=("d",))
    plan = make_plan([ROBUST, slow, COLOURED], WHERE, Store(tmp_path))
    trained = [str(run.task) for run, reading in plan.jobs if reading == READING]
    assert trained == ["ResNet18-CIFAR10"] * 9 + ["C1-CIFAR10"] * 9 + ["M1-MNIST"] * 9
    seconds = [plan.missing[job] for job in plan.jobs]
    assert seconds == sorted(seconds, reverse=True)


def test_the_plan_is_the_same_in_every_process(tmp_path: Path) -> None:
    there = make_plan([COLOURED, FLATTER, ROBUST], WHERE, Store(tmp_path))
    here = make_plan([ROBUST, FLATTER, COLOURED], WHERE, Store(tmp_path))
    assert here.jobs == there.jobs


@pytest.mark.parametrize(
    ("stored", "end"),
    [
        (0, "18 runs, 0 trained, 0 measured; the rest takes about 33 seconds on one core of a CPU"),
        (9, "18 runs, 9 trained, 9 measured; the rest takes about 12 seconds on one core of a CPU"),
        (18, "2 claim tests on 2 curves need 18 runs, 18 trained, 18 measured"),
    ],
)
def test_the_summary_is_one_line(tmp_path: Path, stored: int, end: str) -> None:
    runs = [*COLOURED.runs(WHERE), *ROBUST.runs(WHERE)]
    plan = priced(make_plan([ROBUST, COLOURED], WHERE, stored_whole(tmp_path, runs[:stored])))
    line = plan.summary()
    assert "\n" not in line
    assert line.endswith(end)


def test_the_summary_tells_what_each_device_is_at(tmp_path: Path) -> None:
    """Not the sum of both, which are at work side by side."""
    mixed = replace(WHERE, device="cpu,C1-CIFAR10=cuda")
    line = priced(make_plan([ROBUST, COLOURED], mixed, Store(tmp_path))).summary()
    assert line.endswith("the rest takes about 12 seconds on one core of a CPU and 21 seconds on one GPU")


def priced(plan: Plan) -> Plan:
    """The plan at round prices: C1's nine runs take 21 seconds together, M1's 12, other readings nothing.

    Beside them a session takes 6 seconds to start, and less than half a one for two verdicts and three figures.
    """
    seconds = {"M1-MNIST": 12 / 9, "C1-CIFAR10": 21 / 9}
    return replace(plan, missing={job: seconds[str(job.run.task)] * (job.reading == READING) for job in plan.missing})


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        (1, "the session takes about 39 seconds on 1 process"),
        (3, "the session takes about 17 seconds on 3 processes"),
        (18, "the session takes about 8 seconds on 18 processes; its longest run takes 2 seconds of that, "),
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
    firsts = {job.run: seconds for job, seconds in plan.missing.items() if job.kind == "train"}
    assert [*firsts][-1] == stored
    to_train = {run: Costs().seconds(run) for run in firsts}
    to_read = {run: seconds - (run != stored) * to_train[run] for run, seconds in firsts.items()}
    assert [*to_read.values()] == pytest.approx([to_read[stored]] * len(firsts))


def test_the_plan_tells_runs_that_are_trained_from_those_that_are_measured_too(tmp_path: Path) -> None:
    """Measured is what lacks no reading: three runs do; two lack that of two seeds together, and two more lack all."""
    runs = ROBUST.runs(WHERE)
    store = fill(stored_whole(tmp_path, runs[:3]), runs[3:5])
    for run in runs[5:7]:
        store.put_run(run, {}, lambda path: path.touch())
    plan = make_plan([ROBUST], WHERE, store)
    assert "needs 9 runs, 7 trained, 3 measured; the rest takes about" in plan.summary()
    (((*_, of, trained, measured, _),),) = table(plan, WHERE)
    assert (of, trained, measured) == ("9", "7", "3")


def test_the_plan_counts_with_the_speeds_that_it_is_given(tmp_path: Path) -> None:
    slow = {name: Speed(*(10 * seconds for seconds in astuple(speed))) for name, speed in BUILT_IN.items()}
    there = make_plan([ROBUST], WHERE, Store(tmp_path), Costs(speeds=slow))
    assert there.seconds == pytest.approx(10 * make_plan([ROBUST], WHERE, Store(tmp_path)).seconds)


def test_once_runs_of_this_machine_are_stored_the_rest_is_predicted_within_a_fifth(tmp_path: Path) -> None:
    """It trains M1 three times as slowly as the table says and measures it twice as fast, each time a bit otherwise."""
    where, noise = conditions(seeds=9), random.Random(0)

    def takes(run: Run, reading: Reading | None) -> float:
        return Costs().seconds(run, reading) * (3 if reading is None else 0.5) * noise.uniform(0.6, 1.4)

    store = prepared(tmp_path)
    for job in make_plan([ROBUST], WHERE, Store(tmp_path)).jobs:
        if job.kind == "train":
            record = {"machine": platform.node(), "diverged": False, "seconds": takes(job.run, None)}
            store.put_run(job.run, record, lambda path: path.touch())
        measures = {"reading": asdict(job.reading), "measures": {}, "seconds": takes(*job)}
        store.put_measures(job.run, job.reading, measures)
    costs = Costs(took(store, "cpu", platform.node()))
    plan = make_plan([ROBUST], where, store, costs)
    assert plan.counts(plan.runs)[1] == 9
    trained = sum(takes(job.run, None) for job in plan.missing if job.kind == "train")
    whole = trained + sum(takes(*job) for job in plan.missing)
    assert plan.seconds == pytest.approx(whole, rel=0.2)
    assert make_plan([ROBUST], where, store).seconds < 0.7 * whole  # what the table says of it
    assert costs.says == "what 9 runs took on this machine"


def test_a_session_without_claims_needs_nothing(tmp_path: Path) -> None:
    plan = make_plan([], WHERE, Store(tmp_path))
    assert plan.summary() == "0 claim tests on 0 curves need 0 runs, 0 trained, 0 measured"
    assert not table(plan, WHERE)


def test_planning_looks_at_the_store_and_touches_nothing(tmp_path: Path) -> None:
    root = tmp_path / "store"
    make_plan([ROBUST], WHERE, Store(root))
    assert not root.exists()


def test_planning_all_claims_needs_neither_torch_nor_matplotlib(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1])\n"
        "from worlds import conditions, declared\n"
        "from repro.verdicts.plan import make_plan, table\n"
        "from repro.runs.store import Store\n"
        "cases = [case for test in declared() for case in test.cases]\n"
        "plan = make_plan(cases, conditions(), Store(pathlib.Path(sys.argv[2])))\n"
        "print(len(plan.summary()) > 0, len(table(plan, conditions())) > 0)\n"
        "print(sorted({'torch', 'matplotlib'} & set(sys.modules)))"
    )
    arguments = [sys.executable, "-c", program, str(CLAIMS.parent / "tests"), str(tmp_path)]
    done = subprocess.run(arguments, cwd=CLAIMS.parent, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["True True", "[]"]
