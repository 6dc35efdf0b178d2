import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from repro import trainer
from repro.conditions import Conditions
from repro.curves import FGSM, LAMBDA1, Curve, read_runs
from repro.regimes import QUICK
from repro.runs import Run
from repro.science import measures, surrogate
from repro.science.memory import GPU_SHARE
from repro.science.readings import Reading, transfer
from repro.science.recipes import BENCHMARK, LR_BS, SGD
from repro.science.settings import TrainingSettings
from repro.science.sources import Source
from repro.science.tasks import STDCNN_MNIST
from repro.science.trained_as import HE, UNSTANDARDISED
from repro.store import Store
from repro.workshop import Workshop

ROOT = Path(__file__).parents[1]
READING = Reading(test_images=40, attacked_images=20, pgd_steps=3, hessian_images=32)
RUN = Run(STDCNN_MNIST, LR_BS().sgd(32), 32, 0, 2, 200, "surrogate", "cpu")
OTHER = Run(STDCNN_MNIST, BENCHMARK.sgd(64), 64, 1, 1, None, "surrogate", "cpu")
DIVERGING = replace(RUN, sgd=SGD(1e6, 0.0))


@pytest.fixture(scope="module", autouse=True)
def own_threads() -> Any:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def conditions(tmp_path_factory: pytest.TempPathFactory) -> Conditions:
    """The surrogate of MNIST with a few hundred images."""
    folder = tmp_path_factory.mktemp("surrogate")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surrogate, "TRAIN", 300)
        patch.setattr(surrogate, "TEST", 100)
        surrogate.surrogate("MNIST", folder)
    return Conditions(QUICK, {"MNIST": Source("MNIST", "surrogate", folder)}, "cpu")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    store.prepare()
    return store


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The seeds of the trainings that were begun."""
    begun: list[int] = []
    train = trainer.train

    def counted(model: Any, images: Any, labels: Any, settings: TrainingSettings, **further: Any) -> Any:
        begun.append(settings.seed)
        return train(model, images, labels, settings, **further)

    monkeypatch.setattr(trainer, "train", counted)
    return begun


def measured(store: Store, run: Run, reading: Reading = READING) -> dict[str, Any]:
    found = store.measures(run, reading)
    assert found is not None
    measures: dict[str, Any] = found["measures"]
    return measures


def fingerprint(store: Store, run: Run) -> list[Any]:
    """The weights to the last bit, and the measures."""
    return [hashlib.sha256(store.weights(run).read_bytes()).hexdigest(), measured(store, run)]


def begin_elsewhere(root: Path, conditions: Conditions, runs: list[Run], threads: int) -> subprocess.Popen[bytes]:
    """Another process that makes the runs, and in which torch was used before with so many threads."""
    data = conditions.sources["MNIST"].root
    script = f"""
import torch
from pathlib import Path
from repro import trainer
from repro.conditions import Conditions
from repro.curves import FGSM, LAMBDA1, Curve, read_runs
from repro.regimes import QUICK
from repro.runs import from_spec
from repro.science.readings import Reading, transfer
from repro.science.sources import Source
from repro.store import Store

torch.set_num_threads({threads})
torch.manual_seed({threads})
torch.randn(500, 500) @ torch.randn(500, 500)
store, source = Store(Path({str(root)!r})), Source("MNIST", "surrogate", Path({str(data)!r}))
store.prepare()
conditions = Conditions(QUICK, {{"MNIST": source}}, "cpu")
for spec in {[run.spec for run in runs]!r}:
    trainer.make(from_spec(spec), {READING!r}, store, conditions)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads)}
    return subprocess.Popen([sys.executable, "-c", script], env=environment)


def test_a_run_ends_in_the_same_weights_alone_and_in_two_processes_at_once(
    store: Store, conditions: Conditions, tmp_path: Path
) -> None:
    torch.set_num_threads(2)
    torch.manual_seed(99)
    elsewhere = [(tmp_path / "a", [OTHER, RUN], 1), (tmp_path / "b", [RUN, OTHER], 3)]
    processes = [begin_elsewhere(root, conditions, runs, threads) for root, runs, threads in elsewhere]
    for run in (RUN, OTHER):
        trainer.make(run, READING, store, conditions)
    assert [process.wait() for process in processes] == [0, 0]
    for root, *_ in elsewhere:
        for run in (RUN, OTHER):
            assert fingerprint(Store(root), run) == fingerprint(store, run)


