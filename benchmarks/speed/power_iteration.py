"""PyHessian's power iteration as a user calls it, and what it comes to product by product."""

import warnings
from collections.abc import Sequence
from itertools import pairwise
from unittest import mock

import torch
from torch import Tensor, nn

LIMIT = 100  # PyHessian's own, of steps
TOLERANCE = 1e-3  # PyHessian's own, of its stop


def power_iteration(
    model: nn.Module, x: Tensor, y: Tensor, seed: int, steps: int = LIMIT, tolerance: float = TOLERANCE
) -> float:
    """The eigenvalue of largest magnitude, on one batch; the model's gradients are cleared."""
    from pyhessian import hessian

    torch.manual_seed(seed)
    model.zero_grad()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch, about a reference cycle, which is broken below
        found = hessian(model, torch.nn.CrossEntropyLoss(), data=(x, y), cuda=False)
        values, _ = found.eigenvalues(maxIter=steps, tol=tolerance)
    model.zero_grad()
    return float(values[0])


def estimates(model: nn.Module, x: Tensor, y: Tensor, seed: int, tolerance: float = 0.0) -> list[float]:
    """Its estimate after each product: v^T H v of the unit vector v. Without a tolerance it goes on to its limit."""
    from pyhessian import hessian

    module = __import__(hessian.__module__, fromlist=["hessian_vector_product"])
    product, found = module.hessian_vector_product, []

    def seen(gradients: list[Tensor], parameters: list[nn.Parameter], v: list[Tensor]) -> tuple[Tensor, ...]:
        image: tuple[Tensor, ...] = product(gradients, parameters, v)
        found.append(sum((a * b).sum().item() for a, b in zip(image, v, strict=True)))
        return image

    with mock.patch.object(module, "hessian_vector_product", seen):
        power_iteration(model, x, y, seed, tolerance=tolerance)
    return found


def stop(found: Sequence[float], tolerance: float) -> tuple[int, float]:
    """After how many of these estimates it stops by itself, and the one that it gives: the last but one."""
    for products, (last, new) in enumerate(pairwise(found), 2):
        if abs(last - new) / (abs(last) + 1e-6) < tolerance:
            return products, last
    return len(found), found[-1]
