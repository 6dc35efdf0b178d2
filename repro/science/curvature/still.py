"""Layers without parameters, whose rates of change go the way of their gradients; see ``directional``."""

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .directional import Parts, Rates, Rule


class Still(Rule):
    """A layer without parameters: its rates go the way of its gradients."""

    def along(self, dx: Tensor | None, _v: Parts, /) -> Tensor | None:
        return None if dx is None else self.slope(dx)

    def back_along(self, dg: Tensor, _v: Parts, _rates: Rates, /) -> Tensor:
        return self.backward(dg)

    @abstractmethod
    def slope(self, dx: Tensor) -> Tensor:
        """The layer's derivative at the images, times a rate of its input."""


class Relu(Still):
    """max(x, 0); at 0 the slope is 0, as PyTorch has it."""

    def __init__(self) -> None:
        self._y = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self._y = F.relu(x)
        return self._y

    def backward(self, g: Tensor) -> Tensor:
        return self.slope(g)

    def slope(self, dx: Tensor) -> Tensor:
        passed: Tensor = torch.ops.aten.threshold_backward(dx, self._y, 0)
        return passed


class MaxPool(Still):
    """The largest of each window, and what goes with it."""

    def __init__(self, layer: nn.MaxPool2d) -> None:
        sizes = (layer.kernel_size, layer.stride, layer.padding, layer.dilation)
        self._windows = [*([size, size] if isinstance(size, int) else list(size) for size in sizes), layer.ceil_mode]
        self._x = self._places = self._rows = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self._x = x
        y: Tensor
        y, self._places = torch.ops.aten.max_pool2d_with_indices(x, *self._windows)
        self._rows = _rows(self._places)
        return y

    def backward(self, g: Tensor) -> Tensor:
        spread: Tensor = torch.ops.aten.max_pool2d_with_indices_backward(g, self._x, *self._windows, self._places)
        return spread

    def slope(self, dx: Tensor) -> Tensor:
        taken = _rows(dx).gather(1, self._rows)
        images, channels, *sides = self._places.shape
        return taken.view(images, *sides, channels).permute(0, 3, 1, 2)  # channels_last


class Fixed(Still):
    """A layer that is linear but for a constant: itself, without its constant, and transposed to its input's shape."""

    def __init__(
        self,
        layer: Callable[[Tensor], Tensor],
        linear: Callable[[Tensor], Tensor],
        transposed: Callable[[Tensor, torch.Size], Tensor],
    ) -> None:
        self._layer, self._linear, self._transposed = layer, linear, transposed
        self._shape = torch.Size()

    def forward(self, x: Tensor) -> Tensor:
        self._shape = x.shape
        return self._layer(x)

    def backward(self, g: Tensor) -> Tensor:
        return self._transposed(g, self._shape)

    def slope(self, dx: Tensor) -> Tensor:
        return self._linear(dx)


def _rows(x: Tensor) -> Tensor:
    """Images (N, C, H, W) as (N, H W, C): no copy where they are channels_last."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)
