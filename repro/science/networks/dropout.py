"""Dropout whose masks come from a run's own generator, so that several runs can be trained in turns in one process."""

import torch
from torch import Tensor, nn


class Dropout(nn.Dropout):
    """``nn.Dropout`` that draws from ``generator`` where it has one, else from the global random state.

    On a CPU both give the same masks to the last bit at equal seeds; on a GPU, where PyTorch fuses its own into one
    kernel, they are other masks of the same distribution.
    """

    generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.generator is None or not self.training or self.p in (0, 1):
            return super().forward(x)
        kept = 1 - self.p
        return x * torch.empty_like(x).bernoulli_(kept, generator=self.generator).div_(kept)


def draw_from(generator: torch.Generator | None, model: nn.Module) -> None:
    """Let a network's dropout draw from a generator on its device; None: from the global random state again."""
    for part in model.modules():
        if isinstance(part, Dropout):
            part.generator = generator


def drops(model: nn.Module) -> bool:
    """Whether a network has dropout that ``draw_from`` speaks to."""
    return any(isinstance(part, Dropout) for part in model.modules())


def foreign_randomness(model: nn.Module) -> list[str]:
    """The kinds of a network's modules that draw from the global random state whatever generator a run has."""
    drawing = (nn.modules.dropout._DropoutNd, nn.RReLU, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)
    parts = (part for part in model.modules() if isinstance(part, drawing) and not isinstance(part, Dropout))
    return sorted({type(part).__name__ for part in parts})
