"""The numbers read off a trained network: accuracy clean and attacked, lambda1, and how far it was trained.

All in evaluation mode and float32, on fixed images. Accuracies are shares in [0, 1].
"""

import math
import pkgutil
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import ReproError
from ...experiment.datasets import Dataset
from ...experiment.own import PREFIX, Taken, entered
from ...experiment.readings import Reading
from ..attacks.accuracy import CHUNK, gradient_health, right_after, right_throughout, share
from ..attacks.attacks import Attack, margin_loss
from ..data.splits import Data
from .instruments import check_attacks, check_curvature, curvature


def measure(
    model: nn.Module, dataset: Dataset, data: Data, train_images: int | None, reading: Reading
) -> dict[str, Any]:
    """Measure a trained network on the images that the reading names, in the parts that it names.

    ``train_images`` are those it was trained on, the first of the training split (None: all); lambda1 is taken on a
    part of them. The network is left in evaluation mode.

    Of "accuracy": ``test_accuracy``, ``train_accuracy``, ``train_loss``, and ``median_margin``, of the true class's
    logit over logsumexp of the others, on the test images. Of "attacks": ``fgsm_accuracy`` and ``pgd_accuracy``, whose
    attacks climb cross-entropy as the paper's do; ``fgsm_sound_accuracy``, of images that FGSM leaves right on the
    margin form, too, which saturation cannot blind; ``pgd_sound_accuracy``, of those that FGSM and PGD leave right on
    both forms; and what ``gradient_health`` gives. Of "curvature": ``lambda1`` with ``lambda1_residual``, ``_smallest``
    and ``_products``. Where the reading names the "instruments" too: what ``check_attacks`` gives, under that name, and
    what ``check_curvature`` adds to lambda1. Of a next author's own measure: its number, under its name.
    """
    device, checked = next(model.parameters()).device, "instruments" in reading.parts
    model.eval()
    found: dict[str, Any] = {}
    if "accuracy" in reading.parts:
        train, test = data.train.part(train_images, device), data.test.part(reading.test_images, device)
        found |= _fit(model, *train, *test)
    if "attacks" in reading.parts:
        attacked, epsilon = data.test.part(reading.attacked_images, device), reading.epsilon(dataset)
        found |= _attacked(model, *attacked, epsilon, reading) | gradient_health(model, *attacked)
        found |= {"instruments": check_attacks(model, *attacked, epsilon)} if checked else {}
    if "curvature" in reading.parts:
        found |= (check_curvature if checked else curvature)(model, *curved(data, train_images, reading, device))
    for part in (part for part in reading.parts if part.startswith(PREFIX)):
        taken = entered(part)
        split, images = (data.train, train_images) if taken.of == "train" else (data.test, reading.test_images)
        found[taken.name] = _own(taken, model, *split.part(images, device))
    return found


def _own(taken: Taken, model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """A next author's measure. ReproError: it came to no finite number."""
    take = pkgutil.resolve_name(taken.take) if isinstance(taken.take, str) else taken.take
    number = float(take(model, images, labels))
    if not math.isfinite(number):
        raise ReproError(f"measure {taken.name!r}: came to {number}, which is no finite number")
    return number


def curved(data: Data, train_images: int | None, reading: Reading, device: torch.device) -> tuple[Tensor, Tensor]:
    """The images and labels whose mean loss lambda1 is taken of."""
    if reading.curvature_of == "test":
        return data.test.part(reading.hessian_images, device)
    images, labels = data.train.part(train_images, device)
    return images[: reading.hessian_images], labels[: reading.hessian_images]


def _fit(model: nn.Module, train: Tensor, train_labels: Tensor, test: Tensor, test_labels: Tensor) -> dict[str, float]:
    test_logits, train_logits = _logits(model, test), _logits(model, train)
    return {
        "test_accuracy": (test_logits.argmax(1) == test_labels).float().mean().item(),
        "train_accuracy": (train_logits.argmax(1) == train_labels).float().mean().item(),
        "train_loss": F.cross_entropy(train_logits, train_labels).item(),
        "median_margin": -margin_loss(test_logits, test_labels).median().item(),
    }


def _attacked(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float, reading: Reading) -> dict[str, float]:
    steps, step_size, restarts = reading.pgd_steps, reading.pgd_step_size(epsilon), reading.pgd_restarts
    attacks = [("fgsm", Attack.fgsm(epsilon), right_after)]
    if restarts:  # none where PGD is left out
        attacks.append(("pgd", Attack(epsilon, steps, step_size, restarts=restarts), right_throughout))
    found: dict[str, float] = {}
    unbroken = torch.ones_like(labels, dtype=torch.bool)
    for name, attack, survivors in attacks:
        right = survivors(model, images, labels, attack)
        unbroken = survivors(model, images, labels, replace(attack, loss="margin"), unbroken & right)
        found |= {f"{name}_accuracy": share(right), f"{name}_sound_accuracy": share(unbroken)}
    return found


@torch.no_grad()
def _logits(model: nn.Module, images: Tensor) -> Tensor:
    return torch.cat([model(x) for x in images.split(CHUNK[images.device.type])])
