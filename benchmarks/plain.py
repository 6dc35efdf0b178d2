"""The report as a plain script would make it: nothing is shared between figures, and peers' tools do the work."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from repro.experiment.readings import Reading
from repro.experiment.tasks import Task
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.science.data.splits import load
from repro.science.networks.models import build
from repro.verdicts.curves import FGSM, LAMBDA1, PGD, Measure
from repro.verdicts.figures import FIGURES

from .networks import accuracy, as_written
from .power_iteration import DEFAULT, power_iteration
from .training import Images, tutorial_epoch

Place = tuple[Task, int]  # what decides how long a run takes: its task and batch size


@dataclass(frozen=True)
class Points:
    """How many points the figures have at a place, by what they show; each is trained for itself by a plain script."""

    fgsm: int = 0
    pgd: int = 0
    lambda1: int = 0

    @property
    def all(self) -> int:
        """Points, and trainings."""
        return self.fgsm + self.pgd + self.lambda1


def points(where: Conditions) -> dict[Place, Points]:
    """The points of the 39 figures: a run for each line, batch size and seed of each."""
    found: dict[Place, dict[Measure, int]] = {}
    for figure in FIGURES.values():
        for panel in figure.panels:
            scale = where.regime.scale(panel.task)
            for size in scale.batch_sizes:
                counts = found.setdefault((panel.task, size), {})
                counts[panel.measure] = counts.get(panel.measure, 0) + len(panel.recipes) * scale.seeds
    return {place: Points(n.get(FGSM, 0), n.get(PGD, 0), n.get(LAMBDA1, 0)) for place, n in found.items()}


def costs(run: Run, reading: Reading, where: Conditions) -> dict[str, float]:
    """Seconds of each part of a point as a plain script makes it: training, clean accuracy, FGSM, PGD, lambda1."""
    data = load(where.sources[run.task.dataset.name])
    pixels, labels = data.train.images[: run.train_images], data.train.labels[: run.train_images]
    attacked, tested = data.test.part(reading.attacked_images), data.test.part(reading.test_images)
    curved = data.train.part(run.train_images)
    few = curved[0][: reading.hessian_images], curved[1][: reading.hessian_images]
    model = as_written(build(run.task, run.seed, run.width, run.trained_as))
    epsilon = reading.epsilon(run.task.dataset)
    parts: dict[str, Callable[[], object]] = {
        "training": lambda: _train(model, run, pixels, labels),
        "clean": lambda: accuracy(model.eval(), *tested),
        "fgsm": lambda: _attack(model, *attacked, epsilon, 1, epsilon),
        "pgd": lambda: _attack(model, *attacked, epsilon, reading.pgd_steps, reading.pgd_step_size(epsilon)),
        "lambda1": lambda: power_iteration(model, *few, 0, DEFAULT, 1e-3),  # PyHessian as it comes
    }
    return {name: seconds(part) for name, part in parts.items()}


def total(n: Points, cost: dict[str, float], trainings: int | None = None) -> float:
    """Seconds of so many points; ``trainings`` fewer than points: a script that trains each run once."""
    measured = n.fgsm * (cost["clean"] + cost["fgsm"]) + n.pgd * (cost["clean"] + cost["pgd"])
    return (n.all if trainings is None else trainings) * cost["training"] + measured + n.lambda1 * cost["lambda1"]


def seconds(work: Callable[[], Any]) -> float:
    """How long it takes, once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _train(model: nn.Module, run: Run, pixels: Tensor, labels: Tensor) -> None:
    loader = DataLoader(Images(pixels, labels, augmented=run.task.dataset.augmented), run.batch_size, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=run.sgd.learning_rate, momentum=run.sgd.momentum)
    for epoch in range(run.epochs):
        for group in optimizer.param_groups:
            group["lr"] = run.sgd.learning_rate_at(epoch)
        tutorial_epoch(model, loader, optimizer)


def _attack(model: nn.Module, x: Tensor, y: Tensor, epsilon: float, steps: int, step_size: float) -> float:
    from foolbox import PyTorchModel
    from foolbox.attacks import LinfFastGradientAttack, LinfProjectedGradientDescentAttack

    attack = (
        LinfFastGradientAttack()
        if steps == 1
        else LinfProjectedGradientDescentAttack(abs_stepsize=step_size, steps=steps, random_start=True)
    )
    _, clipped, _ = attack(PyTorchModel(model.eval(), bounds=(0, 1), device="cpu"), x, y, epsilons=epsilon)
    return accuracy(model, clipped, y)
