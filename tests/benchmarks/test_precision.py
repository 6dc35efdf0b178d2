"""How runs in two precisions are compared."""

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.sessions import precision
from benchmarks.sessions.precision import Shift, Twins, saved, shift_of, shifts, twins
from repro.experiment.precisions import BFLOAT16
from repro.experiment.recipes import LR, LR_BS
from repro.experiment.regimes import QUICK
from repro.experiment.tasks import DATASETS, M1_MNIST, STDCNN_MNIST
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.science.data.sources import Source
from repro.verdicts.curves import LAMBDA1, MEASURES, TEST_ACCURACY


@pytest.fixture
def where() -> Conditions:
    return Conditions(QUICK, {name: Source(name, "published", Path("/data")) for name in DATASETS}, "cpu")


def pair(run: Run, strict: float, lower: float, seconds: tuple[float, float] = (2.0, 1.0)) -> Twins:
    return Twins(run, strict, lower, seconds)


def put(store: Store, run: Run, where: Conditions, value: float | None, seconds: float) -> None:
    store.put_run(run, {"seconds": seconds, "diverged": value is None}, lambda path: path.touch())
    reading = where.reading(run.task)
    measures = {} if value is None else dict.fromkeys(MEASURES, value)
    store.put_measures(run, reading, {"reading": asdict(reading), "measures": measures, "seconds": 1.0})


def test_a_shift_is_the_mean_over_runs_against_the_spread_over_seeds(where: Conditions) -> None:
    runs = [where.run(STDCNN_MNIST, LR(), size, seed) for size in (64, 256) for seed in (0, 1)]
    # 90 and 92% at 64, 80 and 86% at 256: variances of 2 and 18, each of one degree of freedom
    found = [
        pair(run, s, s + d) for run, s, d in zip(runs, (0.90, 0.92, 0.80, 0.86), (0.01, 0.03, 0.01, 0.03), strict=True)
    ]
    shift = shift_of(TEST_ACCURACY, found)
    assert shift.runs == 4
    assert shift.mean == pytest.approx(2.0)
    assert shift.seed_sd == pytest.approx(math.sqrt(10))
    half = 2.353363 * math.sqrt(4 / 3) / 2  # t of 3 degrees of freedom at 95%, times the standard error
    assert (shift.low, shift.high) == (pytest.approx(2 - half), pytest.approx(2 + half))
    assert shift.says == "not certain"


def test_curvature_is_compared_by_factors(where: Conditions) -> None:
    found = [pair(where.run(STDCNN_MNIST, LR(), 64, seed), top, 2 * top) for seed, top in enumerate((1.0, 10.0))]
    shift = shift_of(LAMBDA1, found)
    assert shift.mean == pytest.approx(math.log(2))
    assert shift.seed_sd == pytest.approx(math.log(10) / math.sqrt(2))


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (-0.9, 0.9, "within seed noise"),
        (0.2, 0.9, "within seed noise"),  # not zero, and harmless
        (-1.1, 0.5, "not certain"),
        (0.5, 1.1, "not certain"),
        (1.1, 2.0, "beyond seed noise"),
        (-2.0, -1.1, "beyond seed noise"),
        (-math.inf, math.inf, "not certain"),
    ],
)
def test_a_shift_is_harmless_only_where_it_is_surely_so(low: float, high: float, says: str) -> None:
    assert Shift(3, 0.0, low, high, seed_sd=1.0).says == says


def test_without_a_second_seed_nothing_is_known(where: Conditions) -> None:
    found = [pair(where.run(STDCNN_MNIST, LR(), size, 0), 0.9, 0.9) for size in (64, 256)]
    assert shift_of(TEST_ACCURACY, found).says == "not certain"


def test_twins_are_the_same_run_in_both_stores(where: Conditions, tmp_path: Path) -> None:
    strict, lower = Store(tmp_path / "strict"), Store(tmp_path / "lower")
    runs = [where.run(STDCNN_MNIST, recipe, 256, seed) for recipe in (LR(), LR_BS()) for seed in (0, 1)]
    values = [(0.9, 0.8), (None, 0.8), (0.7, None), (0.6, 0.65)]
    for store in (strict, lower):
        store.prepare()
    for run, (one, other) in zip(runs, values, strict=True):
        put(strict, run, where, one, seconds=3.0)
        put(lower, replace(run, precision=BFLOAT16), where, other, seconds=2.0)
    put(strict, where.run(M1_MNIST, LR(), 64, 0), where, 0.9, seconds=3.0)  # the other session did not come to it
    put(strict, replace(runs[0], steps=5), where, 0.5, seconds=3.0)  # a checkpoint
    put(lower, replace(runs[0], steps=5, precision=BFLOAT16), where, 0.5, seconds=3.0)
    found = twins(TEST_ACCURACY, strict, lower, where)
    assert {pair.run: pair for pair in found} == {
        runs[0]: pair(runs[0], 0.9, 0.8, (3.0, 2.0)),
        runs[3]: pair(runs[3], 0.6, 0.65, (3.0, 2.0)),
    }


def test_what_is_saved_is_told_by_task_and_batch_size(where: Conditions) -> None:
    small, large = (where.run(M1_MNIST, LR(), size, 0) for size in (64, 256))
    found = [pair(small, 0, 0, (2.0, 2.0)), pair(small, 0, 0, (4.0, 2.0)), pair(large, 0, 0, (6.0, 2.0))]
    assert saved(found) == {"M1-MNIST, batch size 64": 1.5, "M1-MNIST, batch size 256": 3.0}


def test_each_task_has_a_row(where: Conditions) -> None:
    found = [
        pair(where.run(task, LR(), 64, seed), 0.5 + 0.1 * seed, 0.5 + 0.1 * seed)
        for task in (M1_MNIST, STDCNN_MNIST)
        for seed in (0, 1)
    ]
    rows = shifts(TEST_ACCURACY, found)
    assert [row["task"] for row in rows] == ["M1-MNIST", "StdCNN-MNIST"]
    assert {row["says"] for row in rows} == {"within seed noise"}
    assert all(row["mean"] == 0 and row["runs"] == 2 for row in rows)


def test_two_real_sessions_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    small = ("--epochs=1", "--train-images=128", "--test-images=64", "--attacked-images=16", "--hessian-images=16")
    claims = ("--task=StdCNN-MNIST", "-k", "benchmark-generalisation-drops", "--pgd-steps=2", "--batch-sizes=64,128")
    monkeypatch.setattr(precision, "OPTIONS", ("--quick", "--seeds=2", *small, *claims))
    result = precision.measure()
    assert result.figures["wall"].value > 0
    assert [(row["measure"], row["runs"]) for row in result.facts["shifts"]] == [(name, 4) for name in MEASURES]
    assert {*result.facts["training_takes_less_time_by"]} == {f"StdCNN-MNIST, batch size {n}" for n in (64, 128)}
    assert result.facts["verdicts"]["of"] == 1
    json.dumps(result.facts, allow_nan=False)  # as it is stored
