"""Faster first derivatives on a CPU, for the three places where PyTorch's choice of algorithm costs the sweep most.

Measured on one core of an AMD EPYC with AVX-512, torch 2.14, against PyTorch's own choice (times of one such step):

- the gradient in an image of a convolution with few input channels: oneDNN's takes 4 to 5 times as long as a matrix
  product and a fold (M1: 11 against 2.3 ms for 64 images), which was a quarter of a step of PGD on M1 and C1;
- 5x5 convolutions of many channels: NNPACK's Fourier transform does M1's second one in 6 instead of 9 ms, where its
  tiles fit the image; its error is no larger than oneDNN's;
- wide linear layers: oneDNN's matrix product reaches 84 GFLOP/s where MKL, PyTorch's choice, reaches 66 on this AMD
  (M1's first hidden layer at batch size 64; 103 against 86 at 512).

Together: training M1 1.2 times as fast at batch size 64 and 1.1 times at 512; an attack's step 1.5 times on M1, 1.3
times on C1. StdCNN's training is left as it is. The results differ from PyTorch's in the order of sums only.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

FEW: Final = 4  # input channels whose gradient is folded: an image's
MANY: Final = 16  # channels from which on Fourier transforms pay
TILE: Final = 16  # pixels a side of NNPACK's transforms
FILLED: Final = 0.6  # share of the tiles' area that must be of use
WIDE: Final = 1 << 20  # weights of a linear layer from which on the choice of library shows

Pair = tuple[int, int]


@contextmanager
def first_order(model: nn.Module, *, in_weights: bool = True) -> Iterator[None]:
    """Within it, the network's slow layers compute faster on a CPU, in float32.

    Only first derivatives can be taken: differentiating twice raises RuntimeError. Without ``in_weights`` those layers'
    weights are constants, as an attack needs it. The network's parameters, hooks and class stay as they are, and
    elsewhere than on a CPU so does the arithmetic.
    """
    faster = {layer: forward for layer in model.modules() if (forward := _faster(layer, in_weights)) is not None}
    for layer, forward in faster.items():
        layer.forward = forward
    try:
        yield
    finally:
        for layer in faster:
            del layer.forward  # the class's own again


def _faster(layer: nn.Module, in_weights: bool) -> Callable[[Tensor], Tensor] | None:
    """A layer's other forward function, if it gains from one."""
    weight = getattr(layer, "weight", None)
    if "forward" in vars(layer):  # it has one of its own: a caller's, or ours from further out
        return None
    if not isinstance(weight, Tensor) or weight.device.type != "cpu" or weight.dtype != torch.float32:
        return None
    if type(layer) is nn.Linear and weight.numel() >= WIDE and _onednn():
        return partial(_linear, layer, in_weights)
    if type(layer) is nn.Conv2d and _plain(layer):
        few = layer.in_channels <= FEW
        many = min(weight.shape[:2]) >= MANY and weight.shape[2:] == (5, 5) and torch.backends.nnpack.is_available()
        return partial(_convolve, layer, in_weights) if few or many else None
    return None


def _plain(layer: nn.Conv2d) -> bool:
    return (
        layer.stride == layer.dilation == (1, 1)
        and layer.groups == 1
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
    )


@cache
def _onednn() -> bool:
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _linear(layer: nn.Linear, in_weights: bool, x: Tensor) -> Tensor:
    weight, bias = _weights(layer, in_weights)
    if x.dim() != 2:
        return F.linear(x, weight, bias)
    product: Tensor = _Linear.apply(x, weight, bias)
    return product


def _convolve(layer: nn.Conv2d, in_weights: bool, x: Tensor) -> Tensor:
    weight, bias = _weights(layer, in_weights)
    if x.dim() != 4 or not (x.requires_grad or layer.in_channels > FEW):
        return F.conv2d(x, weight, bias, padding=layer.padding)
    convolved: Tensor = _Convolution.apply(x, weight, bias, layer.padding)
    return convolved


def _weights(layer: nn.Linear | nn.Conv2d, wanted: bool) -> tuple[Tensor, Tensor | None]:
    """Weight and bias; as constants where no gradient in them is wanted, which a function of ours cannot find out."""
    if wanted:
        return layer.weight, layer.bias
    return layer.weight.detach(), None if layer.bias is None else layer.bias.detach()


