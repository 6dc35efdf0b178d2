"""What the sections of the GPU benchmark share: where they run, how long they may, made-up data, clocks."""

import os
import statistics
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from repro.experiment.recipes import LR
from repro.experiment.tasks import TASKS, Task
from repro.science.data.sources import ENVIRONMENT, Source, cache_folder, is_whole
from repro.science.networks.models import build
from repro.science.training.cohorts import End
from repro.science.training.graphs import Recorder
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import History, Training

Row = dict[str, Any]
NOT_MEASURED = "not measured: "
OF_ARCHITECTURE = {"StdCNN": "StdCNN-MNIST", "M1": "M1-MNIST", "C1": "C1-CIFAR10", "ResNet18": "ResNet18-CIFAR10"}


class NotMeasuredError(Exception):
    """Why a section has no numbers."""


class Eager:
    """A recorder that refuses, so that steps run as they are."""

    def aside(self) -> nullcontext[None]:
        raise NotMeasuredError("eager on purpose")

    def record(self, *_: object) -> Callable[[], object]:
        raise NotMeasuredError("eager on purpose")


@dataclass
class Setting:
    """Where a section runs and when it should be done. ``small``: to see that all of it works, not to measure.

    ``tell`` is called with each row that is done.
    """

    device: torch.device
    small: bool
    until: float = float("inf")  # of time.monotonic
    tell: Callable[[Row], None] = lambda _: None

    @property
    def cuda(self) -> bool:
        return self.device.type == "cuda"

    @property
    def width(self) -> int:
        """That of ResNet18."""
        return 4 if self.small else 64

    def left(self) -> float:
        """Seconds that the section still has."""
        return self.until - time.monotonic()

    def wait(self) -> None:
        """Until the device has done what it was told to."""
        if self.cuda:
            torch.cuda.synchronize()


def guarded(setting: Setting, what: Row, measured: Callable[[], Row]) -> Row:
    """A row of results; where there is no time left or it breaks, the row says so instead."""
    row = {**what, **_row(setting, measured)}
    setting.tell(row)
    return row


def _row(setting: Setting, measured: Callable[[], Row]) -> Row:
    if setting.left() <= 0:
        return {"note": f"{NOT_MEASURED}no time left"}
    try:
        return measured()
    except NotMeasuredError as error:
        return {"note": f"{NOT_MEASURED}{error}"}
    except Exception as error:  # one case that breaks (out of memory, say) must not lose the others
        return {"note": broke(error)}


def broke(error: Exception) -> str:
    """What broke, and where."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())[:200]
    return f"{NOT_MEASURED}{type(error).__name__}: {text} ({Path(frame.filename).name}:{frame.lineno})"


def source(dataset: str) -> Source:
    """The published files where the environment names a folder that holds them, else the surrogate; no network."""
    root = Path(os.environ.get(ENVIRONMENT, "")).expanduser()
    if os.environ.get(ENVIRONMENT) and is_whole(dataset, root):
        return Source(dataset, "published", root)
    return Source(dataset, "surrogate", cache_folder() / "surrogate")


def seconds(setting: Setting, work: Callable[[], object], repeats: int) -> float:
    """The middle time of a piece of work, which is done once before to warm up."""
    work()
    times = []
    for _ in range(1 if setting.small else repeats):
        setting.wait()
        began = time.perf_counter()
        work()
        setting.wait()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def rate(setting: Setting, step: Callable[[], object], atmost: float) -> float:
    """Steps a second, over so many seconds at most, without waiting for the device in between."""
    for _ in range(1 if setting.small else 10):  # to warm up
        step()
    setting.wait()
    began, done, chunk = time.perf_counter(), 0, 1 if setting.small else 20
    limit = 0.05 if setting.small else min(atmost, max(setting.left(), 0.1))
    while time.perf_counter() - began < limit:
        for _ in range(chunk):
            step()
        done += chunk
        setting.wait()
    return done / (time.perf_counter() - began)


def made_up(setting: Setting, task: Task, count: int) -> tuple[Tensor, Tensor]:
    """Random pixels and labels on the device, as large as the task's; speed does not depend on what they show."""
    generator = torch.Generator().manual_seed(0)
    shape = (count, task.dataset.channels, task.dataset.side, task.dataset.side)
    images = torch.rand(shape, generator=generator).to(setting.device)
    labels = torch.randint(0, 10, (count,), generator=generator).to(setting.device)
    return images.contiguous(memory_format=torch.channels_last), labels


def network(setting: Setting, task: Task, seed: int = 0) -> nn.Module:
    return build(task, seed, setting.width).to(setting.device).to(memory_format=torch.channels_last)


def training(
    setting: Setting,
    task: Task,
    data: tuple[Tensor, Tensor],
    batch_size: int,
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


@cache
def flops_an_image(architecture: str, width: int) -> float:
    """Floating-point operations of a forward and backward pass, as torch counts products (an addition is one, too)."""
    task, count = TASKS[OF_ARCHITECTURE[architecture]], 2
    model = build(task, 0, width).train()
    images = torch.rand(count, task.dataset.channels, task.dataset.side, task.dataset.side)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(model(images), torch.zeros(count, dtype=torch.long)).backward()
    flops: int = counter.get_total_flops()
    return flops / count
