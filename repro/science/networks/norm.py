"""Batch norm that keeps its digits on a CPU.

In training PyTorch's own adds up a channel of channels_last images in single precision, one square after the other: at
batch size 512 its output was off by 2e-4 and C1's first gradient by 1.4%. Here each sum is PyTorch's ``mean`` or
``sum``, which add up partial sums, and the output is right to 1e-7. A step of C1 takes a hundredth longer for it, one
of a narrow ResNet18 three to seven hundredths (one core of an AMD EPYC, batch sizes 64 to 512).
"""

from typing import Any

import torch
from torch import Tensor, nn

PLACES = (0, 2, 3)  # images, rows and columns: what a channel is summed over


class BatchNorm(nn.BatchNorm2d):
    """``nn.BatchNorm2d`` with the same weights, buffers and running statistics, for images (N, C, H, W).

    In training on a CPU in float32 the sums are exact to the last digits, and only first derivatives can be taken: to
    differentiate twice raises RuntimeError. Elsewhere it is PyTorch's own.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Each channel less its mean and over its deviation, times a weight, plus a bias."""
        values = x.numel() // x.shape[1]
        if not self.training or x.device.type != "cpu" or x.dtype != torch.float32 or values < 2:
            return super().forward(x)  # which refuses to take a variance of a single value
        y, mean, variance = _Normalised.apply(x, self.weight, self.bias, self.eps)
        self._follow(mean.flatten(), variance.flatten() * (values / (values - 1)))
        normalised: Tensor = y
        return normalised

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards those of a batch (C,)."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        self.num_batches_tracked += 1


class _Normalised(torch.autograd.Function):
    """Images normalised by their own mean and variance, which are returned too, as constants (1, C, 1, 1).

    With n = (x - mean) / deviation, y = weight n + bias and the gradient g in y, that in x is the part of
    weight g / deviation which has neither a mean nor a share of n.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        mean = x.mean(PLACES, keepdim=True)
        n = x - mean
        variance = n.square().mean(PLACES, keepdim=True)
        scale = (variance + eps).rsqrt()
        n *= scale
        ctx.save_for_backward(n, weight, scale)
        ctx.mark_non_differentiable(mean, variance)
        return torch.addcmul(_channels(bias), n, _channels(weight)), mean, variance

    @staticmethod
    def backward(ctx: Any, g: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        if torch.is_grad_enabled():  # torch's once_differentiable would take the gradient for a constant
            raise RuntimeError("batch norm in training: only first derivatives can be taken of it")
        n, weight, scale = ctx.saved_tensors
        in_weight, in_bias = (g * n).sum(PLACES), g.sum(PLACES)
        values = g.numel() // g.shape[1]
        # laid out as the images are, not as g: oneDNN's next convolution may fault on another layout (see ``inputs``)
        in_x = torch.empty_like(n)
        torch.addcmul(g - _channels(in_bias / values), n, _channels(in_weight / values), value=-1, out=in_x)
        in_x *= scale * _channels(weight)
        return in_x, in_weight, in_bias, None


def _channels(x: Tensor) -> Tensor:
    """A number for each channel (C,) as (C, 1, 1)."""
    return x[:, None, None]
