"""The numbers read off a trained network: accuracy clean and attacked, lambda1, and how far it was trained.

All in evaluation mode and float32, on fixed images. Accuracies are shares in [0, 1].
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...experiment.readings import Reading
from ...experiment.tasks import Dataset
from ..attacks.attacks import LOSSES, Loss, ascend, input_gradient, margin_loss, one_step, start
from ..computing.streams import stream
from ..curvature.hessian import TOLERANCE, Hessian
from ..curvature.lanczos import MAX_PRODUCTS, lanczos
from ..data.splits import Data

# images a forward pass, by kind of device: bounds the memory of activations, and a GPU needs more of them to be busy.
# A gradient of ResNet18 keeps some 5 MB an image: 10 GB, where a worker of four on a large GPU has 30
CHUNK: Final = {"cpu": 512, "cuda": 2048}
# steps of PGD between looks at which images are broken: a GPU that is asked how many are left must first finish
DROP_EVERY: Final = {"cpu": 1, "cuda": 8}


@dataclass(frozen=True)
class Measures:
    """What is known of a trained run.

    ``*_margin_accuracy``: the same attack climbing the margin form, which saturation cannot blind. ``saturated``: the
    share of attacked images whose cross-entropy is exactly 0 in float32; ``zero_gradient``: whose input gradient is all
    zeros. ``median_margin``: of the true class's logit over logsumexp of the others, on the test images.
    """

    test_accuracy: float
    fgsm_accuracy: float
    pgd_accuracy: float
    fgsm_margin_accuracy: float
    pgd_margin_accuracy: float
    train_accuracy: float
    train_loss: float
    median_margin: float
    saturated: float
    zero_gradient: float
    lambda1: float
    lambda1_residual: float
    lambda1_smallest: float
    lambda1_products: int


def measure(model: nn.Module, dataset: Dataset, data: Data, train_images: int | None, reading: Reading) -> Measures:
    """Everything that ``measure_parts`` measures under a reading of all parts."""
    return Measures(**measure_parts(model, dataset, data, train_images, reading))


def measure_parts(
    model: nn.Module, dataset: Dataset, data: Data, train_images: int | None, reading: Reading
) -> dict[str, Any]:
    """Measure a trained network on the images that the reading names, in the parts that it names.

    ``train_images`` are those it was trained on, the first of the training split (None: all); lambda1 is taken on a
    part of them. The network is left in evaluation mode. Returns fields of ``Measures``; where the instruments are to
    be checked, ``instruments.measure_soundly`` adds what they are.
    """
    device = next(model.parameters()).device
    model.eval()
    found: dict[str, Any] = {}
    if "accuracy" in reading.parts:
        train, test = data.train.part(train_images, device), data.test.part(reading.test_images, device)
        found |= _fit(model, *train, *test)
    if "attacks" in reading.parts:
        attacked = data.test.part(reading.attacked_images, device)
        found |= _attacked(model, *attacked, reading.epsilon(dataset), reading)
        found |= _gradient_health(model, *attacked)
    if "curvature" in reading.parts:
        found |= _curvature(model, *curved(data, train_images, reading, device))
    return found


def curved(data: Data, train_images: int | None, reading: Reading, device: torch.device) -> tuple[Tensor, Tensor]:
    """The images and labels whose mean loss lambda1 is taken of."""
    if reading.curvature_of == "test":
        return data.test.part(reading.hessian_images, device)
    images, labels = data.train.part(train_images, device)
    return images[: reading.hessian_images], labels[: reading.hessian_images]


def _fit(model: nn.Module, train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor) -> dict[str, float]:
    test_logits, train_logits = _logits(model, test), _logits(model, train)
    return {
        "test_accuracy": _accuracy(test_logits, test_labels),
        "train_accuracy": _accuracy(train_logits, train_labels),
        "train_loss": F.cross_entropy(train_logits, train_labels).item(),
        "median_margin": -margin_loss(test_logits, test_labels).median().item(),
    }


def _curvature(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, Any]:
    hessian = Hessian(model, images, labels)
    top = lanczos(hessian, hessian.start(0), TOLERANCE, MAX_PRODUCTS)
    return {
        "lambda1": top.value,
        "lambda1_residual": top.residual,
        "lambda1_smallest": top.smallest,
        "lambda1_products": top.products,
    }


def _attacked(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float, reading: Reading) -> dict[str, float]:
    steps, step_size, restarts = reading.pgd_steps, reading.pgd_step_size(epsilon), reading.pgd_restarts
    found = {}
    forms: tuple[tuple[Loss, str], ...] = (("cross-entropy", ""), ("margin", "_margin"))
    for loss, infix in forms:
        found[f"fgsm{infix}_accuracy"] = fgsm_accuracy(model, images, labels, epsilon, loss)
        found[f"pgd{infix}_accuracy"] = pgd_accuracy(model, images, labels, epsilon, steps, step_size, loss, restarts)
    return found


def fgsm_accuracy(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float, loss: Loss) -> float:
    """The share of images that are classified rightly after FGSM."""
    adversarial = [one_step(model, x, y, epsilon, loss) for x, y in chunks(images, labels)]
    return _accuracy(_logits(model, torch.cat(adversarial)), labels)


def pgd_accuracy(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    steps: int,
    step_size: float,
    loss: Loss,
    restarts: int = 1,
) -> float:
    """The share of images that are classified rightly as they are and at every iterate of PGD from random starts.

    An image that is once misclassified is broken for good and left out of the later steps and restarts, which saves
    their work and never makes the accuracy larger than that of the last iterates.
    """
    generator = torch.Generator(images.device).manual_seed(stream(0, "pgd start"))
    unbroken = torch.zeros((), dtype=torch.long, device=images.device)
    for x, y in chunks(images, labels):
        left = _logits(model, x).argmax(1) == y
        for _ in range(restarts):
            begun = start(x, epsilon, generator)
            survived = _survivors(model, begun[left], x[left], y[left], epsilon, steps, step_size, loss)
            left[left.clone()] = survived
        unbroken += left.sum()
    return int(unbroken) / len(images)


def _survivors(
    model: nn.Module, x: Tensor, origin: Tensor, y: Tensor, epsilon: float, steps: int, step_size: float, loss: Loss
) -> Tensor:
    """Which images (N,) are classified rightly at every iterate from ``x`` on."""
    every = DROP_EVERY[x.device.type]
    alive = torch.arange(len(y), device=x.device)
    right = torch.ones_like(alive, dtype=torch.bool)  # of those alive: not broken since they were last looked at
    for step in range(1, steps + 1):
        if len(alive) == 0:
            break
        logits, gradient = input_gradient(model, x, y[alive], loss)
        right = right & (logits.argmax(1) == y[alive])
        x = ascend(x, gradient, origin[alive], epsilon, step_size)
        if step % every == 0:
            x, alive, right = x[right], alive[right], right[right]
    survived = torch.zeros(len(y), dtype=torch.bool, device=x.device)
    if len(alive):
        survived[alive] = right & (_logits(model, x).argmax(1) == y[alive])
    return survived


def _gradient_health(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    saturated, vanished = torch.zeros(2, dtype=torch.long, device=images.device)
    for x, y in chunks(images, labels):
        logits, gradient = input_gradient(model, x, y, "cross-entropy")
        saturated += (LOSSES["cross-entropy"](logits, y) == 0).sum()
        vanished += (gradient.flatten(1) == 0).all(1).sum()
    return {"saturated": int(saturated) / len(images), "zero_gradient": int(vanished) / len(images)}


def chunks(images: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Images and labels, as many at a time as their device's memory is meant for."""
    size = CHUNK[images.device.type]
    return zip(images.split(size), labels.split(size), strict=True)


@torch.no_grad()
def _logits(model: nn.Module, images: Tensor) -> Tensor:
    return torch.cat([model(x) for x in images.split(CHUNK[images.device.type])])


def _accuracy(logits: Tensor, labels: Tensor) -> float:
    return (logits.argmax(1) == labels).float().mean().item()
