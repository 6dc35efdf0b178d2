"""What the sections of the GPU benchmark share: cases and how they are guarded, networks, made-up data, the clock."""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import Tensor, nn

from repro.errors import named_line
from repro.experiment.precisions import TF32
from repro.experiment.recipes import LR
from repro.experiment.tasks import C1_CIFAR10, M1_MNIST, RESNET18_CIFAR10, STDCNN_MNIST, Task
from repro.science.computing import inputs
from repro.science.data.splits import Split
from repro.science.networks.models import build
from repro.science.training.cohorts import End
from repro.science.training.graphs import Recorder
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import History, Training

from ..speed.training import pixels_of

Row = dict[str, Any]
NOT_MEASURED: Final = "not measured: "
BATCH_SIZE: Final = 64
OF_ARCHITECTURE: Final = {task.architecture: task for task in (STDCNN_MNIST, M1_MNIST, C1_CIFAR10, RESNET18_CIFAR10)}


class NotMeasuredError(Exception):
    """Why something has no numbers."""


@dataclass
class Setting:
    """Where a section runs and when it should be done. ``small``: to see that all of it works, not to measure."""

    device: torch.device
    small: bool
    until: float = float("inf")  # of time.monotonic

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def width(self) -> int:
        """That of ResNet18; of width 4 it may abort a CPU's process in channels_last (see ``preferred_layout``)."""
        return 8 if self.small else 64

    def left(self) -> float:
        """Seconds that the section still has."""
        return self.until - time.monotonic()

    def wait(self) -> None:
        """Until the device has done what it was told to."""
        if self.cuda:
            torch.cuda.synchronize()

    def can(self, precision: str) -> bool:
        """Whether the device has a precision."""
        return self.cuda or precision != TF32


@dataclass(frozen=True)
class Case:
    """A row of a section: its first columns, and what comes to the others. ``brief``: it takes no time to speak of."""

    what: Row
    work: Callable[[], Row]
    brief: bool = False

    def row(self, setting: Setting) -> Row:
        """Its row; where there is no time left or it breaks (out of memory, say), the row says so and no more."""
        if setting.left() <= 0 and not self.brief:
            return {**self.what, "note": f"{NOT_MEASURED}no time left"}
        try:
            return {**self.what, **self.work()}
        except Exception as error:
            return {**self.what, "note": broke(error)}


Known = Mapping[str, list[Row]]  # the rows of earlier sections
Section = Callable[[Setting, Known], Iterator[Case]]


def broke(error: Exception) -> str:
    """What broke, and where."""
    if isinstance(error, NotMeasuredError):
        return f"{NOT_MEASURED}{error}"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{NOT_MEASURED}{named_line(error)[:220]} ({Path(frame.filename).name}:{frame.lineno})"


def rate(setting: Setting, work: Callable[[], object], atmost: float, warm: int = 10) -> float:
    """How often a second a piece of work is done, over so many seconds or little more; the device is seldom awaited."""
    for _ in range(1 if setting.small else warm):
        work()
    setting.wait()
    began, done, chunk = time.perf_counter(), 0, 1
    limit = 0.05 if setting.small else min(atmost, max(setting.left(), 0.1))
    while time.perf_counter() - began < limit:
        for _ in range(chunk):
            work()
        setting.wait()
        done, chunk = done + chunk, min(2 * chunk, 64)
    return done / (time.perf_counter() - began)


def made_up(task: Task, count: int) -> Split:
    """Random pixels and labels, as large as the task's; speed does not depend on what they show."""
    return Split(*pixels_of(task, count))


def on_device(setting: Setting, data: Split) -> tuple[Tensor, Tensor]:
    """Images and labels as a training has them on its device, so that no member of a cohort makes a copy of its own."""
    images, labels = data.part(device=setting.device)
    return images.contiguous(memory_format=layout(setting)), labels


def network(setting: Setting, task: Task, seed: int = 0) -> nn.Module:
    return build(task, seed, setting.width).to(setting.device).to(memory_format=layout(setting))


def layout(setting: Setting) -> torch.memory_format:
    """The memory layout that the harness uses on the device."""
    return inputs.preferred_layout(nn.Linear(1, 1, device=setting.device))


class Eager:
    """A recorder that refuses, so that steps run as they are."""

    def aside(self) -> nullcontext[None]:
        raise NotMeasuredError("eager on purpose")

    def record(self, *_: object) -> Callable[[], object]:
        raise NotMeasuredError("eager on purpose")


def training(
    setting: Setting,
    task: Task,
    data: tuple[Tensor, Tensor],
    batch_size: int = BATCH_SIZE,
    *,
    at_steps: Mapping[int, Callable[[History], None]] = MappingProxyType({}),
    recorder: Recorder | None = None,
    **further: Any,
) -> Training:
    """A training of the harness that has no end to speak of, unless ``further``, more of its settings, name one."""
    chosen = {"epochs": 10**6, "seed": 0, "augmented": task.dataset.augmented, **further}
    settings = TrainingSettings(sgd=LR(0.9).sgd(batch_size), batch_size=batch_size, **chosen)
    model = network(setting, task, settings.seed)
    return Training(model, *data, settings, at_steps=at_steps, recorder=recorder)


def histories(ends: Iterable[End]) -> list[History]:
    """What the members of a cohort came to; what broke one of them is raised."""
    found = []
    for end in ends:
        if isinstance(end, Exception):
            raise end
        found.append(end)
    return found
