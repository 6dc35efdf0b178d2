"""Regimes: the scale of a session, from the paper's own to minutes on a laptop. Free of torch.

A regime gives each task a ``Scale``. Options of the command line override single fields of it for all tasks.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Final

from ..errors import SettingError
from .readings import Reading
from .recipes import PAPERS_ANCHOR, SGD, Recipe
from .registry import Registry
from .tasks import C1_CIFAR10, M1_FASHION, M1_MNIST, RESNET18_CIFAR10, STDCNN_FASHION, STDCNN_MNIST, TASKS, Task

GRID: Final = (64, 128, 256, 512, 1024)
# What the paper shows: batch sizes up to about 1000. What we chose: doublings from 64, where LR and LR/BS coincide.

ALIASES: Final = {"epsilon": "given_epsilon"}  # what a user calls a field, where it has another name
TRAINED: Final = 0.85  # a cell whose training accuracy is below this is undertrained: it says nothing of minima


@dataclass(frozen=True)
class Scale:
    """How big one task's experiment is.

    ``train_images``: the first of the training split (None: all of it). ``width``: ResNet18's, 64 in the paper.
    ``anchor``: the batch size that stands for the paper's 64, where LR and LR/BS set the same learning rate.
    ``schedule_factor``: the epochs of a recipe's schedule that one epoch stands for; with 5, Benchmark's learning rate
    is halved every epoch, and not every 5.
    """

    epochs: int
    batch_sizes: tuple[int, ...]
    seeds: int
    train_images: int | None
    reading: Reading
    width: int = 64
    anchor: int = PAPERS_ANCHOR
    schedule_factor: int = 1

    def sgd(self, recipe: Recipe, batch_size: int) -> SGD:
        """How a recipe sets the optimiser at a batch size of this scale."""
        return recipe.sgd(batch_size, self.anchor, self.schedule_factor)

    def field(self, name: str) -> Any:
        """The value of a field that a user may set, of its reading or its own."""
        name = ALIASES.get(name, name)
        return getattr(self, name) if hasattr(self, name) else getattr(self.reading, name)

    def differs_from(self, other: "Scale") -> tuple[str, ...]:
        """The fields that are other ones there, its reading as one; the number of seeds is none of them."""
        names = (field.name for field in fields(self) if field.name != "seeds")
        return tuple(name for name in names if getattr(self, name) != getattr(other, name))

    def changed(self, **changes: Any) -> "Scale":
        """The same scale with fields replaced, those of its reading among them. TypeError: there is no such field."""
        changes = {ALIASES.get(name, name): value for name, value in changes.items()}
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
        return not self.scale(task).differs_from(PAPER.scale(task))

    @property
    def reduced(self) -> bool:
        """Whether any of its tasks is studied at another scale than the paper's."""
        return not all(self.is_papers(TASKS[task]) for task in self.scales)

    @property
    def title(self) -> str:
        """The name, and that it was changed where a regime of the paper's name is no longer the paper's."""
        changed = self.name == PAPER.name and self.reduced
        return f"{self.name}, changed by options" if changed else self.name

    @property
    def reads(self) -> list[str]:
        """In what its runs are not measured by the first reading of the paper, in phrases."""
        return list(dict.fromkeys(words for scale in self.scales.values() for words in scale.reading.departs))

    def overridden(self, **changes: Any) -> "Regime":
        """The same regime with fields of every task's scale, or of its reading, replaced."""
        return replace(self, scales={task: scale.changed(**changes) for task, scale in self.scales.items()})


_PAPER_READING: Final = Reading(test_images=None, attacked_images=None, pgd_steps=40, hessian_images=4096)
# What the paper says: 100 epochs, whole splits. What we chose: 5 seeds (it shows no spread).
PAPER_SCALE: Final = Scale(100, GRID, 5, None, _PAPER_READING)
_PAPER_SCALES: Final = Registry[Scale]("scale of")
_QUICK_SCALES: Final = Registry[Scale]("scale of")
_LAPTOP_SCALES: Final = Registry[Scale]("scale of")
PAPER: Final = Regime("paper", _PAPER_SCALES)
QUICK: Final = Regime("quick", _QUICK_SCALES)
LAPTOP: Final = Regime("laptop", _LAPTOP_SCALES)


def require_whole_batches(task: Task, scale: Scale) -> None:
    """SettingError: batch sizes are compared, and one of them is of more images than there are."""
    images = scale.train_images or task.dataset.train
    if len(scale.batch_sizes) > 1 and max(scale.batch_sizes) > images:
        raise SettingError(
            f"{task}: a batch of {max(scale.batch_sizes):,} cannot be had of {images:,} training images; --batch-sizes "
            "must be at most as large, or --train-images larger (or narrow the session with --task)"
        )


def study(task: Task, *, quick: Scale, laptop: Scale | None = None, paper: Scale = PAPER_SCALE) -> Task:
    """Say at what scale a task is studied in each of the built-in regimes.

    ``laptop``: without one it is studied there as in the quick regime. SettingError: it was said otherwise.
    """
    for scales, scale in ((_PAPER_SCALES, paper), (_QUICK_SCALES, quick), (_LAPTOP_SCALES, laptop or quick)):
        scales.enter(str(task), scale)
    return task


# Chosen by measurement, so that LR m=0 at the largest batch size, which learns last, fits 85% of its training data and
# lambda1 is known to half of itself; docs/regimes.md has what was tried and what it came to. The tasks that have no
# place in a regime, and ResNet18 with a width of 4, see 64 images three times: everything runs and nothing is learnt.
_SMALL: Final = (8, 32)
_NEAR: Final = (16, 32)
_FAR: Final = (16, 64)
_SMOKE: Final = Scale(3, _NEAR, 2, 64, Reading(64, 8, 2, 8), width=4, anchor=16)

for _task, _quick, _laptop in (
    (
        M1_MNIST,
        Scale(6, _SMALL, 3, 1024, Reading(1024, 256, 4, 256), anchor=8),
        Scale(5, _FAR, 5, 4096, Reading(2048, 512, 8, 512), anchor=16, schedule_factor=5),
    ),
    (
        STDCNN_MNIST,
        Scale(5, _SMALL, 5, 8192, Reading(2048, 512, 4, 512), anchor=8, schedule_factor=5),
        Scale(5, _FAR, 5, 16384, Reading(2048, 1024, 8, 1024), anchor=16, schedule_factor=5),
    ),
    (
        M1_FASHION,
        Scale(55, _SMALL, 4, 256, Reading(1024, 256, 4, 256), anchor=8),
        Scale(32, _NEAR, 5, 1024, Reading(2048, 512, 8, 512), anchor=16),
    ),
    (STDCNN_FASHION, _SMOKE, Scale(72, _NEAR, 4, 8192, Reading(2048, 1024, 8, 1024), anchor=16)),
    (C1_CIFAR10, _SMOKE, Scale(120, (8, 16), 5, 256, Reading(1024, 256, 8, 256), anchor=8)),
    (RESNET18_CIFAR10, _SMOKE, _SMOKE),
):
    study(_task, quick=_quick, laptop=_laptop)
