"""Whether a GPU computes what a CPU does: five steps of training against double precision, and a network's measures.

What is compared is the same on both sides: initial weights, images, their order; no dropout and no augmentation, whose
random numbers differ. What to expect is what the CPU's own float32 comes to, which stands beside it.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn

from repro.experiment.precisions import FLOAT32
from repro.experiment.readings import Reading
from repro.experiment.recipes import BENCHMARK, LR
from repro.experiment.tasks import Task
from repro.science.computing.numerics import numerics
from repro.science.data.splits import load
from repro.science.measuring.measures import measure
from repro.science.networks.dropout import Dropout
from repro.science.networks.models import build
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import train

from ..speed.networks import source
from .tools import BATCH_SIZE, OF_ARCHITECTURE, Case, Known, Row, Setting, made_up

STEPS: Final = 5
READING: Final = Reading(10_000, 1000, 40, 1024, parts=("accuracy", "attacks", "curvature"))
SMALL: Final = Reading(40, 16, 2, 16, parts=("accuracy", "attacks", "curvature"))
COMPARED: Final = ("test_accuracy", "train_loss", "fgsm_accuracy", "pgd_accuracy", "lambda1")


def against(setting: Setting, _: Known) -> Iterator[Case]:
    """Every architecture after five steps, then what is measured of StdCNN and M1."""
    for name, task in OF_ARCHITECTURE.items():
        yield Case({"five steps of": name}, partial(_stepped, setting, task))
    for name in ("StdCNN", "M1"):
        yield Case({"measures of": name}, partial(_measured, setting, OF_ARCHITECTURE[name]))


def _stepped(setting: Setting, task: Task) -> Row:
    """The largest difference from double precision of any weight, and that of all logits as a share of them."""
    cpu = torch.device("cpu")
    exact = _after_steps(setting, task, cpu, torch.float64)
    row: Row = {}
    for name, device in (("device", setting.device), ("cpu", cpu)):
        weights, logits = _after_steps(setting, task, device, torch.float32)
        row[f"{name}_weights_differ_by"] = (weights - exact[0]).abs().max().item()
        row[f"{name}_logits_differ_by"] = ((logits - exact[1]).norm() / exact[1].norm()).item()
    return row


def _after_steps(setting: Setting, task: Task, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    model = build(task, 0, setting.width).to(device, dtype)
    for part in model.modules():
        if isinstance(part, Dropout):
            part.p = 0.0
    size = 8 if setting.small else BATCH_SIZE
    images, labels = made_up(task, STEPS * size).part()
    images, labels = images.to(device, dtype), labels.to(device)
    with numerics(FLOAT32):
        train(model, images, labels, TrainingSettings(sgd=LR(0.9).sgd(size), batch_size=size, epochs=1, seed=0))
        logits = _logits(model.eval(), images[:size])
    return torch.cat([p.detach().flatten() for p in model.parameters()]).double().cpu(), logits.double().cpu()


@torch.no_grad()
def _logits(model: nn.Module, images: Tensor) -> Tensor:
    found: Tensor = model(images)
    return found


def _measured(setting: Setting, task: Task) -> Row:
    """A network that was trained on the device, measured there and on a CPU."""
    data, count = load(source(task.dataset.name)), 64 if setting.small else 8000
    model = build(task, 0, setting.width).to(setting.device)
    epochs, reading = (1, SMALL) if setting.small else (4, READING)
    settings = TrainingSettings(sgd=BENCHMARK.sgd(BATCH_SIZE), batch_size=BATCH_SIZE, epochs=epochs, seed=0)
    with numerics(FLOAT32):
        train(model, *data.train.part(count, setting.device), settings)
        there = measure(model, task.dataset, data, count, reading)
        here = measure(model.cpu(), task.dataset, data, count, reading)
    return {name: there[name] for name in COMPARED} | {f"{name}_on_a_cpu": here[name] for name in COMPARED}
