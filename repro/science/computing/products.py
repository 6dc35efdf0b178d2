"""The products that a convolution and a linear layer are made of, each by the algorithm that suits its shape.

A layer y = W x + b has three that are linear in both factors: forward (W x), back to the input (W^T g), and outer, the
gradient in the weights (g x^T). First derivatives take each once, a Hessian-vector product twice; all go through here.

On a CPU and in float32 PyTorch's choice of algorithm costs the sweep most. Measured on one core of an AMD EPYC with
AVX-512, torch 2.14, against it (times of one such step):

- the gradient in an image of a convolution with few input channels: oneDNN's takes 4 to 5 times as long as a matrix
  product and a fold (M1: 11 against 2.3 ms for 64 images), which was a quarter of a step of PGD on M1 and C1;
- 5x5 convolutions of many channels: NNPACK's Fourier transform does M1's second one in 6 instead of 9 ms, where its
  tiles fit the image; its error is no larger than oneDNN's;
- matrix products of more than some million multiplications: MKL, PyTorch's choice, does not use AVX-512 on an AMD and
  ends at 115 GFLOP/s where oneDNN reaches 240 to 270 (M1's and C1's first hidden layers at batch sizes 64 and 512).

The results differ from PyTorch's in the order of sums only.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LANES: Final = 16  # numbers in a vector of AVX-512
FEW: Final = 4  # input channels whose gradient is folded: an image's
MANY: Final = 16  # channels from which on Fourier transforms pay
TILE: Final = 16  # pixels a side of NNPACK's transforms
FILLED: Final = 0.6  # share of the tiles' area that must be of use
WIDE: Final = 1 << 15  # weights of a linear layer from which on the choice of library can show
LONG: Final = 1 << 21  # multiplications of a product from which on it does; below, oneDNN takes longer to begin

Pair = tuple[int, int]


def suited(layer: nn.Module) -> bool:
    """Whether another algorithm than PyTorch's may suit one of the layer's products."""
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, Tensor) or not _single(weight):
        return False
    if type(layer) is nn.Linear:
        return _wide(weight)
    if type(layer) is nn.Conv2d and _plain(layer) is not None:
        return layer.in_channels <= FEW or _many(weight)
    return False


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b by the library that suits its size: (N, I), (O, I), (O,) to (N, O); none of the operands is copied.

    Back to the input it is g (W^T)^T, outer g^T (x^T)^T. For layers that are ``suited``.
    """
    return onednn(x, weight, bias) if len(x) * weight.numel() >= LONG else F.linear(x, weight, bias)


def onednn(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """The same by oneDNN, whatever its size."""
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


def convolve(layer: nn.Conv2d, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The layer's convolution of ``x`` (N, I, H, W) with another weight (O, I, ., .) and bias (O,)."""
    if (padding := _plain(layer)) and _suits_fourier(weight, x, padding):
        return fourier(x, weight, bias, padding)
    return F.conv2d(x, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)


def back(layer: nn.Conv2d, g: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    """The output's gradient ``g`` (N, O, ., .) carried back to the input ``x`` (N, I, H, W), in the input's layout."""
    outputs, inputs, *_ = weight.shape
    kernel = (weight.shape[2], weight.shape[3])
    if (padding := _plain(layer)) and _single(g):
        if inputs <= FEW:
            columns = weight.reshape(outputs, -1).t() @ g.reshape(len(g), outputs, -1)
            return F.fold(columns, x.shape[-2:], kernel, padding=padding)
        around = (kernel[0] - 1 - padding[0], kernel[1] - 1 - padding[1])
        turned = weight.flip(2, 3).transpose(0, 1)
        if _suits_fourier(turned, g, around):
            return fourier(g, turned, None, around).contiguous(memory_format=layout(x))
    gx, _, _ = _by_pytorch(layer, g.contiguous(memory_format=layout(x)), x, weight, (True, False, False))
    assert gx is not None
    return gx


def back_sum(layer: nn.Conv2d, pairs: Sequence[tuple[Tensor, Tensor]], x: Tensor) -> Tensor:
    """The sum of several outputs' gradients (N, O, ., .), each carried back to ``x`` (N, I, H, W) by its own weight.

    One convolution where an output's channels alone leave places of a vector empty: two of StdCNN's take 1.2 to 1.3
    times less that way (128 images).
    """
    gs, weights = zip(*pairs, strict=True)
    if _single(x) and layer.groups == 1 and len(layer.weight) % LANES and not _many(layer.weight):
        return back(layer, torch.cat(gs, 1), x, torch.cat(weights))
    first, *others = (back(layer, g, x, weight) for g, weight in pairs)
    for other in others:
        first.add_(other)
    return first


def outer(
    layer: nn.Conv2d, g: Tensor, x: Tensor, weight: Tensor, wanted: tuple[bool, bool]
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients in weight (O, I, ., .) and bias (O,), those that are wanted, of the convolution of ``x``.

    ``g`` is the gradient of its output.
    """
    _, gw, gb = _by_pytorch(layer, g.contiguous(memory_format=torch.channels_last), x, weight, (False, *wanted))
    return gw, gb


def fourier(x: Tensor, weight: Tensor, bias: Tensor | None, padding: Pair) -> Tensor:
    """A convolution with steps of 1 by NNPACK."""
    bias = weight.new_zeros(len(weight)) if bias is None else bias
    convolved: Tensor = torch._nnpack_spatial_convolution(x.contiguous(), weight.contiguous(), bias, padding, (1, 1))
    return convolved


def _single(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32


def _wide(weight: Tensor) -> bool:
    return weight.numel() >= WIDE and _has_onednn()


@cache
def _has_onednn() -> bool:
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _plain(layer: nn.Conv2d) -> Pair | None:
    """The padding of a convolution that is out of the ordinary in nothing else; None for others."""
    ordinary = layer.stride == layer.dilation == (1, 1) and layer.groups == 1 and layer.padding_mode == "zeros"
    if not ordinary or isinstance(layer.padding, str):
        return None
    height, width = layer.padding
    return height, width


def _many(weight: Tensor) -> bool:
    """Whether Fourier transforms may pay; asking also starts NNPACK."""
    return min(weight.shape[:2]) >= MANY and weight.shape[2:] == (5, 5) and torch.backends.nnpack.is_available()


def _suits_fourier(weight: Tensor, x: Tensor, padding: Pair) -> bool:
    """Whether NNPACK's transforms fit: few of a tile's pixels are beyond the image, or lost to the kernel's rim."""
    if not (_single(x) and _many(weight)):
        return False
    used = 1.0
    for side, kernel, pad in zip(x.shape[-2:], weight.shape[2:], padding, strict=True):
        whole, tile = side + 2 * pad - kernel + 1, TILE - kernel + 1
        if pad < 0 or whole <= 0:
            return False
        used *= whole / (math.ceil(whole / tile) * tile)
    return used >= FILLED


def _by_pytorch(
    layer: nn.Conv2d, g: Tensor, x: Tensor, weight: Tensor, wanted: tuple[bool, bool, bool]
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    where = [layer.stride, layer.padding, layer.dilation, False, [0, 0], layer.groups]
    found: tuple[Tensor | None, Tensor | None, Tensor | None] = torch.ops.aten.convolution_backward(
        g, x, weight, [len(weight)], *where, wanted
    )
    return found


def layout(x: Tensor) -> torch.memory_format:
    """Channels last where images lie so, else PyTorch's default."""
    last = torch.channels_last
    return last if x.is_contiguous(memory_format=last) else torch.contiguous_format
