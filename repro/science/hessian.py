"""The Hessian of the mean cross-entropy in the weights: its products with weight vectors, and its top eigenvalue."""

import copy
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .lanczos import MAX_PRODUCTS, Eigenvalue, Product, lanczos, random_vector
from .second_order import Passes, passes

Chunk = tuple[Tensor, Tensor]  # images and labels
Along = Callable[[list[Tensor]], Iterator[Sequence[Tensor]]]  # from v to each chunk's share of H v, by parameter


def top_eigenvalue(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    tolerance: float = 1e-2,
    chunk: int = 512,
    seed: int = 0,
    max_products: int = MAX_PRODUCTS,
) -> Eigenvalue:
    """The largest eigenvalue of the Hessian over all parameters that require gradients, on pixels and labels.

    Taken in evaluation mode on a copy, so the model's parameters, buffers, gradients and mode stay as they are. Memory
    is bounded by ``chunk`` images' graph and one weight-sized vector a product; chunks are weighted by their size.
    Stops when the residual is at most ``tolerance`` times the value. Source: Golub and Van Loan, Matrix Computations,
    chapter 10. ValueError: no images, or nothing requires gradients.
    """
    if len(images) == 0:
        raise ValueError("images is empty: the loss needs at least one image")
    hessian, size = hessian_operator(model, images, labels, chunk)
    start = random_vector(size, seed).to(images)
    return lanczos(hessian, start, tolerance, max_products)


def hessian_operator(model: nn.Module, images: Tensor, labels: Tensor, chunk: int) -> tuple[Product, int]:
    """v -> H v for flat weight vectors, and their length.

    By hand where the network's layers are known (see ``second_order``), else by differentiating twice. What one chunk
    needs is computed once and kept for all products; that of more is computed again at each product, which bounds
    memory. channels_last made products 1.2 to 1.6 times as fast (M1 and StdCNN, 128 and 512 images, one core).
    """
    frozen, parameters, images = frozen_copy(model, images)
    chunks = list(zip(images.split(chunk), labels.split(chunk), strict=True))
    known = passes(frozen, parameters)
    along = _twice(frozen, parameters, chunks) if known is None else _by_hand(known, chunks)

    def product(v: Tensor) -> Tensor:
        total: Tensor | None = None
        for parts in along(unflatten(v, parameters)):
            flat = torch.cat([part.reshape(-1) for part in parts]).to(v)
            total = flat if total is None else total.add_(flat)
        assert total is not None
        return total

    return product, sum(p.numel() for p in parameters)


def _by_hand(known: Passes, chunks: list[Chunk]) -> Along:
    count = sum(len(labels) for _, labels in chunks)
    if len(chunks) == 1:
        known.first(*chunks[0], count)

    def along(directions: list[Tensor]) -> Iterator[Sequence[Tensor]]:
        for chunk in chunks:
            if len(chunks) > 1:
                known.first(*chunk, count)
            yield known.along(directions)

    return along


def _twice(frozen: nn.Module, parameters: list[nn.Parameter], chunks: list[Chunk]) -> Along:
    count = sum(len(labels) for _, labels in chunks)

    def gradient(x: Tensor, y: Tensor) -> list[tuple[int, Tensor]]:
        return gradient_parts(F.cross_entropy(frozen(x), y, reduction="sum") / count, parameters)

    kept = gradient(*chunks[0]) if len(chunks) == 1 else None

    def along(directions: list[Tensor]) -> Iterator[Sequence[Tensor]]:
        for x, y in chunks:
            yield _derivative(gradient(x, y) if kept is None else kept, directions, parameters, kept is not None)

    return along


def frozen_copy(model: nn.Module, images: Tensor) -> tuple[nn.Module, list[nn.Parameter], Tensor]:
    """A copy in evaluation mode, its parameters that require gradients, and the images; both channels_last.

    ValueError: no parameter requires gradients.
    """
    frozen = copy.deepcopy(model).eval()
    if images.dim() == 4:
        frozen = frozen.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    parameters = [p for p in frozen.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError("no parameter of the model requires gradients, so there is no Hessian")
    return frozen, parameters, images


def gradient_parts(loss: Tensor, parameters: list[nn.Parameter]) -> list[tuple[int, Tensor]]:
    """The gradient's parts that change with the weights, each with its parameter's place.

    A parameter that the network's output does not use has none, and adds a row of zeros to the Hessian.
    """
    if not loss.requires_grad:
        return []
    grads = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
    return [(i, g) for i, g in enumerate(grads) if g is not None and g.requires_grad]


def _derivative(
    grads: list[tuple[int, Tensor]], directions: list[Tensor], parameters: list[nn.Parameter], retain: bool
) -> tuple[Tensor, ...]:
    """The gradient's derivative along a direction, a part for each parameter; zeros where it does not depend on one."""
    if not grads:
        return tuple(map(torch.zeros_like, parameters))
    parts, along = [g for _, g in grads], [directions[i] for i, _ in grads]
    return torch.autograd.grad(parts, parameters, along, retain_graph=retain, materialize_grads=True)


def unflatten(v: Tensor, like: list[nn.Parameter]) -> list[Tensor]:
    """A flat weight vector as views in the shapes of the parameters."""
    parts = v.split([p.numel() for p in like])
    return [part.view(p.shape) for part, p in zip(parts, like, strict=True)]
