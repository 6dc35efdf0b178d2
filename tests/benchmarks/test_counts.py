"""What the plain script's work and ours are counted as."""

import math
from pathlib import Path

import pytest

from benchmarks import plain
from benchmarks.full_store import jobs
from benchmarks.plain import Points
from benchmarks.sessions import ROOT
from benchmarks.whole import Account, Made, account, checkpoints_of, made
from repro.cli.checkout import Checkout
from repro.cli.collecting import collect
from repro.experiment.readings import Reading
from repro.experiment.recipes import LR
from repro.experiment.regimes import QUICK
from repro.experiment.tasks import DATASETS, STDCNN_FASHION, STDCNN_MNIST, TASKS
from repro.runs.conditions import Conditions
from repro.runs.store import Store
from repro.science.data.sources import Source
from repro.verdicts.plan import make_plan

LINES = 6 * 3 + 4 * 4 + 4 * 2  # of the figures of one measure: settings on six tasks, momenta on four, twice
COST = {"training": 10.0, "clean": 1.0, "fgsm": 2.0, "pgd": 3.0, "lambda1": 4.0}
OWN = {"run": 12.0, "bare": 10.0, "checkpoint": 3.0, "transfer": 1.0}
PLACE = (STDCNN_MNIST, 64)


@pytest.fixture(scope="module")
def conditions() -> Conditions:
    sources = {name: Source(name, "published", Path("/data")) for name in DATASETS}
    return Conditions(QUICK.overridden(seeds=3), sources, "cpu")


def test_a_plain_script_trains_each_point_of_each_figure(conditions: Conditions) -> None:
    found = plain.points(conditions)
    assert set(found) == {(task, size) for task in TASKS.values() for size in (64, 256)}
    assert len(found) == 12
    for count in (
        [n.fgsm for n in found.values()],
        [n.pgd for n in found.values()],
        [n.lambda1 for n in found.values()],
    ):
        assert sum(count) == LINES * 2 * 3
    assert found[STDCNN_FASHION, 64] == Points(9, 9, 9)
    assert found[STDCNN_MNIST, 64] == Points(27, 27, 27)
    assert found[STDCNN_MNIST, 64].all == 81


def test_its_time_is_a_training_for_each_point_and_what_the_point_shows() -> None:
    assert plain.total(Points(1, 0, 0), COST) == 13
    assert plain.total(Points(0, 1, 0), COST) == 14
    assert plain.total(Points(0, 0, 1), COST) == 14
    assert plain.total(Points(2, 3, 4), COST) == 2 * 13 + 3 * 14 + 4 * 14


def test_ours_is_what_the_plan_has(conditions: Conditions, tmp_path: Path) -> None:
    wanted = jobs(conditions)
    found = made(wanted)
    plan = make_plan(collect(Checkout(ROOT)).values(), conditions, Store(tmp_path))
    assert sum(n.runs for n in found.values()) == len(plan.runs)
    assert sum(n.checkpoints for n in found.values()) == len(plan.checkpoints)
    transfers = {job.run for job in plan.jobs if job.kind == "transfer"}
    assert sum(n.transfers for n in found.values()) == len(transfers) > 0
    assert set(found) == set(plain.points(conditions))
    assert isinstance(wanted[0][1], Reading)


def test_the_checkpoints_of_a_run_are_its_earlier_states_each_once(conditions: Conditions) -> None:
    small, large = (conditions.run(STDCNN_MNIST, LR(), size, 0) for size in (64, 256))
    wanted = jobs(conditions)
    (earlier,) = checkpoints_of(small, [*wanted, *wanted])
    assert earlier.whole == small != earlier
    assert checkpoints_of(large, wanted) == ()


def test_the_factors_multiply_to_the_ratio() -> None:
    found = account({PLACE: Points(6, 6, 6)}, {PLACE: Made(6, 2, 6)}, {PLACE: (COST, OWN)}, 5.0, 1.6)
    assert found == Account(
        script=6 * 13 + 6 * 14 + 6 * 14, script_sharing=6 * 20, bare=60, ours=6 * 12 + 2 * 3 + 6 + 5, wall=89 / 1.6
    )
    assert math.prod(found.factors.values()) == pytest.approx(found.script / found.wall)
    assert found.factors["scheduling"] == pytest.approx(1.6)
