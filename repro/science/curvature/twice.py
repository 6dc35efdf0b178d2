"""The Hessian's product with a direction by differentiating twice, for any network that PyTorch differentiates so."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import named_line

Chunk = tuple[Tensor, Tensor]  # images and labels


class Twice:
    """Each chunk's share of the loss's derivatives, a part for each parameter.

    ``frozen`` is in evaluation mode; ``chunks`` are images and labels. ValueError: the network cannot be differentiated
    twice, or what it gives as its second derivative is none.
    """

    def __init__(self, frozen: nn.Module, parameters: list[nn.Parameter], chunks: list[Chunk]) -> None:
        self._frozen, self._parameters, self._chunks = frozen, parameters, chunks
        self._count = sum(len(labels) for _, labels in chunks)
        self._kept = self._parts(*chunks[0]) if len(chunks) == 1 else None
        self._check_symmetry()

    def gradient(self) -> Iterator[Sequence[Tensor]]:
        for parts in self._passed():
            found = {i: g.detach() for i, g in parts}
            yield [found[i] if i in found else torch.zeros_like(p) for i, p in enumerate(self._parameters)]

    def along(self, directions: list[Tensor]) -> Iterator[Sequence[Tensor]]:
        for parts in self._passed():
            yield _derivative(parts, directions, self._parameters, self._kept is not None)

    def _check_symmetry(self) -> None:
        """A second derivative is symmetric; one of a function that forgets what its gradient hangs on is not.

        Right ones differed by 1e-6 of the products' lengths, wrong ones by 5e-3 and more (30 small networks; PyTorch's
        own weight norm, in version 2.14, was among the wrong ones). It costs two products.
        """
        generator = torch.Generator("cpu").manual_seed(0)
        v, w = ([_drawn(p, generator) for p in self._parameters] for _ in range(2))
        hv, hw = (_total(self.along(direction)) for direction in (v, w))
        difference = abs(_inner(v, hw) - _inner(w, hv))
        if difference > 1e-3 * math.sqrt(max(_inner(hv, hv), _inner(hw, hw))):
            raise ValueError(
                "the network's second derivative is not symmetric, so it is none: some function in it differentiates "
                "once only (once_differentiable, a backward pass on detached tensors, PyTorch's weight norm)"
            )

    def _passed(self) -> Iterator[list[tuple[int, Tensor]]]:
        return (self._parts(*chunk) if self._kept is None else self._kept for chunk in self._chunks)

    def _parts(self, x: Tensor, y: Tensor) -> list[tuple[int, Tensor]]:
        loss = F.cross_entropy(self._frozen(x), y, reduction="sum") / self._count
        return gradient_parts(loss, self._parameters)


def _drawn(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator, dtype=torch.float32, device="cpu").to(like)


def _total(shares: Iterable[Sequence[Tensor]]) -> list[Tensor]:
    return [torch.stack(parts).sum(0) for parts in zip(*shares, strict=True)]


def _inner(v: Sequence[Tensor], w: Sequence[Tensor]) -> float:
    return sum((a.double() * b).sum().item() for a, b in zip(v, w, strict=True))


def gradient_parts(loss: Tensor, parameters: list[nn.Parameter]) -> list[tuple[int, Tensor]]:
    """The gradient's parts that change with the weights, each with its parameter's place.

    A parameter that the network's output does not use has none, and adds a row of zeros to the Hessian.
    """
    if not loss.requires_grad:
        return []
    with _said():
        grads = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
    return [(i, g) for i, g in enumerate(grads) if g is not None and g.requires_grad]


def _derivative(
    grads: list[tuple[int, Tensor]], directions: list[Tensor], parameters: list[nn.Parameter], retain: bool
) -> tuple[Tensor, ...]:
    """The gradient's derivative along a direction, a part for each parameter; zeros where it does not depend on one."""
    if not grads:
        return tuple(map(torch.zeros_like, parameters))
    parts, along = [g for _, g in grads], [directions[i] for i, _ in grads]
    with _said():
        return torch.autograd.grad(parts, parameters, along, retain_graph=retain, materialize_grads=True)


@contextmanager
def _said() -> Iterator[None]:
    """What PyTorch says of a network that it cannot differentiate, as a ValueError."""
    try:
        yield
    except torch.OutOfMemoryError:  # which says nothing of the network
        raise
    except (RuntimeError, NotImplementedError) as error:
        raise ValueError(f"the network cannot be differentiated twice: {named_line(error)}") from error
