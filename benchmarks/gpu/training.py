"""Training steps: captured against the loops that one would otherwise write, cohorts, and ResNet18 by precision."""

import itertools
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Final
from unittest.mock import patch

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from repro.experiment.precisions import BFLOAT16, FLOAT32, TF32
from repro.experiment.tasks import Task
from repro.science.computing import inputs
from repro.science.computing.numerics import numerics
from repro.science.networks.models import build
from repro.science.training.cohorts import train_cohort
from repro.science.training.training import History

from ..speed.networks import as_written
from ..speed.training import Batches, Images, tutorial_steps
from .tools import (
    BATCH_SIZE,
    NOT_MEASURED,
    OF_ARCHITECTURE,
    Case,
    Eager,
    Known,
    NotMeasuredError,
    Row,
    Setting,
    histories,
    made_up,
    on_device,
    rate,
    training,
)

ASKED_FOR: Final = 10.0  # times a plain eager loop
WARM_UP, TIMED = 20, 400  # steps
COHORTS, IN_COHORTS = (1, 2, 4, 8, 16), ("StdCNN", "M1", "C1")


def loops(setting: Setting, _: Known) -> Iterator[Case]:
    """Steps a second of StdCNN, M1 and C1 at batch size 64."""
    for name in ("StdCNN", "M1", "C1"):
        yield Case({"steps": name}, partial(_loops, setting, OF_ARCHITECTURE[name]))


def _loops(setting: Setting, task: Task) -> Row:
    split = made_up(task, 300 if setting.small else task.dataset.train)
    loader, data = DataLoader(Images(split.images, split.labels), BATCH_SIZE, shuffle=True), on_device(setting, split)
    with numerics(FLOAT32):
        plain = rate(setting, _plain(setting, task, _batches(*data)), 2)
        loaded = rate(setting, _plain(setting, task, itertools.chain.from_iterable(itertools.repeat(loader))), 2)
        ours = training(setting, task, data)
        captured = rate(setting, ours.advance, 2)
        eager = rate(setting, training(setting, task, data, recorder=Eager()).advance, 2)
    return {
        "execution": ours.history().execution,
        "ours_per_second": captured,
        "ours_uncaptured_per_second": eager,
        "plain_per_second": plain,
        "loader_per_second": loaded,
        "ratio_plain": captured / plain,
        "ratio_loader": captured / loaded,
        "asked_for": ASKED_FOR,
    }


def _batches(images: torch.Tensor, labels: torch.Tensor) -> Batches:
    while True:
        for batch in torch.randperm(len(labels), device=labels.device).split(BATCH_SIZE):
            yield images[batch].contiguous(), labels[batch]


def _plain(setting: Setting, task: Task, batches: Batches) -> Callable[[], object]:
    """A tutorial's step: default memory layout, default optimiser."""
    model = as_written(build(task, 0, setting.width).to(setting.device))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    moved = ((x.to(setting.device), y.to(setting.device)) for x, y in batches)
    return partial(next, tutorial_steps(model, moved, optimizer))


def cohorts(setting: Setting, _: Known) -> Iterator[Case]:
    """Steps a second of all members together, and the memory they take."""
    for name, members in itertools.product(IN_COHORTS, COHORTS[:2] if setting.small else COHORTS):
        yield Case({"cohort of": name, "members": members}, partial(_cohort, setting, OF_ARCHITECTURE[name], members))


def _cohort(setting: Setting, task: Task, count: int) -> Row:
    warm, last = (1, 3) if setting.small else (WARM_UP, WARM_UP + TIMED)
    data = on_device(setting, made_up(task, BATCH_SIZE * last))  # no smaller batch, to be recorded while the clock runs
    began: list[float] = []

    def begin(_: History) -> None:
        setting.wait()
        began.append(time.perf_counter())

    if setting.cuda:
        torch.cuda.reset_peak_memory_stats()
    with numerics(FLOAT32):
        members = []
        for i in range(count):  # the last one, whose turn is the last, starts the clock
            looks = {warm: begin} if i == count - 1 else {}
            members.append(training(setting, task, data, seed=i, steps=last, at_steps=looks))
        ends = histories(train_cohort(members))
    taken = time.perf_counter() - began[0]
    peak = torch.cuda.max_memory_allocated() / 2**20 if setting.cuda else f"{NOT_MEASURED}needs CUDA"
    return {"total_per_second": count * (last - warm) / taken, "peak_mib": peak, "execution": ends[0].execution}


def resnet(setting: Setting, known: Known) -> Iterator[Case]:
    """Images a second of ResNet18, what share of the measured bfloat16 rate that is, and the price of determinism.

    At the first size also with any algorithms, and in the other memory layout.
    """
    sizes = (16,) if setting.small else (512, 1024, 256)
    peak = next((row.get("per_second") for row in known.get("peaks", ()) if row["peak"] == f"{BFLOAT16} product"), None)
    for size, precision in itertools.product(sizes, (BFLOAT16, FLOAT32, TF32)):
        ways = [("deterministic", "default"), ("deterministic", "channels_last"), ("any", "default")]
        for algorithms, layout in ways if size == sizes[0] else ways[:1]:
            what = {"ResNet18": precision, "batch_size": size, "algorithms": algorithms, "layout": layout}
            yield Case(what, partial(_resnet, setting, precision, size, algorithms, layout, peak))


def _resnet(setting: Setting, precision: str, batch_size: int, algorithms: str, layout: str, peak: float | None) -> Row:
    if not setting.can(precision):
        raise NotMeasuredError("needs CUDA")
    task = OF_ARCHITECTURE["ResNet18"]
    forced = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    with numerics(precision), patch.object(inputs, "preferred_layout", lambda _: forced):
        torch.backends.cudnn.deterministic = algorithms == "deterministic"  # put back with the rest
        data = on_device(setting, made_up(task, 4 * batch_size))
        ours = training(setting, task, data, batch_size, precision=precision)
        found = batch_size * rate(setting, ours.advance, 2)
    flops = found * flops_an_image(task, setting.width)
    share = {"share_of_bfloat16_rate": flops / peak} if peak else {}
    return {"execution": ours.history().execution, "images_per_second": found, "flop_per_second": flops, **share}


@cache
def flops_an_image(task: Task, width: int) -> float:
    """Floating-point operations of a forward and backward pass, as torch counts products (an addition is one, too)."""
    count = 2
    model = build(task, 0, width).train()
    images = torch.rand(count, task.dataset.channels, task.dataset.side, task.dataset.side)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(model(images), torch.zeros(count, dtype=torch.long)).backward()
    flops: int = counter.get_total_flops()
    return flops / count
