"""Regimes: the scale of a session, from the paper's own to minutes on a laptop. Free of torch.

A regime gives each task a ``Scale``. Options of the command line override single fields of it for all tasks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from .science.readings import Reading
from .science.tasks import TASKS, Task

GRID: Final = (64, 128, 256, 512, 1024)
# What the paper shows: batch sizes up to about 1000. What we chose: doublings from 64, where LR and LR/BS coincide.

ANCHOR: Final = 64  # the batch size at which LR/BS has LR's learning rate
TRAINED: Final = 0.85  # a cell whose training accuracy is below this is undertrained: it says nothing of minima


@dataclass(frozen=True)
class Scale:
    """How big one task's experiment is.

    ``train_images``: the first of the training split (None: all of it). ``width``: ResNet18's, 64 in the paper.
    """

    epochs: int
    batch_sizes: tuple[int, ...]
    seeds: int
    train_images: int | None
    reading: Reading
    width: int = 64


@dataclass(frozen=True)
class Regime:
    """A named scale for every task."""

    name: str
    scales: Mapping[str, Scale]

    def scale(self, task: Task) -> Scale:
        """The scale of a task."""
        return self.scales[str(task)]

    def overridden(self, **changes: Any) -> "Regime":
        """The same regime with fields of every task's scale replaced; None leaves a field as it is."""
        wanted = {name: value for name, value in changes.items() if value is not None}
        unknown = set(wanted) - {f.name for f in fields(Scale)}
        assert not unknown, unknown
        return replace(self, scales={task: replace(scale, **wanted) for task, scale in self.scales.items()})


_PAPER_READING: Final = Reading(test_images=None, attacked_images=None, pgd_steps=40, hessian_images=4096)
PAPER: Final = Regime(
    "paper",
    # What the paper says: 100 epochs, whole splits. What we chose: 5 seeds (it shows no spread).
    {name: Scale(100, GRID, 5, None, _PAPER_READING) for name in TASKS},
)


def _quick(epochs: int, train_images: int, batch_sizes: tuple[int, ...], seeds: int = 3) -> Scale:
    reading = Reading(test_images=2048, attacked_images=256, pgd_steps=10, hessian_images=256)
    return Scale(epochs, batch_sizes, seeds, train_images, reading)


# Chosen by measurement on one core (seed 0, training accuracy at LR/BS m=0 and CPU-seconds to train):
#   StdCNN-MNIST, 4,096 images, 12 epochs: 87, 80% at batch size 64, 256; 16 epochs: 90, 90% at 128, 256; 11.5 s.
#   M1-MNIST, 1,024 images, 12 epochs: 91, 90, 90% at batch size 64, 128, 256; 9.5 s. (2,048, 8: 83% at 256.)
# LR/BS shows the same number of images for the same amount of training whatever the batch size, so these cells set the
# length. At 512 LR/BS reaches 54 to 73% and LR m=0 has not begun to learn: the grid ends at 256. Three seeds are the
# fewest with an interval worth the name. Fashion-MNIST has the two ends of the grid alone, to stay within ten minutes.
QUICK: Final = Regime(
    "quick",
    {
        "M1-MNIST": _quick(12, 1024, (64, 128, 256)),
        "StdCNN-MNIST": _quick(16, 4096, (64, 128, 256)),
        "M1-FashionMNIST": _quick(12, 1024, (64, 256)),
        "StdCNN-FashionMNIST": _quick(12, 4096, (64, 256)),
    },
)
