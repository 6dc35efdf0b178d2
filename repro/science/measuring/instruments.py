"""What is measured of the instruments before their readings are believed: of the attacks and of the eigenvalue.

Plain numbers come out; what they come to is decided in ``verdicts.instrument_checks``. A number that is also one of
``measures`` has the same name there. An attack that fails for want of a useful gradient looks like a robust network:
the numbers of the attacks are those that tell the two apart, after Athalye et al. 2018 (Obfuscated Gradients, Section
3.1) and Carlini et al. 2019 (On Evaluating Adversarial Robustness). All of them climb the margin form: that the
gradient of cross-entropy vanishes in a network that is sure of its answers is no fault of the instrument, which
``measures`` takes both ways.

Beside the training and measuring of a run of the quick regime they cost one eleventh of its time.
"""

import math
from dataclasses import asdict
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...experiment.readings import REACH
from ..attacks.accuracy import accuracy, accuracy_throughout
from ..attacks.attacks import Attack, input_gradient
from ..computing.streams import stream
from ..curvature.hessian import TOLERANCE, Hessian, frozen_copy, unflatten
from ..curvature.lanczos import MAX_PRODUCTS, Eigenvalue, Product, dot, lanczos, lanczos_pair, norm, random_vector
from ..curvature.twice import gradient_parts
from .checks import CURVED_IMAGES, IMAGES, SECOND_PRODUCTS, STEPS

OF_CHECKS: Final = ("lambda1_elsewhere", "lambda1_error")  # what ``check_curvature`` adds to what ``curvature`` gives
LARGE: Final = 0.5  # an epsilon, as a share of a pixel's range, that can make any image an even grey


def check_attacks(
    model: nn.Module, images: Tensor, labels: Tensor, epsilon: float, *, count: int = IMAGES, steps: int = STEPS
) -> dict[str, float]:
    """Numbers of the attacks on the first ``count`` pixels (N, C, H, W) and labels (N,), as shares in [0, 1].

    ``epsilon`` is a share of a pixel's range. The model is used, and left, in the mode it is in. ``images``: how many
    there were. ``noise_accuracy``: under random signs of size epsilon. ``pgd_half``, ``_double`` and ``_large``: at
    half and twice epsilon, and at ``LARGE``. ``right_without_gradient``: images classified rightly whose input gradient
    is all zeros. ``disagreement``: the largest difference between the logits of two passes, the second in halves, as a
    share of the largest logit.
    ValueError: no images.
    """
    x, y = images[:count], labels[:count]
    if len(x) == 0:
        raise ValueError("images is empty: an accuracy needs at least one image")
    logits, gradient = input_gradient(model, x, y, "margin")
    right = logits.argmax(1) == y

    def pgd(size: float) -> float:
        return accuracy_throughout(model, x, y, Attack(size, steps, REACH * size / steps, loss="margin"))

    return {
        "images": float(len(x)),
        "clean_accuracy": right.float().mean().item(),
        "noise_accuracy": accuracy(model, _noisy(x, epsilon), y),
        "fgsm_margin_accuracy": accuracy(model, Attack.fgsm(epsilon).step(x, gradient, x), y),
        "pgd_margin_accuracy": pgd(epsilon),
        "pgd_half_accuracy": pgd(epsilon / 2),
        "pgd_double_accuracy": pgd(min(2 * epsilon, 1)),
        "pgd_large_accuracy": pgd(LARGE),
        "right_without_gradient": (right & (gradient.flatten(1) == 0).all(1)).float().mean().item(),
        "disagreement": _disagreement(model, x, logits),
    }


