"""The report as a plain script would make it: nothing is shared between figures, and peers' tools do the work."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

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

from ..speed.networks import accuracy, as_written
from ..speed.power_iteration import power_iteration
from ..speed.training import Images, tutorial_epoch

Place = tuple[Task, int]  # what decides how long a run takes: its task and batch size
Cost = dict[str, float]  # seconds of each part of a point
PARTS: Final = {  # what a point takes, by what its figure shows
    FGSM: ("training", "clean", "fgsm"),
    PGD: ("training", "clean", "pgd"),
    LAMBDA1: ("training", "lambda1"),
}


def points(where: Conditions) -> dict[Place, Counter[Measure]]:
    """How many points the figures have: one for each line, batch size and seed, each trained for itself."""
    found: dict[Place, Counter[Measure]] = {}
    for figure in FIGURES.values():
        for panel in figure.panels:
            scale = where.regime.scale(panel.task)
            for size in scale.batch_sizes:
                found.setdefault((panel.task, size), Counter())[panel.measure] += len(panel.recipes) * scale.seeds
    return found


def total(counts: Mapping[Measure, int], cost: Cost) -> float:
    """Seconds of so many points."""
    return sum(count * sum(cost[part] for part in PARTS[measure]) for measure, count in counts.items())


def costs(run: Run, reading: Reading, where: Conditions, threads: int) -> Cost:
    """Seconds of each part of a point, made once."""
    import foolbox  # noqa: F401  # before the clock runs
    import pyhessian  # noqa: F401

    torch.set_num_threads(threads)
    data = load(where.sources[run.task.dataset.name])
    pixels, labels = data.train.images[: run.train_images], data.train.labels[: run.train_images]
    attacked, tested = data.test.part(reading.attacked_images), data.test.part(reading.test_images)
    images, answers = (part[: reading.hessian_images] for part in data.train.part(run.train_images))
    model = as_written(build(run.task, run.seed, run.width, run.trained_as))
    epsilon = reading.epsilon(run.task.dataset)
    parts: dict[str, Callable[[], object]] = {
        "training": lambda: _train(model, run, pixels, labels),
        "clean": lambda: accuracy(model.eval(), *tested),
        "fgsm": lambda: _attacked(model, *attacked, epsilon, 1, epsilon),
        "pgd": lambda: _attacked(model, *attacked, epsilon, reading.pgd_steps, reading.pgd_step_size(epsilon)),
        "lambda1": lambda: power_iteration(model, images, answers, 0),
    }
    return {name: _seconds(part) for name, part in parts.items()}


def _seconds(work: Callable[[], object]) -> float:
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


def _attacked(model: nn.Module, x: Tensor, y: Tensor, epsilon: float, steps: int, step_size: float) -> float:
    from foolbox import PyTorchModel
    from foolbox.attacks import LinfFastGradientAttack, LinfProjectedGradientDescentAttack

    attack = (
        LinfFastGradientAttack()
        if steps == 1
        else LinfProjectedGradientDescentAttack(abs_stepsize=step_size, steps=steps, random_start=True)
    )
    _, clipped, _ = attack(PyTorchModel(model.eval(), bounds=(0, 1), device="cpu"), x, y, epsilons=epsilon)
    return accuracy(model, clipped, y)
