"""The Hessian of the mean cross-entropy in the weights: its products with weight vectors, and its top eigenvalue."""

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..computing.inputs import channels_last, check_finite, copied, learns, own_modes, together
from .lanczos import MAX_PRODUCTS, Eigenvalue, lanczos, norm, random_vector
from .twice import GradientParts, derivative, filled, gradient_parts

TOLERANCE: Final = 1e-2  # the residual that a search stops at, as a share of the value
CHUNK: Final = 512  # images whose graph is held at a time
ASIDE: Final = 0.1  # length of a start's random part, as a share of the gradient's


def top_eigenvalue(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    tolerance: float = TOLERANCE,
    chunk: int = CHUNK,
    seed: int = 0,
    max_products: int = MAX_PRODUCTS,
) -> Eigenvalue:
    """The largest eigenvalue of the Hessian over all parameters that require gradients, on pixels and labels.

    Taken in evaluation mode on a copy, so the model's parameters, buffers, gradients and mode stay as they are. Memory
    is bounded by ``chunk`` images' graph and one weight-sized vector a product; chunks are weighted by their size.
    Stops when the residual is at most ``tolerance`` times the value; if ``max_products`` do not bring it there, a
    RuntimeWarning says so. Source: Golub and Van Loan, Matrix Computations, chapter 10.

    Labels (N,) are integers, logits (N, K). ValueError: images, labels or the network are not what they must be, or the
    network cannot be copied or differentiated twice. NotFiniteError: an output or a derivative is not finite.
    """
    if not (tolerance >= 0 and chunk >= 1 and max_products >= 1):
        raise ValueError(
            f"tolerance={tolerance}, chunk={chunk}, max_products={max_products}: must be at least 0, 1 and 1"
        )
    with own_modes():
        hessian = Hessian(model, images, labels, chunk)
        found = lanczos(hessian, hessian.start(seed), tolerance, max_products)
    rounding = 1e-5 * max(abs(found.value), abs(found.smallest))  # of float32, over the whole spectrum
    if found.residual > max(tolerance * abs(found.value), rounding) and tolerance > 0:
        warnings.warn(
            f"top_eigenvalue: the residual is still {found.residual:.3g} after {found.products} products, where "
            f"{tolerance:g} of the value, {found.value:.3g}, was asked for: the value is not to be trusted",
            RuntimeWarning,
            stacklevel=2,
        )
    return found


class Hessian:
    """v -> H v for flat weight vectors of length ``size``, and where to begin to look for its top.

    What one chunk needs is computed once and kept for all products; that of more is computed again at each product,
    which bounds memory. channels_last made products 1.2 to 1.6 times as fast (M1 and StdCNN, 128 and 512 images, one
    core). ValueError, NotFiniteError: as in ``top_eigenvalue``.
    """

    def __init__(self, model: nn.Module, images: Tensor, labels: Tensor, chunk: int = CHUNK) -> None:
        images, labels = together(model, images, labels)
        self._frozen, self._parameters, images = frozen_copy(model, images, labels)
        self.size, self._count = sum(p.numel() for p in self._parameters), len(labels)
        self._chunks = list(zip(images.split(chunk), labels.split(chunk), strict=True))
        self._kept = self._parts(*self._chunks[0]) if len(self._chunks) == 1 else None

    def __call__(self, v: Tensor) -> Tensor:
        """H v."""
        directions, retain = unflatten(v, self._parameters), self._kept is not None
        return _sum(derivative(parts, directions, self._parameters, retain) for parts in self._passed())

    def gradient(self) -> Tensor:
        """The loss's gradient, but for parts that do not change with the weights."""
        return _sum(filled(parts, self._parameters) for parts in self._passed())

    def start(self, seed: int) -> Tensor:
        """Where a search for the top begins: along the gradient, and a tenth of that along a random vector.

        Gradients lie for the most part where the curvature is (Gur-Ari et al. 2018, Gradient Descent Happens in a Tiny
        Subspace); the random part sees to it that no direction is left out. Without a gradient all is random.
        """
        gradient = self.gradient()
        random = random_vector(self.size, seed).to(gradient)
        length = norm(gradient)
        if not 0 < length < math.inf:
            return random
        return gradient.mul_(norm(random) / length).add_(random, alpha=ASIDE)

    def _passed(self) -> Iterator[GradientParts]:
        """Each chunk's share of the gradient, with its graph."""
        return (self._parts(*chunk) if self._kept is None else self._kept for chunk in self._chunks)

    def _parts(self, images: Tensor, labels: Tensor) -> GradientParts:
        loss = F.cross_entropy(self._frozen(images), labels, reduction="sum") / self._count
        return gradient_parts(loss, self._parameters)


def _sum(shares: Iterable[Sequence[Tensor]]) -> Tensor:
    """The sum of all chunks' shares as one flat vector."""
    total: Tensor | None = None
    for parts in shares:
        flat = torch.cat([part.reshape(-1) for part in parts])
        total = flat if total is None else total.add_(flat)
    assert total is not None
    return total


def frozen_copy(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[nn.Module, list[nn.Parameter], Tensor]:
    """A copy in evaluation mode, its parameters that require gradients, and the images; both channels_last if they can.

    ValueError: it cannot be copied, or its output does not change with its parameters.
    """
    frozen = copied(model).eval()
    check_finite(learns(frozen, images, labels))
    images = channels_last(frozen, images, labels)
    return frozen, [p for p in frozen.parameters() if p.requires_grad], images


def unflatten(v: Tensor, like: list[nn.Parameter]) -> list[Tensor]:
    """A flat weight vector as views in the shapes of the parameters."""
    parts = v.split([p.numel() for p in like])
    return [part.view(p.shape) for part, p in zip(parts, like, strict=True)]
