"""A run from its spec to the store: the same weights whoever trains it, and the record of how that went."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_runs import DIVERGING, OTHER, READING, RUN, fingerprint

from repro.errors import WeightsError
from repro.experiment.readings import transfer
from repro.experiment.recipes import SGD
from repro.experiment.trained_as import HE, UNSTANDARDISED
from repro.runs import trainer
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.science.computing.memory import GPU_SHARE

pytestmark = pytest.mark.usefixtures("own_threads")


ROOT = Path(__file__).parents[3]


def begin_elsewhere(root: Path, conditions: Conditions, runs: list[Run], threads: int) -> subprocess.Popen[bytes]:
    """Another process that makes the runs, and in which torch was used before with so many threads."""
    data = conditions.sources["MNIST"].root
    script = f"""
import torch
from pathlib import Path
from repro.runs import trainer
from repro.runs.conditions import Conditions
from repro.verdicts.curves import FGSM, LAMBDA1, Curve, read_runs
from repro.experiment.regimes import QUICK
from repro.runs.run import from_spec
from repro.experiment.readings import Reading, transfer
from repro.science.data.sources import Source
from repro.runs.store import Store

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

    for name in ("train", "measure"):
        watch(name)
    runs = {name: replace(RUN, precision=name) for name in ("float32", "tf32", "bfloat16")}
    for run in runs.values():
        trainer.make(run, READING, store, conditions)
    assert seen == {"train": {"ieee False", "tf32 False"}, "measure": {"ieee False"}}
    weights = {name: fingerprint(store, run)[0] for name, run in runs.items()}
    assert weights["tf32"] == weights["float32"] != weights["bfloat16"]


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


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)


def of_another_run(path: Path) -> None:
    path.write_bytes(next(other for other in path.parents[1].glob("*/*.safetensors") if other != path).read_bytes())


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGE = (lambda path: path.write_bytes(b""), cut_short, flipped, of_another_run, a_folder, a_pipe)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_run_whose_weights_were_damaged_is_trained_anew(
    store: Store, conditions: Conditions, trainings: list[int], damage: Any
) -> None:
    further = replace(READING, pgd_steps=4)
    for run in (RUN, OTHER):
        trainer.make(run, READING, store, conditions)
    before = store.weights(RUN).read_bytes()
    damage(store.weights(RUN))
    told: list[str] = []
    trainer.make(RUN, further, Store(store.root, told.append), conditions)
    assert len(trainings) == 3
    assert store.weights(RUN).read_bytes() == before
    assert Store(store.root).whole(RUN, further)
    (line,) = told
    assert line.startswith(f"{store.weights(RUN)}: ")
    assert line.endswith("; set aside as weights.safetensors.damaged-1, it is made anew")


def test_a_run_that_is_stored_without_its_weights_is_not_trained_again(
    store: Store, conditions: Conditions, trainings: list[int]
) -> None:
    for run in (RUN, RUN.sibling):
        trainer.make(run, READING, store, conditions)
    store.weights(RUN).unlink()
    assert store.whole(RUN, READING)
    with pytest.raises(WeightsError, match=f"{re.escape(str(RUN))}: its weights are not in .*; bring them there, or"):
        trainer.make(RUN, replace(READING, pgd_steps=4), store, conditions)
    with pytest.raises(WeightsError, match=re.escape(str(RUN))):
        trainer.make(RUN.sibling, transfer(READING), store, conditions)  # for seed 1 it goes the other way
    assert not store.has(RUN.sibling, transfer(READING))
    assert len(trainings) == 2
    (store.weights(RUN).parent / "run.json").unlink()  # as the line says
    trainer.make(RUN, replace(READING, pgd_steps=4), Store(store.root), conditions)
    assert len(trainings) == 3


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


def test_of_a_run_that_diverged_no_weights_are_asked_for(
    store: Store, conditions: Conditions, trainings: list[int]
) -> None:
    trainer.make(DIVERGING, READING, store, conditions)
    store.weights(DIVERGING).unlink()
    further = replace(READING, pgd_steps=9)
    trainer.make(DIVERGING, further, store, conditions)
    assert len(trainings) == 1
    assert store.whole(DIVERGING, further)
