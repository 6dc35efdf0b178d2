"""Regimes: the scale of a session, from the paper's own to minutes on a laptop. Free of torch.

A regime gives each task a ``Scale``. Options of the command line override single fields of it for all tasks.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Final

from ..errors import SettingError
from .readings import Reading
from .recipes import PAPERS_ANCHOR
from .registry import Registry
from .tasks import (
    C1_CIFAR10,
    M1_FASHION,
    M1_MNIST,
    RESNET18_CIFAR10,
    STDCNN_FASHION,
    STDCNN_MNIST,
    TASKS,
    Task,
)

GRID: Final = (64, 128, 256, 512, 1024)
# What the paper shows: batch sizes up to about 1000. What we chose: doublings from 64, where LR and LR/BS coincide.

TRAINED: Final = 0.85  # a cell whose training accuracy is below this is undertrained: it says nothing of minima


@dataclass(frozen=True)
class Scale:
    """How big one task's experiment is.

    ``train_images``: the first of the training split (None: all of it). ``width``: ResNet18's, 64 in the paper.
    ``anchor``: the batch size that stands for the paper's 64, where LR and LR/BS set the same learning rate.
    """

    epochs: int
    batch_sizes: tuple[int, ...]
    seeds: int
    train_images: int | None
    reading: Reading
    width: int = 64
    anchor: int = PAPERS_ANCHOR

    def changed(self, **changes: Any) -> "Scale":
        """The same scale with fields replaced, those of its reading among them. TypeError: there is no such field."""
        measured = {field.name for field in fields(Reading)}
        reading = {name: value for name, value in changes.items() if name in measured}
        rest = {name: value for name, value in changes.items() if name not in measured}
        return replace(self, reading=replace(rest.pop("reading", self.reading), **reading), **rest)


@dataclass(frozen=True)
class Regime:
    """A named scale for every task."""

    name: str
    scales: dict[str, Scale]

    def scale(self, task: Task) -> Scale:
        """The scale of a task. SettingError: the regime has none for it."""
        if str(task) not in self.scales:
            raise SettingError(
                f"{task}: the {self.name} regime does not say at what scale it is studied; say so with `study`, "
                "in the conftest.py beside its claims"
            )
        return self.scales[str(task)]

    def is_papers(self, task: Task) -> bool:
        """Whether a task is studied at the paper's own scale: that of ``PAPER`` in all but the number of seeds.

        Only there can a claim be reproduced or not; whoever changes the epochs, say, sees trends.
        """
        return replace(self.scale(task), seeds=0) == replace(PAPER.scale(task), seeds=0)

    @property
    def reduced(self) -> bool:
        """Whether any of its tasks is studied at another scale than the paper's."""
        return not all(self.is_papers(TASKS[task]) for task in self.scales)

    @property
    def title(self) -> str:
        """The name, and that it was changed where a regime of the paper's name is no longer the paper's."""
        changed = self.name == PAPER.name and self.reduced
        return f"{self.name}, changed by options" if changed else self.name

    def overridden(self, **changes: Any) -> "Regime":
        """The same regime with fields of every task's scale, or of its reading, replaced."""
        return replace(self, scales={task: scale.changed(**changes) for task, scale in self.scales.items()})


_PAPER_READING: Final = Reading(test_images=None, attacked_images=None, pgd_steps=40, hessian_images=4096)
# What the paper says: 100 epochs, whole splits. What we chose: 5 seeds (it shows no spread).
PAPER_SCALE: Final = Scale(100, GRID, 5, None, _PAPER_READING)
_PAPER_SCALES: Final = Registry[Scale]("scale of")
_QUICK_SCALES: Final = Registry[Scale]("scale of")
PAPER: Final = Regime("paper", _PAPER_SCALES)
QUICK: Final = Regime("quick", _QUICK_SCALES)


def study(task: Task, *, quick: Scale, paper: Scale = PAPER_SCALE) -> Task:
    """Say at what scale a task is studied in each of the built-in regimes. SettingError: it was said otherwise."""
    for scales, scale in ((_PAPER_SCALES, paper), (_QUICK_SCALES, quick)):
        scales.enter(str(task), scale)
    return task


_ENDS: Final = (64, 256)
_READING: Final = Reading(test_images=2048, attacked_images=256, pgd_steps=8, hessian_images=256)
_COSTLY: Final = Reading(test_images=512, attacked_images=96, pgd_steps=4, hessian_images=64)  # M1
_SMALL: Final = Reading(test_images=256, attacked_images=32, pgd_steps=4, hessian_images=16)  # CIFAR-10

# Chosen by measurement, for two cores and about twelve minutes; the seconds are from before convolutions were left to
# PyTorch, since when M1 takes 1.15 to 1.24 times as long. LR/BS gives the same training for the same number
# of images whatever the batch size, so its cells set the length. Training accuracy at LR/BS m=0, and seconds on a core:
#   StdCNN-MNIST, 4,096 images, three seeds: 16 epochs 90, 85, 82% at batch size 64 and 90, 79, 70% at 256; 17 epochs
#     92, 88, 84% and 90, 88, 77%, 16 s; 18 epochs 92, 87, 89% and 81, 92, 88%. LR m=0 has hardly begun to learn at 256.
#   M1-MNIST, 1,024 images, two seeds: 12 epochs 91, 93% at 64 and 84, 83% at 256; 13 epochs 93, 92% and 92, 91%, 15 s.
#   At 512, StdCNN reaches 54 to 73% in 12 epochs: the grid ends at 256, and has its two ends alone to stay within time.
# StdCNN-MNIST has the seeds to decide Section 3's contrasts, the others have two. Fashion-MNIST's networks reach 41 to
# 70% at 64. Those of CIFAR-10 see 256 images three times: enough to run everything, too little to learn; ResNet18 has a
# width of 4.
for _task, _quick in (
    (M1_MNIST, Scale(13, _ENDS, 2, 1024, _COSTLY)),
    (STDCNN_MNIST, Scale(17, _ENDS, 3, 4096, _READING)),
    (M1_FASHION, Scale(5, _ENDS, 2, 1024, _COSTLY)),
    (STDCNN_FASHION, Scale(8, _ENDS, 2, 4096, _READING)),
    (C1_CIFAR10, Scale(3, _ENDS, 2, 256, _SMALL)),
    (RESNET18_CIFAR10, Scale(3, _ENDS, 2, 256, _SMALL, width=4)),
):
    study(_task, quick=_quick)