def test_runs_that_differ_end_in_other_weights(store: Store, conditions: Conditions) -> None:
    runs = [RUN, replace(RUN, seed=1), replace(RUN, batch_size=64), replace(RUN, sgd=SGD(0.01, 0.9))]
    runs += [replace(RUN, trained_as=(name,)) for name in (HE, UNSTANDARDISED)]
    for run in runs:
        trainer.make(run, READING, store, conditions)
    assert len({fingerprint(store, run)[0] for run in runs}) == len(runs)


def test_the_precision_is_that_of_the_training_and_all_is_measured_in_float32(
    store: Store, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CPU cannot tell TensorFloat-32 from float32: the settings tell."""
    seen: dict[str, set[str]] = {}

    def watch(name: str) -> None:
        real = getattr(trainer, name)

        def watched(*arguments: Any, **further: Any) -> Any:
            setting = torch.backends.cuda.matmul.fp32_precision
            seen.setdefault(name, set()).add(f"{setting} {torch.is_autocast_enabled('cpu')}")
            return real(*arguments, **further)

        monkeypatch.setattr(trainer, name, watched)

    for name in ("train", "measure_soundly"):
        watch(name)
    runs = {name: replace(RUN, precision=name) for name in ("float32", "tf32", "bfloat16")}
    for run in runs.values():
        trainer.make(run, READING, store, conditions)
    assert seen == {"train": {"ieee False", "tf32 False"}, "measure_soundly": {"ieee False"}}
    weights = {name: fingerprint(store, run)[0] for name, run in runs.items()}
    assert weights["tf32"] == weights["float32"] != weights["bfloat16"]


def test_a_network_that_is_fed_pixels_is_attacked_as_far_in_pixels(
    store: Store, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Departures are one at a time: 0.3 in standardised units for both."""
    attack, sizes = measures.fgsm, []

    def seen(model: Any, x: Any, y: Any, epsilon: float, **further: Any) -> Any:
        adversarial = attack(model, x, y, epsilon, **further)
        sizes.append((adversarial - x).abs().max().item())
        return adversarial

    monkeypatch.setattr(measures, "fgsm", seen)
    for run in (RUN, replace(RUN, trained_as=(UNSTANDARDISED,))):
        trainer.make(run, replace(READING, parts=("attacks",)), store, conditions)
    assert sizes == [pytest.approx(0.3 * 0.3081)] * 4  # two losses each


def test_training_leaves_the_random_state_of_its_caller_alone(store: Store, conditions: Conditions) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    trainer.make(RUN, READING, store, conditions)
    assert torch.equal(torch.rand(3), expected)


def test_the_record_tells_how_the_training_went(store: Store, conditions: Conditions) -> None:
    trainer.make(RUN, READING, store, conditions)
    record = store.record(RUN)
    assert record is not None
    steps = 2 * 7  # epochs of 200 images, batch size 32
    assert record["run"] == RUN.spec
    assert record["steps"] == steps
    assert record["training_amount"] == pytest.approx(steps * 0.01 * 32 / 64)
    assert len(record["losses"]) == 2
    assert record["losses"] == pytest.approx([np.log(10)] * 2, rel=0.1)  # it has hardly begun to learn
    assert record["diverged"] is False
    assert record["torch"] == torch.__version__
    assert record["execution"] == "eager"


def test_another_reading_measures_the_stored_weights_without_training(
    store: Store, conditions: Conditions, tmp_path: Path, trainings: list[int]
) -> None:
    further = replace(READING, attacked_images=30, pgd_steps=4)
    trainer.make(RUN, READING, store, conditions)
    trainer.make(RUN, further, store, conditions)
    assert len(trainings) == 1
    fresh = Store(tmp_path / "fresh")
    fresh.prepare()
    trainer.make(RUN, further, fresh, conditions)
    assert measured(store, RUN, further) == measured(fresh, RUN, further)
    assert measured(store, RUN, READING) != measured(store, RUN, further)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


DAMAGE = {"missing": Path.unlink, "empty": lambda path: path.write_bytes(b""), "cut short": cut_short}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_run_whose_weights_are_lost_or_damaged_is_trained_anew(
    store: Store, conditions: Conditions, trainings: list[int], damage: Any
) -> None:
    further = replace(READING, pgd_steps=4)
    trainer.make(RUN, READING, store, conditions)
    before = store.weights(RUN).read_bytes()
    damage(store.weights(RUN))
    trainer.make(RUN, further, store, conditions)
    assert len(trainings) == 2
    assert store.weights(RUN).read_bytes() == before
    assert store.has(RUN, further)


def test_a_diverging_run_is_recorded_as_such_and_measured_as_nothing(
    store: Store, conditions: Conditions, trainings: list[int]
) -> None:
    for reading in (READING, replace(READING, pgd_steps=4)):
        trainer.make(DIVERGING, reading, store, conditions)
        assert measured(store, DIVERGING, reading) == {}
        assert store.whole(DIVERGING, reading)
    record = store.record(DIVERGING)
    assert record is not None
    assert record["diverged"] is True
    assert record["diverged_at"] in (1, 2)
    assert all(np.isfinite(record["losses"]))
    assert len(trainings) == 1
    json.dumps(record, allow_nan=False)


def same_weights(model: torch.nn.Module, path: Path) -> bool:
    return all(torch.equal(model.state_dict()[name], value) for name, value in load_file(path).items())


def test_transfer_is_measured_from_the_network_of_another_seed(
    store: Store, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = trainer.transfer_accuracy, []

    def watched(source: torch.nn.Module, target: torch.nn.Module, *rest: Any) -> float:
        assert not source.training
        assert not target.training
        where = same_weights(source, store.weights(RUN.sibling)), same_weights(target, store.weights(RUN))
        seen.append((*where, len(rest[0]), real(source, target, *rest)))
        return seen[-1][-1]

    monkeypatch.setattr(trainer, "transfer_accuracy", watched)
    for run in (RUN, RUN.sibling):
        trainer.make(run, READING, store, conditions)
    trainer.make(RUN, transfer(READING), store, conditions)
    ((from_sibling, on_its_own, images, accuracy),) = seen
    assert (from_sibling, on_its_own, images) == (True, True, READING.attacked_images)
    assert measured(store, RUN, transfer(READING)) == {"transfer_accuracy": accuracy}


def test_nothing_is_transferred_from_a_network_that_diverged(store: Store, conditions: Conditions) -> None:
    trainer.make(RUN, READING, store, conditions)
    store.put_run(RUN.sibling, {"diverged": True}, lambda path: shutil.copy(store.weights(RUN), path))
    trainer.make(RUN, transfer(READING), store, conditions)
    assert measured(store, RUN, transfer(READING)) == {}
    assert measured(store, RUN) != {}


@pytest.mark.parametrize("huge", [1e18, 1e30])
def test_a_network_whose_weights_are_finite_and_huge_is_measured_as_nothing_and_counts_as_diverged(
    store: Store, conditions: Conditions, huge: float
) -> None:
    """Training ended before its loss was seen to be no number."""
    trainer.make(RUN, READING, store, conditions)
    weights = {name: value * huge for name, value in load_file(store.weights(RUN)).items()}
    assert all(value.isfinite().all() for value in weights.values())
    record = store.record(RUN) or {}
    assert record["diverged"] is False
    store.put_run(RUN, record, lambda path: save_file(weights, path))
    trainer.make(RUN, READING, store, conditions)
    assert measured(store, RUN) == {}
    here = replace(conditions, regime=QUICK.overridden(reading=READING))
    for measure, value in ((FGSM, 0.1), (LAMBDA1, np.nan)):
        found = read_runs(Curve(STDCNN_MNIST, LR_BS(), measure), [RUN], (32,), store, here)
        assert found.cells[0][0].diverged
        assert found.values == pytest.approx(np.array([[value]]), nan_ok=True)


def test_runs_trained_together_are_stored_as_each_is_by_itself(
    store: Store, conditions: Conditions, tmp_path: Path, trainings: list[int]
) -> None:
    alone = Store(tmp_path / "alone")
    alone.prepare()
    runs = [RUN, replace(RUN, seed=1), replace(DIVERGING, seed=2), replace(RUN, sgd=SGD(0.01, 0.9))]
    checkpoints = {RUN: [replace(RUN, steps=3), replace(RUN, steps=8)]}
    for run in runs:
        trainer.make(run, READING, alone, conditions, checkpoints.get(run, []))
    del trainings[:]
    assert trainer.train_together([(run, checkpoints.get(run, [])) for run in runs], store, conditions) == {}
    for run in [*runs, *checkpoints[RUN]]:
        assert store.weights(run).read_bytes() == alone.weights(run).read_bytes()
        ours, theirs = (dict(where.record(run) or {}, seconds=None) for where in (store, alone))
        assert ours.pop("cohort", None) == (4 if run in runs else None)
        assert ours == theirs
    for run in runs:
        trainer.make(run, READING, store, conditions)
        assert measured(store, run) == measured(alone, run)
    assert trainings == []


def test_a_run_that_breaks_in_a_cohort_is_not_stored_and_loses_no_other(
    store: Store, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, checkpoint = replace(RUN, seed=1), replace(RUN, seed=1, steps=3)
    put = Store.put_run

    def full(where: Store, run: Run, *rest: Any) -> None:
        if run == checkpoint:
            raise OSError("no space left on device")
        put(where, run, *rest)

    monkeypatch.setattr(Store, "put_run", full)
    members = [(RUN, []), (broken, [checkpoint]), (replace(RUN, seed=2), [])]
    broke = trainer.train_together(members, store, conditions)
    assert broke == {broken: "OSError: no space left on device"}
    assert [store.trained(run) for run, _ in members] == [True, False, True]
    for run in (broken, RUN):
        trainer.make(run, READING, store, conditions, broke=broke.get(run))
    assert (store.record(broken) or {})["cohort"] == "broke: OSError: no space left on device"
    assert (store.record(RUN) or {})["cohort"] == 3


def test_a_cohort_that_cannot_even_begin_leaves_each_run_to_be_trained_by_itself(
    store: Store, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(trainer, "Training", full)  # ``train`` has its own
    runs = [replace(RUN, seed=seed) for seed in range(2)]
    here = replace(conditions, regime=QUICK.overridden(reading=READING))
    Workshop(store, here, [(run, READING) for run in runs], cohort=lambda _: 2).help_out()
    told = "broke: OutOfMemoryError: CUDA out of memory"
    assert [(store.record(run) or {})["cohort"] for run in runs] == [told, told]
    assert all(store.has(run, READING) for run in runs)


def test_a_session_that_trains_cohorts_comes_to_the_same_measures(
    store: Store, conditions: Conditions, tmp_path: Path, trainings: list[int]
) -> None:
    """On a CPU, where sessions train each run by itself unless they are told."""
    runs = [*(replace(RUN, seed=seed) for seed in range(3)), replace(OTHER, train_images=100)]
    here = replace(conditions, regime=QUICK.overridden(reading=READING))
    sizes, alone = [], Store(tmp_path / "alone")
    alone.prepare()

    def together(members: Any, *rest: Any) -> list[Run]:
        sizes.append(len(members))
        return trainer.train_together(members, *rest)

    jobs = [(run, READING) for run in runs]
    Workshop(alone, here, jobs, together=together).obtain_jobs(jobs)
    assert (sizes, len(trainings)) == ([], 4)
    Workshop(store, here, jobs, cohort=lambda _: 3, together=together).obtain_jobs(jobs)
    assert (sizes, len(trainings)) == ([3], 5)
    assert [fingerprint(store, run) for run in runs] == [fingerprint(alone, run) for run in runs]


def test_a_process_takes_no_more_of_a_gpu_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    shares: list[float] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", shares.append)
    for share in (None, "0.225"):
        trainer._bound_gpu_memory.cache_clear()
        monkeypatch.setenv(GPU_SHARE, share) if share else monkeypatch.delenv(GPU_SHARE, raising=False)
        trainer.prepare()
        trainer.prepare()
    trainer._bound_gpu_memory.cache_clear()
    assert shares == [0.225]


def test_a_run_is_trained_on_as_many_images_as_it_says_or_on_all(store: Store, conditions: Conditions) -> None:
    for run, images in ((RUN, 200), (OTHER, 275)):  # 300 in the paper's proportion of 55,000 to 5,000
        trainer.make(run, READING, store, conditions)
        record = store.record(run)
        assert record is not None
        assert record["steps"] == run.epochs * -(-images // run.batch_size)
