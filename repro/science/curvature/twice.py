"""A loss's gradient in a network's parameters, and its derivative along directions, by automatic differentiation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ...errors import named_line

GradientParts = list[tuple[int, Tensor]]  # parts of a gradient, each with its parameter's place


def gradient_parts(loss: Tensor, parameters: list[nn.Parameter]) -> GradientParts:
    """The gradient's parts that change with the weights, each with its graph.

    A parameter that the network's output does not use has none, and adds a row of zeros to the Hessian. ValueError: the
    network cannot be differentiated.
    """
    if not loss.requires_grad:
        return []
    with _said():
        grads = torch.autograd.grad(loss, parameters, create_graph=True, allow_unused=True)
    return [(i, g) for i, g in enumerate(grads) if g is not None and g.requires_grad]


def filled(parts: GradientParts, parameters: list[nn.Parameter]) -> Sequence[Tensor]:
    """A gradient without its graph, a part for each parameter; zeros where it has none."""
    found = {i: g.detach() for i, g in parts}
    return [found[i] if i in found else torch.zeros_like(p) for i, p in enumerate(parameters)]


def derivative(
    grads: GradientParts, directions: list[Tensor], parameters: list[nn.Parameter], retain: bool
) -> Sequence[Tensor]:
    """The gradient's derivative along directions, a part for each parameter; zeros where it does not depend on one.

    ``retain`` keeps the gradient's graph for the next directions. ValueError: it cannot be differentiated again.
    """
    if not grads:
        return [*map(torch.zeros_like, parameters)]
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
