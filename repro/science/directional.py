"""Layers in evaluation mode, and how rates of change along a direction in the weights pass through them.

Beside a layer's input x and its output's gradient g stand their rates dx and dg along a direction v. For y = W x + b
they are dy = W dx + V x + c, where V and c are the direction's parts, and for the gradient in the weights, g x^T, the
rate dg x^T + g dx^T. Source: Pearlmutter 1994, Fast Exact Multiplication by the Hessian.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .products import back, convolve, onednn, outer, suited

Parts = Mapping[nn.Parameter, Tensor]  # a weight vector, a part for each parameter


class Rule(ABC):
    """A layer whose passes are taken in this order: ``forward``, ``backward``, then for each direction the other two.

    A rate of None is zero: that of the images, and of what precedes the first parameter.
    """

    parameters: tuple[nn.Parameter, ...] = ()

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """The output."""

    @abstractmethod
    def backward(self, g: Tensor) -> Tensor:
        """The gradient in the input, from that in the output."""

    @abstractmethod
    def along(self, dx: Tensor | None, v: Parts, /) -> Tensor | None:
        """The output's rate along ``v``."""

    @abstractmethod
    def back_along(self, dg: Tensor, v: Parts, into: Parts, /) -> Tensor:
        """The rate of the gradient in the input; adds those of the gradients in the parameters to ``into``."""


class Affine(Rule):
    """y = W x + b; ``first``: no parameter precedes it, so no gradient is wanted in its input."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, first: bool) -> None:
        self.parameters = tuple(layer.parameters())
        self._weight, *bias = self.parameters
        self._bias = bias[0] if bias else None
        self._first = first
        self._x = self._g = torch.empty(0)
        self._dx: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        self._x = x
        return self.times(x, self._weight, self._bias)

    def backward(self, g: Tensor) -> Tensor:
        self._g = g
        return g if self._first else self.back(g, self._weight)

    def along(self, dx: Tensor | None, v: Parts, /) -> Tensor:
        self._dx = dx
        dy = self.times(self._x, v[self._weight], None if self._bias is None else v[self._bias])
        return dy if dx is None else dy.add_(self.times(dx, self._weight, None))

    def back_along(self, dg: Tensor, v: Parts, into: Parts, /) -> Tensor:
        self.add_gradients(dg, self._x, into[self._weight], None if self._bias is None else into[self._bias])
        if self._dx is not None:
            self.add_gradients(self._g, self._dx, into[self._weight], None)
        if self._first:
            return dg
        return self.back(dg, self._weight).add_(self.back(self._g, v[self._weight]))

    @abstractmethod
    def times(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """W x + b for any weight and bias of the layer's shape."""

    @abstractmethod
    def back(self, g: Tensor, weight: Tensor) -> Tensor:
        """W^T g, in the input's layout."""

    @abstractmethod
    def add_gradients(self, g: Tensor, x: Tensor, into_weight: Tensor, into_bias: Tensor | None) -> None:
        """Add g x^T, and the sum of g where a bias is named."""


class Linear(Affine):
    """A linear layer on rows (..., I)."""

    def __init__(self, layer: nn.Linear, first: bool) -> None:
        super().__init__(layer, first)
        self._product = onednn if suited(layer) else F.linear

    def times(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self._product(x, weight, bias)

    def back(self, g: Tensor, weight: Tensor) -> Tensor:
        return self._product(g, weight.t())

    def add_gradients(self, g: Tensor, x: Tensor, into_weight: Tensor, into_bias: Tensor | None) -> None:
        g, x = g.flatten(0, -2), x.flatten(0, -2)
        into_weight.add_(self._product(g.t(), x.t()))
        if into_bias is not None:
            into_bias.add_(g.sum(0))


class Convolution(Affine):
    """A convolution of images (N, I, H, W)."""

    def __init__(self, layer: nn.Conv2d, first: bool) -> None:
        super().__init__(layer, first)
        self._layer = layer

    def times(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return convolve(self._layer, x, weight, bias)

    def back(self, g: Tensor, weight: Tensor) -> Tensor:
        return back(self._layer, g, self._x, weight)

    def add_gradients(self, g: Tensor, x: Tensor, into_weight: Tensor, into_bias: Tensor | None) -> None:
        gw, gb = outer(self._layer, g, x, self._weight, (True, into_bias is not None))
        for into, gradient in ((into_weight, gw), (into_bias, gb)):
            if into is not None and gradient is not None:
                into.add_(gradient)


class Norm(Rule):
    """Batch norm with fixed statistics: each channel of n = (x - mean) / deviation times a weight, plus a bias."""

    def __init__(self, layer: nn.BatchNorm2d) -> None:
        mean, variance = layer.running_mean, layer.running_var
        assert mean is not None
        assert variance is not None
        self.parameters = (layer.weight, layer.bias)
        self._mean, self._scale = _channels(mean), _channels((variance + layer.eps).rsqrt())
        self._weight, self._bias = layer.weight, layer.bias
        self._n = self._g = torch.empty(0)
        self._dn: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        self._n = (x - self._mean) * self._scale
        return self._n * _channels(self._weight) + _channels(self._bias)

    def backward(self, g: Tensor) -> Tensor:
        self._g = g
        return self._back(g, self._weight)

    def along(self, dx: Tensor | None, v: Parts, /) -> Tensor:
        dy = self._n * _channels(v[self._weight]) + _channels(v[self._bias])
        self._dn = None if dx is None else dx * self._scale
        return dy if self._dn is None else dy.add_(self._dn * _channels(self._weight))

    def back_along(self, dg: Tensor, v: Parts, into: Parts, /) -> Tensor:
        into[self._bias].add_(dg.sum((0, 2, 3)))
        into[self._weight].add_((dg * self._n).sum((0, 2, 3)))
        if self._dn is not None:
            into[self._weight].add_((self._g * self._dn).sum((0, 2, 3)))
        return self._back(dg, self._weight).add_(self._back(self._g, v[self._weight]))

    def _back(self, g: Tensor, weight: Tensor) -> Tensor:
        """The gradient in the input under a weight (C,)."""
        return g * (_channels(weight) * self._scale)


class Still(Rule):
    """A layer without parameters: its rates go the way of its gradients."""

    def along(self, dx: Tensor | None, _v: Parts, /) -> Tensor | None:
        return None if dx is None else self.slope(dx)

    def back_along(self, dg: Tensor, _v: Parts, _into: Parts, /) -> Tensor:
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
        self._x = self._places = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self._x = x
        y: Tensor
        y, self._places = torch.ops.aten.max_pool2d_with_indices(x, *self._windows)
        return y

    def backward(self, g: Tensor) -> Tensor:
        spread: Tensor = torch.ops.aten.max_pool2d_with_indices_backward(g, self._x, *self._windows, self._places)
        return spread

    def slope(self, dx: Tensor) -> Tensor:
        taken = dx.flatten(2).gather(2, self._places.flatten(2)).view(self._places.shape)
        return taken.contiguous(memory_format=torch.channels_last)


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


def _channels(x: Tensor) -> Tensor:
    return x.detach()[:, None, None]
