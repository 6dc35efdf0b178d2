"""FGSM and PGD in the maximum norm, on pixels in [0, 1].

Source: Goodfellow et al. 2015 and Madry et al. 2018, as cited in the paper's Section 1. With ``loss="cross-entropy"``
both agree bit for bit with foolbox at equal parameters (PGD without its random start).

``loss="margin"`` climbs s = logsumexp over the other classes' logits, minus the true class's logit. Cross-entropy is
softplus(s), so both have gradients of the same sign in exact arithmetic; in float32 the gradient of cross-entropy
vanishes once s is below about -17 and an attack on it fails for want of a direction, not for the network's robustness.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..computing.inputs import NotFiniteError, copied, evaluated, given, own_modes

Loss = Literal["cross-entropy", "margin"]


def margin_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """s = logsumexp over j != y of z_j, minus z_y, for each image: logits (N, K), labels (N,) to (N,)."""
    true = labels[:, None]
    others = logits.scatter(1, true, float("-inf"))
    return others.logsumexp(1) - logits.gather(1, true).squeeze(1)


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(logits, labels, reduction="none")


LOSSES: Final[dict[Loss, Callable[[Tensor, Tensor], Tensor]]] = {
    "cross-entropy": _cross_entropy,
    "margin": margin_loss,
}


def input_gradient(model: nn.Module, images: Tensor, labels: Tensor, loss: Loss) -> tuple[Tensor, Tensor]:
    """The logits (N, K), and the gradient of the summed loss in the images (N, C, H, W)."""
    x = images.detach().requires_grad_()
    logits = model(x)
    gradient = None
    if logits.requires_grad:
        (gradient,) = torch.autograd.grad(LOSSES[loss](logits, labels).sum(), x, allow_unused=True)
    if gradient is None:
        raise ValueError("the network's output is detached from its images: there is no gradient to follow")
    return logits.detach(), gradient


def ascend(x: Tensor, gradient: Tensor, origin: Tensor, epsilon: float, step_size: float) -> Tensor:
    """One signed-gradient step, back into the epsilon-ball around ``origin``, then into [0, 1]."""
    moved = x + step_size * gradient.sign()
    return (origin + (moved - origin).clamp(-epsilon, epsilon)).clamp(0, 1)


@own_modes()
def fgsm(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    *,
    loss: Loss = "cross-entropy",
    evaluation: bool = True,
) -> Tensor:
    """Adversarial pixels (N, C, H, W): one step of size ``epsilon`` (a share of a pixel's range) along the sign.

    Labels (N,) are integers. The model is attacked in evaluation mode, and each of its modules is left in the mode it
    was in; without ``evaluation`` it is attacked in the mode it is in. ValueError: images that are no pixels in [0, 1],
    labels or logits that do not fit them, epsilon outside [0, 1], loss unknown; NaN in what the network gives.
    """
    model, images, labels = _attackable(model, images, labels, epsilon, loss)
    with evaluated(model) if evaluation else nullcontext():
        return ascend(images, _finite(input_gradient(model, images, labels, loss)), images, epsilon, epsilon)


@own_modes()
def pgd(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    epsilon: float,
    *,
    steps: int,
    step_size: float,
    generator: torch.Generator | None = None,
    random_start: bool = True,
    loss: Loss = "cross-entropy",
    evaluation: bool = True,
) -> Tensor:
    """Adversarial pixels (N, C, H, W) after projected steps of ``step_size`` (a share of a pixel's range).

    ``generator`` (on the images' device) draws the start, uniform in the epsilon-ball. ``evaluation`` and what is
    refused: as in ``fgsm``; also a step size or a number of steps that is negative.
    """
    if not (steps >= 0 and step_size >= 0):
        raise ValueError(f"steps={steps}, step_size={step_size}: neither may be negative")
    model, images, labels = _attackable(model, images, labels, epsilon, loss)
    x = start(images, epsilon, generator) if random_start else images.clone()
    with evaluated(model) if evaluation else nullcontext():
        for _ in range(steps):
            x = ascend(x, _finite(input_gradient(model, x, labels, loss)), images, epsilon, step_size)
    return x


def one_step(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float, loss: Loss) -> Tensor:
    """FGSM in the mode the model is in, of inputs that were looked at."""
    _, gradient = input_gradient(model, images, labels, loss)
    return ascend(images, gradient, images, epsilon, epsilon)


def start(images: Tensor, epsilon: float, generator: torch.Generator | None) -> Tensor:
    """A point drawn uniformly from each image's epsilon-ball, clamped to [0, 1]."""
    noise = torch.empty_like(images).uniform_(-epsilon, epsilon, generator=generator)
    return (images + noise).clamp(0, 1)


def _attackable(
    model: nn.Module, images: Tensor, labels: Tensor, epsilon: float, loss: str
) -> tuple[nn.Module, Tensor, Tensor]:
    """What is attacked, once it was looked at; a copy of a network that was made in inference mode."""
    if not 0 <= epsilon <= 1:
        raise ValueError(f"epsilon={epsilon}: must be from 0 to 1, a share of a pixel's range (8/255, not 8)")
    if loss not in LOSSES:
        raise ValueError(f"loss={loss!r}: must be one of {', '.join(map(repr, LOSSES))}")
    images, labels = given(model, images, labels, pixels=True)
    return copied(model) if any(p.is_inference() for p in model.parameters()) else model, images, labels


def _finite(found: tuple[Tensor, Tensor]) -> Tensor:
    """The gradient in the images, of what ``input_gradient`` gives; the sign of NaN is 0, which would look robust.

    NotFiniteError: it has NaN or infinity.
    """
    _, gradient = found
    if not gradient.isfinite().all():
        raise NotFiniteError("the loss's gradient in some image is not finite: look for overflow in the network")
    return gradient
