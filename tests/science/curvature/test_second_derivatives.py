"""Second derivatives of functions that others wrote: believed where they are right, refused where they are none."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from public_functions import Given
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from repro import top_eigenvalue


class Tangent(torch.autograd.Function):
    """tanh, whose gradient is right and is a constant to whoever differentiates again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = x.tanh()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return g * (1 - y * y)


class Forgetful(Tangent):
    """The same by a backward pass on numbers that have lost their history."""

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return g.detach() * (1 - y * y)


class Faithful(Tangent):
    """tanh as it should be."""

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return g * (1 - y * y)


class Applied(nn.Module):
    def __init__(self, function: type[torch.autograd.Function]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.function.apply(x)
        return y


def layers(activation: Callable[[], nn.Module], depth: int, seed: int) -> Given:
    torch.manual_seed(seed)
    sizes = [16] + [12] * depth
    hidden = [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), activation())]
    model = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(12, 4))
    return model, torch.rand(64, 1, 4, 4), torch.arange(64) % 4


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("function", [Tangent, Forgetful])
def test_a_second_derivative_that_is_none_is_refused(
    function: type[torch.autograd.Function], depth: int, seed: int
) -> None:
    with pytest.raises(ValueError, match="the network's second derivative is not symmetric, so it is none"):
        top_eigenvalue(*layers(lambda: Applied(function), depth, seed))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_function_of_a_networks_own_that_is_right_is_believed(depth: int, seed: int) -> None:
    found = top_eigenvalue(*layers(lambda: Applied(Faithful), depth, seed), tolerance=1e-4)
    assert found.value == pytest.approx(top_eigenvalue(*layers(nn.Tanh, depth, seed), tolerance=1e-4).value, rel=1e-3)


class Refusing(torch.autograd.Function):
    """A slope that says, as some of PyTorch's own do, that it has no derivative."""

    @staticmethod
    def forward(_ctx: Any, g: Tensor, slope: Tensor) -> Tensor:
        return g * slope

    @staticmethod
    def backward(ctx: Any, _g: Tensor) -> Tensor:
        raise NotImplementedError("the derivative of this slope\nis not implemented")


class Steep(Tangent):
    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        found: Tensor = Refusing.apply(g, 1 - y * y)
        return found


def test_what_pytorch_cannot_differentiate_twice_is_one_sentence() -> None:
    with pytest.raises(
        ValueError, match="the network cannot be differentiated twice: NotImplementedError: the d"
    ) as caught:
        top_eigenvalue(*layers(lambda: Applied(Steep), 2, 0))
    assert "\n" not in str(caught.value)