def curvature(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """The eigenvalue as ``top_eigenvalue`` returns it: ``lambda1``, ``_residual``, ``_smallest`` and ``_products``."""
    hessian = Hessian(model, images, labels)
    return _named(lanczos(hessian, hessian.start(0), TOLERANCE, MAX_PRODUCTS))


def check_curvature(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """What ``curvature`` gives, and two numbers more from the same graph.

    ``lambda1_elsewhere``: the largest Ritz value that a second start finds orthogonal to the first one's vector. Like
    every Ritz value it is at most the top eigenvalue, so where it is larger than lambda1, lambda1 is wrong.
    ``lambda1_error``: the standard error of lambda1 for the choice of images, to first order: with the vector v held,
    v^T H v is a mean over images, of each of which its own is taken. ValueError as in ``top_eigenvalue``.
    """
    hessian = Hessian(model, images, labels)
    top, vector = lanczos_pair(hessian, hessian.start(0), TOLERANCE, MAX_PRODUCTS)
    parts = list(zip(images.split(CURVED_IMAGES), labels.split(CURVED_IMAGES), strict=True))
    curvatures = torch.cat([curvature_of_each(model, *part, vector) for part in parts])
    spread = curvatures.std() if len(images) > 1 else curvatures.abs().max()  # of one image nothing is known
    return _named(top) | {
        "lambda1_elsewhere": elsewhere(hessian, vector, second_start(model, *parts[0])),
        "lambda1_error": spread.item() / math.sqrt(len(images)),
    }


def elsewhere(product: Product, vector: Tensor, start: Tensor, products: int = SECOND_PRODUCTS) -> float:
    """The largest Ritz value of a symmetric operator away from a unit vector, after a few products from ``start``.

    All work goes where the first search did not end: from a start that is not made orthogonal to the vector, Lanczos
    would find the same one again. A start along the vector leaves nothing to search; the vector's own value stands.
    """

    def away(w: Tensor) -> Tensor:
        return w - vector * dot(vector, w)

    rest = away(start)
    if not norm(rest) > 1e-4 * norm(start):
        return dot(vector, product(vector))
    return lanczos(lambda w: away(product(w)), rest, 0.0, products).value


def second_start(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """A random weight vector with the covariance of the Gauss-Newton matrix, the dominant part of the Hessian.

    It is J^T S e with the logits' Jacobian J, S S^T = diag(p) - p p^T and e of independent normal numbers: a backward
    pass. In a direction of eigenvalue l it has variance l, where a uniform start has the same in all of a million
    directions; that saves one product in three. Where the logits do not move, it is uniform.
    """
    frozen, parameters, images = frozen_copy(model, images, labels)
    logits = frozen(images)
    root = logits.detach().softmax(1).sqrt()
    generator = torch.Generator().manual_seed(stream(0, "second start"))
    e = torch.randn(logits.shape, generator=generator, dtype=torch.float64).to(logits)
    directions = root * (e - root * (root * e).sum(1, keepdim=True))
    parts = torch.autograd.grad((logits * directions).sum(), parameters, materialize_grads=True)
    start = torch.cat([part.flatten() for part in parts])
    return start if start.any() else random_vector(len(start), stream(0, "second start")).to(images)


def curvature_of_each(model: nn.Module, images: Tensor, labels: Tensor, vector: Tensor) -> Tensor:
    """v^T H_i v (N,) for the Hessian H_i of each image's cross-entropy and a flat weight vector v.

    With the images' losses weighted by w, v^T H v is linear in w: its gradient there, a third backward pass, is all of
    them at once.
    """
    frozen, parameters, images = frozen_copy(model, images, labels)
    weights = torch.ones(len(images), dtype=images.dtype, device=images.device, requires_grad=True)
    directions = unflatten(vector, parameters)
    quadratic = (weights * F.cross_entropy(frozen(images), labels, reduction="none")).sum()
    for _ in range(2):
        parts = gradient_parts(quadratic, parameters)
        quadratic = sum(((g * directions[i]).sum() for i, g in parts), start=torch.zeros_like(quadratic))
    if not quadratic.requires_grad:
        return torch.zeros_like(weights)
    return torch.autograd.grad(quadratic, weights, materialize_grads=True)[0]


def _named(top: Eigenvalue) -> dict[str, float]:
    return {"lambda1": top.value, **{f"lambda1_{name}": n for name, n in asdict(top).items() if name != "value"}}


def _noisy(images: Tensor, epsilon: float) -> Tensor:
    generator = torch.Generator(images.device).manual_seed(stream(0, "sign noise"))
    signs = torch.empty_like(images).uniform_(-1, 1, generator=generator).sign()
    return (images + epsilon * signs).clamp(0, 1)


@torch.no_grad()
def _disagreement(model: nn.Module, images: Tensor, logits: Tensor) -> float:
    again = torch.cat([model(half) for half in images.chunk(2)])
    if torch.equal(logits.nan_to_num(), again.nan_to_num()):
        return 0.0
    share = ((logits - again).abs().max() / logits.abs().max()).item()
    return share if math.isfinite(share) else 1.0
