"""How much work a plain script has, and a session, and what is planned for a fleet."""

from pathlib import Path

import pytest

from benchmarks.sessions import fleet, plain, whole
from benchmarks.sessions.full_store import jobs
from benchmarks.sessions.session import ROOT
from repro.cli.checkout import Checkout
from repro.cli.collecting import collect
from repro.experiment.datasets import DATASETS
from repro.experiment.recipes import LR
from repro.experiment.regimes import PAPER, QUICK
from repro.experiment.tasks import STDCNN_FASHION, STDCNN_MNIST, TASKS
from repro.runs.conditions import Conditions
from repro.runs.run import Job, Run
from repro.runs.store import Store
from repro.science.data.sources import Source
from repro.verdicts.curves import FGSM, LAMBDA1, PGD
from repro.verdicts.plan import make_plan

LINES = 6 * 3 + 4 * 4 + 4 * 2  # of the figures of one measure: settings on six tasks, momenta on four, twice
COST = {"training": 10.0, "clean": 1.0, "fgsm": 2.0, "pgd": 3.0, "lambda1": 4.0}
PLACE = (STDCNN_MNIST, 64)
READING = PAPER.scale(STDCNN_MNIST).reading


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    sources = {name: Source(name, "published", Path("/data")) for name in DATASETS}
    return Conditions(QUICK.overridden(seeds=3), sources, "cpu")


def test_a_plain_script_trains_each_point_of_each_figure(conditions: Conditions) -> None:
    found = plain.points(conditions)
    assert set(found) == {(task, size) for task in TASKS.values() for size in QUICK.scale(task).batch_sizes}
    for measure in (FGSM, PGD, LAMBDA1):
        assert sum(counts[measure] for counts in found.values()) == LINES * 2 * 3
    assert found[STDCNN_FASHION, 16] == {FGSM: 9, PGD: 9, LAMBDA1: 9}
    assert found[STDCNN_MNIST, 8] == {FGSM: 27, PGD: 27, LAMBDA1: 27}


def test_its_time_is_a_training_for_each_point_and_what_the_point_shows() -> None:
    assert plain.total({FGSM: 1}, COST) == 13
    assert plain.total({PGD: 1}, COST) == 14
    assert plain.total({LAMBDA1: 1}, COST) == 14
    assert plain.total({FGSM: 2, PGD: 3, LAMBDA1: 4}, COST) == 2 * 13 + 3 * 14 + 4 * 14
    assert whole.shared({PLACE: 6}, {PLACE: COST}) == 6 * 20


def test_a_session_makes_the_runs_of_the_plan(conditions: Conditions, tmp_path: Path) -> None:
    found = whole.runs_of(conditions)
    plan = make_plan(collect(Checkout(ROOT)).values(), conditions, Store(tmp_path))
    assert found.total() == len(plan.runs)
    assert set(found) == set(plain.points(conditions))
    assert set(jobs(conditions)) == set(plan.jobs)


def plain_runs(count: int) -> list[Run]:
    where = fleet.conditions()
    return [where.run(STDCNN_MNIST, LR(), 64, seed) for seed in range(count)]


def test_a_fleet_takes_the_slowest_first_and_is_set_against_what_no_order_beats() -> None:
    """Two workers: 4 beside 3 and 1 end after 4 seconds, as half of the work does; some other orders take 5."""
    runs = plain_runs(3)
    found = fleet.row({Job(run, READING): seconds for run, seconds in zip(runs, (4.0, 3.0, 1.0), strict=True)}, 2)
    assert (found["workers"], found["makespan"], found["lower_bound"], found["idle"]) == (2, 4.0, 4.0, 0.0)
    assert found["ratio"] == 1.0
    assert found["longest_run"] == 4.0
    assert found["arbitrary_makespan"] in (4.0, 5.0)


def test_a_fleet_has_ten_thousand_runs(tmp_path: Path) -> None:
    where = fleet.conditions()
    plan = make_plan(collect(Checkout(ROOT)).values(), where, Store(tmp_path))
    told = fleet.about(plan)
    assert (told["runs"], told["checkpoints"], told["jobs"]) == (10_080, 11_340, 33_012)
