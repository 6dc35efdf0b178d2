"""Layers in evaluation mode, and how rates of change along a direction in the weights pass through them.

Beside a layer's input x and its output's gradient g stand their rates dx and dg along a direction v. For y = W x + b
they are dy = W dx + V x + c, where V and c are the direction's parts, and for the gradient in the weights, g x^T, the
rate dg x^T + g dx^T; the gradient in the input, W^T g, has W^T dg + V^T g. Source: Pearlmutter 1994, Fast Exact
Multiplication by the Hessian.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..computing.products import back, back_sum, convolve, linear, outer, suited

Parts = Mapping[nn.Parameter, Tensor]  # a weight vector, a part for each parameter
Rates = dict[nn.Parameter, Tensor]  # of the gradients in the parameters (or these themselves), as far as they are known


class Rule(ABC):
    """A layer whose passes are taken in this order: ``forward``, ``backward``, then for each direction the other two.

    After the first two ``gradients`` are known. A rate of None is zero: that of the images, and of what precedes the
    first parameter.
    """

    parameters: tuple[nn.Parameter, ...] = ()

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """The output."""

    @abstractmethod
    def backward(self, g: Tensor) -> Tensor:
        """The gradient in the input, from that in the output."""

    def gradients(self, found: Rates, /) -> None:  # noqa: B027  # of no parameters there are none
        """Add the gradients in the parameters, of the last two passes, to ``found``."""

    @abstractmethod
    def along(self, dx: Tensor | None, v: Parts, /) -> Tensor | None:
        """The output's rate along ``v``."""

    @abstractmethod
    def back_along(self, dg: Tensor, v: Parts, rates: Rates, /) -> Tensor:
        """The rate of the gradient in the input; adds those of the gradients in the parameters to ``rates``."""


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

    def gradients(self, found: Rates, /) -> None:
        self._add_outer(found, self._g, None)

    def along(self, dx: Tensor | None, v: Parts, /) -> Tensor:
        self._dx = dx
        dy = self.times(self._x, v[self._weight], None if self._bias is None else v[self._bias])
        return dy if dx is None else dy.add_(self.times(dx, self._weight, None))

    def back_along(self, dg: Tensor, v: Parts, rates: Rates, /) -> Tensor:
        self._add_outer(rates, dg, self._dx)
        return dg if self._first else self.back_rate(dg, v[self._weight])

    def _add_outer(self, rates: Rates, dg: Tensor, dx: Tensor | None) -> None:
        weight, bias = self.outer_rate(dg, dx)
        _add(rates, self._weight, weight)
        if self._bias is not None and bias is not None:
            _add(rates, self._bias, bias)

    @abstractmethod
    def times(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """W x + b for any weight and bias of the layer's shape."""

    @abstractmethod
    def back(self, g: Tensor, weight: Tensor) -> Tensor:
        """W^T g, in the input's layout."""

    @abstractmethod
    def back_rate(self, dg: Tensor, direction: Tensor) -> Tensor:
        """W^T dg + V^T g."""

    @abstractmethod
    def outer_rate(self, dg: Tensor, dx: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """dg x^T + g dx^T, and the sum of dg where there is a bias."""


class Linear(Affine):
    """A linear layer on rows (..., I)."""

    def __init__(self, layer: nn.Linear, first: bool) -> None:
        super().__init__(layer, first)
        self._product = linear if suited(layer) else F.linear

    def times(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self._product(x, weight, bias)

    def back(self, g: Tensor, weight: Tensor) -> Tensor:
        return self._product(g, weight.t())

    def back_rate(self, dg: Tensor, direction: Tensor) -> Tensor:
        return self.back(dg, self._weight).add_(self.back(self._g, direction))

    def outer_rate(self, dg: Tensor, dx: Tensor | None) -> tuple[Tensor, Tensor | None]:
        g, x = dg.flatten(0, -2), self._x.flatten(0, -2)
        bias = None if self._bias is None else g.sum(0)
        if dx is not None:  # both are one product over twice the rows: M1's weights are written once
            g, x = torch.cat([g, self._g.flatten(0, -2)]), torch.cat([x, dx.flatten(0, -2)])
        return self._product(g.t(), x.t()), bias


class Convolution(Affine):
    """A convolution of images (N, I, H, W)."""

    def __init__(self, layer: nn.Conv2d, first: bool) -> None:
        super().__init__(layer, first)
        self._layer = layer

    def times(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return convolve(self._layer, x, weight, bias)

    def back(self, g: Tensor, weight: Tensor) -> Tensor:
        return back(self._layer, g, self._x, weight)

    def back_rate(self, dg: Tensor, direction: Tensor) -> Tensor:
        return back_sum(self._layer, ((dg, self._weight), (self._g, direction)), self._x)

    def outer_rate(self, dg: Tensor, dx: Tensor | None) -> tuple[Tensor, Tensor | None]:
        weight, bias = outer(self._layer, dg, self._x, self._weight, (True, self._bias is not None))
        assert weight is not None
        if dx is not None:
            further, _ = outer(self._layer, self._g, dx, self._weight, (True, False))
            assert further is not None
            weight.add_(further)
        return weight, bias


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

    def gradients(self, found: Rates, /) -> None:
        self._add_outer(found, self._g)

    def back_along(self, dg: Tensor, v: Parts, rates: Rates, /) -> Tensor:
        self._add_outer(rates, dg)
        if self._dn is not None:
            _add(rates, self._weight, (self._g * self._dn).sum((0, 2, 3)))
        return self._back(dg, self._weight).add_(self._back(self._g, v[self._weight]))

    def _add_outer(self, rates: Rates, dg: Tensor) -> None:
        _add(rates, self._bias, dg.sum((0, 2, 3)))
        _add(rates, self._weight, (dg * self._n).sum((0, 2, 3)))

    def _back(self, g: Tensor, weight: Tensor) -> Tensor:
        """The gradient in the input under a weight (C,)."""
        return g * (_channels(weight) * self._scale)


def _add(rates: Rates, parameter: nn.Parameter, rate: Tensor) -> None:
    rates[parameter] = rates[parameter] + rate if parameter in rates else rate


def _channels(x: Tensor) -> Tensor:
    return x.detach()[:, None, None]
