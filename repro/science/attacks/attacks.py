"""FGSM and PGD in the maximum norm, on pixels in [0, 1]: one loop of steps along the sign of a gradient.

Source: Goodfellow et al. 2015 and Madry et al. 2018, as cited in the paper's Section 1. With ``loss="cross-entropy"``
both agree bit for bit with foolbox at equal parameters (PGD without its random start).

``loss="margin"`` climbs s = logsumexp over the other classes' logits, minus the true class's logit. Cross-entropy is
softplus(s), so both have gradients of the same sign in exact arithmetic; in float32 the gradient of cross-entropy
vanishes once s is below about -17 and an attack on it fails for want of a direction, not for the network's robustness.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
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


LOSSES: Final[dict[Loss, Callable[[Tensor, Tensor], Tensor]]] = {
    "cross-entropy": partial(F.cross_entropy, reduction="none"),
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


@torch.no_grad()
def right(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Which images (N, C, H, W) the model classifies rightly, (N,)."""
    logits: Tensor = model(images)
    return logits.argmax(1) == labels


@dataclass(frozen=True)
class Attack:
    """Steps up the loss along its gradient's sign, within ``epsilon`` of the image and within [0, 1].

    ``epsilon`` and ``step_size`` are shares of a pixel's range. ``random_start``: begin at a point drawn uniformly from
    the epsilon-ball, not at the image. ``restarts``: how often an image is attacked that is still classified rightly.
    ValueError: epsilon outside [0, 1], loss unknown, steps or step size negative, fewer than one restart.
    """

    epsilon: float
    steps: int
    step_size: float
    random_start: bool = True
    restarts: int = 1
    loss: Loss = "cross-entropy"

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon <= 1:
            raise ValueError(f"epsilon={self.epsilon}: must be from 0 to 1, a share of a pixel's range (8/255, not 8)")
        if not (self.steps >= 0 and self.step_size >= 0):
            raise ValueError(f"steps={self.steps}, step_size={self.step_size}: neither may be negative")
        if self.restarts < 1:
            raise ValueError(f"restarts={self.restarts}: must be at least 1")
        if self.loss not in LOSSES:
            raise ValueError(f"loss={self.loss!r}: must be one of {', '.join(map(repr, LOSSES))}")

    @classmethod
    def fgsm(cls, epsilon: float, loss: Loss = "cross-entropy") -> "Attack":
        """One step of size ``epsilon`` from the image itself."""
        return cls(epsilon, steps=1, step_size=epsilon, random_start=False, loss=loss)

    @own_modes()
    def __call__(
        self,
        model: nn.Module,
        images: Tensor,
        labels: Tensor,
        generator: torch.Generator | None = None,
        *,
        evaluation: bool = True,
    ) -> Tensor:
        """Adversarial pixels (N, C, H, W); of several restarts an image has those of the first that misleads.

        Labels (N,) are integers. ``generator`` (on the images' device) draws the starts. The model is attacked in
        evaluation mode, and each of its modules is left in the mode it was in; without ``evaluation`` it is attacked in
        the mode it is in. ValueError: images that are no pixels in [0, 1], labels or logits that do not fit them.
        NotFiniteError: NaN or infinity in what the network gives.
        """
        images, labels = given(model, images, labels, pixels=True)
        if any(p.is_inference() for p in model.parameters()):
            model = copied(model)
        with evaluated(model) if evaluation else nullcontext():
            found, _, _ = self.climb(model, self.start(images, generator), images, labels, checked=True)
            for _ in range(1, self.restarts):
                begun, left = self.start(images, generator), right(model, found, labels)
                found[left], _, _ = self.climb(model, begun[left], images[left], labels[left], checked=True)
        return found

    def start(self, images: Tensor, generator: torch.Generator | None) -> Tensor:
        """Where the first step begins: at the image, or drawn uniformly from its epsilon-ball and clamped to [0, 1]."""
        if not self.random_start:
            return images.clone()
        noise = torch.empty_like(images).uniform_(-self.epsilon, self.epsilon, generator=generator)
        return (images + noise).clamp(0, 1)

    def climb(
        self, model: nn.Module, x: Tensor, images: Tensor, labels: Tensor, drop_every: int = 0, checked: bool = False
    ) -> tuple[Tensor, Tensor, Tensor]:
        """All steps from ``x`` on, of inputs that were looked at, on the model in the mode it is in.

        Returns the last iterates, the places of their images among ``images``, and which of them were classified
        rightly at every iterate before. Every so many steps those that were not are dropped, if ``drop_every`` says so:
        what is left is computed alone. NotFiniteError: a gradient is not finite, where that is ``checked``.
        """
        places = torch.arange(len(labels), device=labels.device)
        unbroken = torch.ones_like(places, dtype=torch.bool)
        for step in range(1, self.steps + 1):
            if len(x) == 0:
                break
            logits, gradient = input_gradient(model, x, labels, self.loss)
            if checked and not gradient.isfinite().all():  # the sign of NaN is 0, which would look robust
                raise NotFiniteError(
                    "the loss's gradient in some image is not finite: look for overflow in the network"
                )
            unbroken = unbroken & (logits.argmax(1) == labels)
            x = self.step(x, gradient, images)
            if drop_every and step % drop_every == 0:
                kept = unbroken.nonzero().squeeze(1)
                x, images, labels, places, unbroken = (part[kept] for part in (x, images, labels, places, unbroken))
        return x, places, unbroken

    def step(self, x: Tensor, gradient: Tensor, images: Tensor) -> Tensor:
        """One step along the gradient's sign, back into the epsilon-ball around the images, then into [0, 1]."""
        moved = x + self.step_size * gradient.sign()
        return (images + (moved - images).clamp(-self.epsilon, self.epsilon)).clamp(0, 1)


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

    The model, its mode and what is refused are as in ``Attack``.
    """
    return Attack.fgsm(epsilon, loss)(model, images, labels, evaluation=evaluation)


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

    ``generator`` (on the images' device) draws the start, uniform in the epsilon-ball. The model, its mode and what is
    refused are as in ``Attack``.
    """
    attack = Attack(epsilon, steps, step_size, random_start, loss=loss)
    return attack(model, images, labels, generator, evaluation=evaluation)
