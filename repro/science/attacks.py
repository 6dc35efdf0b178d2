"""FGSM and PGD in the maximum norm, on pixels in [0, 1].

Source: Goodfellow et al. 2015 and Madry et al. 2018, as cited in the paper's Section 1. With ``loss="cross-entropy"``
both agree bit for bit with foolbox at equal parameters (PGD without its random start).

``loss="margin"`` climbs s = logsumexp over the other classes' logits, minus the true class's logit. Cross-entropy is
softplus(s), so both have gradients of the same sign in exact arithmetic; in float32 the gradient of cross-entropy
vanishes once s is below about -17 and an attack on it fails for want of a direction, not for the network's robustness.
"""

from collections.abc import Callable
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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
    (gradient,) = torch.autograd.grad(LOSSES[loss](logits, labels).sum(), x)
    return logits.detach(), gradient


def ascend(x: Tensor, gradient: Tensor, origin: Tensor, epsilon: float, step_size: float) -> Tensor:
    """One signed-gradient step, back into the epsilon-ball around ``origin``, then into [0, 1]."""
    moved = x + step_size * gradient.sign()
    return (origin + (moved - origin).clamp(-epsilon, epsilon)).clamp(0, 1)


def fgsm(model: nn.Module, images: Tensor, labels: Tensor, epsilon: float, *, loss: Loss = "cross-entropy") -> Tensor:
    """Adversarial pixels (N, C, H, W): one step of size ``epsilon`` (a share of a pixel's range) along the sign.

    The model is used in the mode it is in; put it in evaluation mode. ValueError: epsilon negative, loss unknown.
    """
    _check(epsilon, loss)
    _, gradient = input_gradient(model, images, labels, loss)
    return ascend(images, gradient, images, epsilon, epsilon)


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
) -> Tensor:
    """Adversarial pixels (N, C, H, W) after projected steps of ``step_size`` (a share of a pixel's range).

    ``generator`` (on the images' device) draws the start, uniform in the epsilon-ball. ValueError: epsilon, step size
    or number of steps negative, loss unknown.
    """
    _check(epsilon, loss)
    if not (steps >= 0 and step_size >= 0):
        raise ValueError(f"steps={steps}, step_size={step_size}: neither may be negative")
    x = start(images, epsilon, generator) if random_start else images
    for _ in range(steps):
        _, gradient = input_gradient(model, x, labels, loss)
        x = ascend(x, gradient, images, epsilon, step_size)
    return x


def start(images: Tensor, epsilon: float, generator: torch.Generator | None) -> Tensor:
    """A point drawn uniformly from each image's epsilon-ball, clamped to [0, 1]."""
    noise = torch.empty_like(images).uniform_(-epsilon, epsilon, generator=generator)
    return (images + noise).clamp(0, 1)


def _check(epsilon: float, loss: str) -> None:
    if not epsilon >= 0:
        raise ValueError(f"epsilon={epsilon}: must be a number of at least 0, in units of a pixel's range [0, 1]")
    if loss not in LOSSES:
        raise ValueError(f"loss={loss!r}: must be one of {', '.join(map(repr, LOSSES))}")
