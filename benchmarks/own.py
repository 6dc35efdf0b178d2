"""What one run of a session costs the harness, part by part."""

import shutil
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file

from repro.experiment.readings import Reading, of_checkpoints, transfer
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.runs.trainer import make
from repro.science.attacks.accuracy import accuracy_after, accuracy_throughout
from repro.science.attacks.attacks import Attack
from repro.science.curvature.hessian import top_eigenvalue
from repro.science.data.splits import load
from repro.science.measuring.measures import curved
from repro.science.networks.models import build

from .networks import accuracy
from .plain import seconds


def costs(run: Run, reading: Reading, where: Conditions, checkpoints: tuple[Run, ...]) -> dict[str, float]:
    """Seconds of a run, its checkpoint, its measurement with a sibling; and of what the figures alone would need.

    ``checkpoints``: those that are stored on the way. A run without any has the first reading's cost of a checkpoint
    measured on itself.
    """
    folder = Path(tempfile.mkdtemp())
    try:
        store = Store(folder)
        store.prepare()
        found = {"run": seconds(lambda: make(run, reading, store, where, checkpoints))}
        again = checkpoints[0] if checkpoints else run
        found["checkpoint"] = seconds(lambda: make(again, of_checkpoints(reading), store, where))
        weights, record = store.weights(run), store.record(run)
        assert record is not None
        store.put_run(run.sibling, dict(record), lambda path: _copy(weights, path))
        found["transfer"] = seconds(lambda: make(run, transfer(reading), store, where))
        return {**found, "bare": record["seconds"] + _measures(run, reading, where, weights)}
    finally:
        shutil.rmtree(folder)


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _measures(run: Run, reading: Reading, where: Conditions, weights: Path) -> float:
    """Seconds of clean, FGSM and PGD accuracy and lambda1, each once."""
    data = load(where.sources[run.task.dataset.name])
    model = build(run.task, run.seed, run.width, run.trained_as)
    model.load_state_dict(load_file(weights))
    model.eval().to(memory_format=torch.channels_last)
    attacked, tested = data.test.part(reading.attacked_images), data.test.part(reading.test_images)
    few = curved(data, run.train_images, reading, torch.device("cpu"))
    epsilon = reading.epsilon(run.task.dataset)
    pgd = Attack(epsilon, reading.pgd_steps, reading.pgd_step_size(epsilon))

    def work() -> None:
        accuracy(model, *tested)
        accuracy_after(model, *attacked, Attack.fgsm(epsilon))
        accuracy_throughout(model, *attacked, pgd)
        top_eigenvalue(model, *few)

    return seconds(work)
