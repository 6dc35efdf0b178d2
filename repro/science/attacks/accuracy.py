"""Accuracy under attack, as the paper's figures show it, and what tells whether an attack had a gradient to follow.

Models are used in the mode they are in, and nothing is looked at before. Accuracies are shares in [0, 1].
"""

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor, nn

from ..computing.streams import stream
from .attacks import LOSSES, Attack, input_gradient, right

# images a forward pass, by kind of device: bounds the memory of activations, and a GPU needs more of them to be busy.
# A gradient of ResNet18 keeps some 5 MB an image: 10 GB, where a worker of four on a large GPU has 30
CHUNK: Final = {"cpu": 512, "cuda": 2048}
# steps of PGD between looks at which images are broken: a GPU that is asked how many are left must first finish
DROP_EVERY: Final = {"cpu": 1, "cuda": 8}


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of images (N, C, H, W) with labels (N,) that are classified rightly, all in one pass."""
    return right(model, images, labels).float().mean().item()


def accuracy_throughout(model: nn.Module, images: Tensor, labels: Tensor, attack: Attack) -> float:
    """The share of images that are classified rightly as they are and at every iterate of an attack."""
    return share(right_throughout(model, images, labels, attack))


def right_after(
    model: nn.Module, images: Tensor, labels: Tensor, attack: Attack, among: Tensor | None = None
) -> Tensor:
    """Which images (N, C, H, W) are classified rightly where an attack without random start ends, (N,).

    ``among``: which images are attacked at all (None: every one); of the others, none counts as right.
    """
    survived = []
    for x, y, wanted in chunks(images, labels, _every(labels) if among is None else among):
        left = wanted.nonzero().squeeze(1)
        if len(left):
            ends, _, _ = attack.climb(model, x[left], x[left], y[left])
            left = left[right(model, ends, y[left])]
        survived.append(_marked(left, len(y)))
    return torch.cat(survived)


def right_throughout(
    model: nn.Module, images: Tensor, labels: Tensor, attack: Attack, among: Tensor | None = None
) -> Tensor:
    """Which images (N, C, H, W) are classified rightly as they are and at every iterate of an attack, (N,).

    An image that is once misclassified is broken for good and left out of the later steps and restarts, which saves
    their work and never makes the accuracy larger than that of the last iterates. ``among`` is as in ``right_after``;
    an image's starts do not depend on it.
    """
    generator = torch.Generator(images.device).manual_seed(stream(0, "pgd start"))
    survived, every = [], DROP_EVERY[images.device.type]
    for x, y, wanted in chunks(images, labels, _every(labels) if among is None else among):
        left = (wanted & right(model, x, y)).nonzero().squeeze(1)
        for _ in range(attack.restarts):
            begun = attack.start(x, generator)
            ends, places, so_far = attack.climb(model, begun[left], x[left], y[left], drop_every=every)
            left = left[places]
            if len(left):
                left = left[so_far & right(model, ends, y[left])]
        survived.append(_marked(left, len(y)))
    return torch.cat(survived)


def _every(labels: Tensor) -> Tensor:
    return torch.ones_like(labels, dtype=torch.bool)


def _marked(places: Tensor, count: int) -> Tensor:
    """The images at these places among so many, as a mask (count,)."""
    mask = torch.zeros(count, dtype=torch.bool, device=places.device)
    mask[places] = True
    return mask


def share(marked: Tensor) -> float:
    """The share of images (N,) that are marked."""
    return int(marked.sum()) / len(marked)


def transfer_accuracy(source: nn.Module, target: nn.Module, images: Tensor, labels: Tensor, epsilon: float) -> float:
    """The target's accuracy on images (N, C, H, W) made adversarial on the source in one step.

    One step, since such images carry over to other networks better than iterated ones do (Kurakin et al. 2017,
    Adversarial Machine Learning at Scale); along the margin form, so that a source that saturates is no weaker. It is
    cheap, and told from PGD the better the more images there are: on 32 of MNIST, StdCNN behind a shattered gradient
    was above it by 0.16 to 0.56 at the best of three epsilons, where 0.25 may be chance; on 128 by 0.22 to 0.59 of 0.13
    (twenty-eight pairs of networks, two data sets, two kinds of rounding).
    """
    attack, parts = Attack.fgsm(epsilon, "margin"), chunks(images, labels)
    return sum(len(y) * accuracy(target, attack.climb(source, x, x, y)[0], y) for x, y in parts) / len(labels)


def gradient_health(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """``saturated`` and ``zero_gradient``: shares of images whose cross-entropy, or input gradient, is exactly 0."""
    saturated, vanished = torch.zeros(2, dtype=torch.long, device=images.device)
    for x, y in chunks(images, labels):
        logits, gradient = input_gradient(model, x, y, "cross-entropy")
        saturated += (LOSSES["cross-entropy"](logits, y) == 0).sum()
        vanished += (gradient.flatten(1) == 0).all(1).sum()
    return {"saturated": int(saturated) / len(images), "zero_gradient": int(vanished) / len(images)}


def chunks(images: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Images and what belongs to each of them, as many at a time as their device's memory is meant for."""
    size = CHUNK[images.device.type]
    return zip(*(part.split(size) for part in (images, *others)), strict=True)
