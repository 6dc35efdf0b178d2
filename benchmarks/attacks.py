"""Accuracy under PGD with 40 steps, against foolbox at the same steps and step size."""

from collections.abc import Callable

import foolbox
import torch

from repro.science.measures import pgd_accuracy
from repro.science.models import build
from repro.science.recipes import BENCHMARK
from repro.science.surrogate import surrogate
from repro.science.tasks import TASKS
from repro.science.training import train

STEPS = 40


def pgd(name: str, count: int) -> tuple[Callable[[], None], Callable[[], None]]:
    task = TASKS[name]
    arrays = surrogate(task.dataset.name)
    images = torch.from_numpy(arrays.train_images[:2048]).float() / 255
    labels = torch.from_numpy(arrays.train_labels[:2048])
    model = build(task, 0)
    train(model, images, labels, sgd=BENCHMARK.sgd(64), batch_size=64, epochs=4, seed=0)
    model.eval()
    x, y = images[:count], labels[:count]
    epsilon = task.dataset.epsilon_pixels
    step_size = epsilon * 4 / 3 / STEPS
    attack = foolbox.attacks.LinfProjectedGradientDescentAttack(abs_stepsize=step_size, steps=STEPS)
    wrapped = foolbox.PyTorchModel(model, bounds=(0, 1), device="cpu")

    def harness() -> None:
        pgd_accuracy(model, x, y, epsilon, STEPS, step_size, "cross-entropy")

    def peer() -> None:
        attack(wrapped, x, y, epsilons=epsilon)

    return harness, peer


CASES = {
    "pgd40-M1-MNIST": lambda: pgd("M1-MNIST", 128),
    "pgd40-StdCNN-MNIST": lambda: pgd("StdCNN-MNIST", 256),
}