def _refuse_second_order() -> None:
    """torch's ``once_differentiable`` is not enough: under autograd.grad its outputs are taken for constants."""
    if torch.is_grad_enabled():  # a graph of the gradient is wanted
        raise RuntimeError("first_order: only first derivatives can be taken of the network within it")


class _Linear(torch.autograd.Function):
    """x W^T + b by oneDNN's matrix product, and its two gradients likewise: none of the operands is copied."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _times(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        _refuse_second_order()
        x, weight = ctx.saved_tensors
        in_x, in_weight, in_bias = ctx.needs_input_grad
        return (
            _times(g, weight.t()) if in_x else None,
            _times(g.t(), x.t()) if in_weight else None,
            g.sum(0) if in_bias else None,
        )


def _times(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b: (N, I), (O, I), (O,) to (N, O)."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


class _Convolution(torch.autograd.Function):
    """A convolution with steps of 1, each of its three products by the algorithm that suits its shape."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: Pair) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.padding = padding
        if _suits_fourier(weight, x.shape[-2:], padding):
            return _fourier(x, weight, bias, padding)
        return F.conv2d(x, weight, bias, padding=padding)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        _refuse_second_order()
        x, weight = ctx.saved_tensors
        in_x, in_weight, in_bias, _ = ctx.needs_input_grad
        gx = _gradient_in_input(g, x, weight, ctx.padding) if in_x else None
        gw = gb = None
        if in_weight or in_bias:
            g = g.contiguous(memory_format=torch.channels_last)
            _, gw, gb = _by_pytorch(g, x, weight, ctx.padding, [False, in_weight, in_bias])
        return gx, gw, gb, None


def _gradient_in_input(g: Tensor, x: Tensor, weight: Tensor, padding: Pair) -> Tensor:
    """The output's gradient (N, O, ., .) carried back to the input (N, I, H, W), in the input's layout."""
    outputs, inputs, *_ = weight.shape
    kernel = (weight.shape[2], weight.shape[3])
    if inputs <= FEW:
        columns = weight.reshape(outputs, -1).t() @ g.reshape(len(g), outputs, -1)
        return F.fold(columns, x.shape[-2:], kernel, padding=padding)
    around = (kernel[0] - 1 - padding[0], kernel[1] - 1 - padding[1])
    turned = weight.flip(2, 3).transpose(0, 1)
    if _suits_fourier(turned, g.shape[-2:], around):
        return _fourier(g, turned, None, around).contiguous(memory_format=_layout(x))
    gx, _, _ = _by_pytorch(g.contiguous(memory_format=_layout(x)), x, weight, padding, [True, False, False])
    assert gx is not None
    return gx


def _suits_fourier(weight: Tensor, size: torch.Size, padding: Pair) -> bool:
    """Whether NNPACK's transforms fit: few of a tile's pixels are beyond the image, or lost to the kernel's rim."""
    if min(weight.shape[:2]) < MANY or not torch.backends.nnpack.is_available():  # asking also starts the library
        return False
    used = 1.0
    for side, kernel, pad in zip(size, weight.shape[2:], padding, strict=True):
        whole, tile = side + 2 * pad - kernel + 1, TILE - kernel + 1
        if pad < 0 or whole <= 0:
            return False
        used *= whole / (math.ceil(whole / tile) * tile)
    return used >= FILLED


def _fourier(x: Tensor, weight: Tensor, bias: Tensor | None, padding: Pair) -> Tensor:
    bias = weight.new_zeros(len(weight)) if bias is None else bias
    convolved: Tensor = torch._nnpack_spatial_convolution(x.contiguous(), weight.contiguous(), bias, padding, (1, 1))
    return convolved


def _by_pytorch(g: Tensor, x: Tensor, weight: Tensor, padding: Pair, wanted: list[bool]) -> tuple[Tensor | None, ...]:
    once, none = [1, 1], [0, 0]
    found: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
        g, x, weight, [len(weight)], once, padding, once, False, none, 1, wanted
    )
    return found


def _layout(x: Tensor) -> torch.memory_format:
    last = torch.channels_last
    return last if x.is_contiguous(memory_format=last) else torch.contiguous_format
