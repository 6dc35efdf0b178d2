"""The paper's four networks, returning logits for pixels in [0, 1].

Source: Table 1 and Appendix A. What the table leaves open is named here:

- convolutions have steps of 1, and no padding in M1 and StdCNN; a ReLU follows each of them and each hidden layer;
- C1's convolutions are padded by 2, as in the code of Yao et al., whose network it is (1,756,682 weights);
- ``MP(2,2)`` is a 2x2 maximum over steps of 2; C1's ``MP(3,3)`` is a 3x3 maximum over steps of 2 with padding 1, as in
  the code of Yao et al. (a step of 3 would leave C1 a quarter of the 4,096 numbers that it flattens);
- C1 applies batch norm after pooling, as the table's order says; in the code of Yao et al. it comes between ReLU and
  pooling (``pool_last``);
- where pooling follows a ReLU, the maximum is taken first: a ReLU keeps the order of its inputs, so that output and
  gradient are the same to the last bit, and is left with a quarter of them (C1 without padding trained 1.07 times as
  fast so);
- ``SM(10)`` is the softmax, which is left to the loss: networks return logits;
- ResNet18 is He et al.'s in its usual form for 32x32 images: a 3x3 stem and no pooling after it;
- initial weights are PyTorch's defaults; the paper names none.

Where a data set is standardised, that is the network's first layer, so attacks and users always work on pixels.
"""

import pkgutil
from collections.abc import Collection
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...experiment.datasets import MNIST_MEAN, MNIST_STD, Dataset
from ...experiment.tasks import Task
from ...experiment.trained_as import HE, POOL_LAST, UNSTANDARDISED
from .dropout import Dropout
from .norm import BatchNorm

CLASSES: Final = 10


class Standardise(nn.Module):
    """(x - mean) / std, with constants that travel with the network's device but are no parameters."""

    def __init__(self, mean: float, std: float) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std

    def extra_repr(self) -> str:
        return f"mean={self.mean}, std={self.std}"


def _conv(inputs: int, outputs: int, kernel: int, *pool: nn.Module) -> tuple[nn.Module, ...]:
    """A convolution, a ReLU and pooling, if there is any; the maximum is taken before the ReLU."""
    return nn.Conv2d(inputs, outputs, kernel), *pool, nn.ReLU()


def _hidden(inputs: int, outputs: int) -> tuple[nn.Module, nn.Module]:
    return nn.Linear(inputs, outputs), nn.ReLU()


class M1(nn.Sequential):
    """Conv(5,5,20) - Conv(5,5,20) - FC(500) - 10. Pixels (N, 1, 28, 28) to logits (N, 10)."""

    def __init__(self, mean: float = MNIST_MEAN, std: float = MNIST_STD) -> None:
        super().__init__(
            Standardise(mean, std),
            *_conv(1, 20, 5),
            *_conv(20, 20, 5),
            nn.Flatten(),
            *_hidden(20 * 20 * 20, 500),
            nn.Linear(500, CLASSES),
        )


class StdCNN(nn.Sequential):
    """Two pairs of 3x3 convolutions (10, then 20 channels), a dropout of one half before the last layer.

    Pixels (N, 1, 28, 28) to logits (N, 10).
    """

    def __init__(self, mean: float = MNIST_MEAN, std: float = MNIST_STD) -> None:
        super().__init__(
            Standardise(mean, std),
            *_conv(1, 10, 3),
            *_conv(10, 10, 3, nn.MaxPool2d(2)),
            *_conv(10, 20, 3),
            *_conv(20, 20, 3, nn.MaxPool2d(2)),
            nn.Flatten(),
            *_hidden(20 * 4 * 4, 50),
            Dropout(0.5),
            nn.Linear(50, CLASSES),
        )


class C1(nn.Sequential):
    """Two 5x5 convolutions of 64 channels, each pooled and batch-normed, then 384 - 192 - 10.

    Pixels (N, 3, 32, 32) to logits (N, 10). ``pool_last``: batch norm comes between ReLU and pooling.
    """

    def __init__(self, *, pool_last: bool = False) -> None:
        def stage(inputs: int) -> list[nn.Module]:
            conv, pool = nn.Conv2d(inputs, 64, 5, padding=2), nn.MaxPool2d(3, stride=2, padding=1)
            relu, norm = nn.ReLU(), BatchNorm(64)
            return [conv, relu, norm, pool] if pool_last else [conv, pool, relu, norm]

        super().__init__(
            *stage(3),
            *stage(64),
            nn.Flatten(),
            *_hidden(64 * 8 * 8, 384),
            *_hidden(384, 192),
            nn.Linear(192, CLASSES),
        )


class BasicBlock(nn.Module):
    """He et al.'s block of two 3x3 convolutions, with a 1x1 projection where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = BatchNorm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = BatchNorm(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), BatchNorm(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class ResNet18(nn.Sequential):
    """He et al.'s 18 layers for 32x32 images. Pixels (N, 3, 32, 32) to logits (N, 10).

    ``width`` is the number of channels of the first stage, 64 in the paper; a smaller one is another network, for
    reduced regimes, and is named wherever its results are shown.
    """

    def __init__(self, width: int = 64) -> None:
        stages = [(width, 1), (2 * width, 2), (4 * width, 2), (8 * width, 2)]
        blocks: list[nn.Module] = []
        channels = width
        for outputs, stride in stages:
            blocks += [BasicBlock(channels, outputs, stride), BasicBlock(outputs, outputs, 1)]
            channels = outputs
        super().__init__(
            nn.Conv2d(3, width, 3, padding=1, bias=False),
            BatchNorm(width),
            nn.ReLU(),
            *blocks,
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(channels, CLASSES),
        )


def m1(dataset: Dataset, *, trained_as: Collection[str], **_: int) -> M1:
    """M1 on a data set."""
    return M1(*_standardisation(dataset, trained_as))


def stdcnn(dataset: Dataset, *, trained_as: Collection[str], **_: int) -> StdCNN:
    """StdCNN on a data set."""
    return StdCNN(*_standardisation(dataset, trained_as))


def c1(_: Dataset, *, trained_as: Collection[str], **__: int) -> C1:
    """C1 in the order of its layers that is asked for."""
    return C1(pool_last=POOL_LAST in trained_as)


def resnet18(_: Dataset, *, width: int, **__: Collection[str]) -> ResNet18:
    """ResNet18 of a width."""
    return ResNet18(width)


def _standardisation(dataset: Dataset, trained_as: Collection[str]) -> tuple[float, float]:
    return (0.0, 1.0) if UNSTANDARDISED in trained_as else (dataset.mean, dataset.std)


def build(task: Task, seed: int, width: int = 64, trained_as: Collection[str] = ()) -> nn.Module:
    """The task's network with the initial weights of a seed, the same for every recipe and batch size.

    ``width`` is that of ResNet18 and is ignored by the others; ``trained_as`` names departures from the first reading
    (see the module of that name). The global random state is left as it was.

    >>> from repro.experiment.tasks import M1_MNIST
    >>> sum(weights.numel() for weights in build(M1_MNIST, seed=0).parameters())
    4016050
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        target = task.network.build
        function = pkgutil.resolve_name(target) if isinstance(target, str) else target
        network: nn.Module = function(task.dataset, width=width, trained_as=trained_as)
        if HE in trained_as:
            network.apply(_he)
    return network


def _he(module: nn.Module) -> None:
    """He et al.'s initial weights for a convolution or a linear layer, drawn from the global random state."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
