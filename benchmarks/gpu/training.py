"""Training steps: captured against the loops that one would otherwise write, cohorts, and ResNet18 by precision."""

import itertools
import time
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from repro.experiment.precisions import BFLOAT16, FLOAT32, SAYS, TF32
from repro.experiment.tasks import TASKS, Task
from repro.science.computing.numerics import numerics
from repro.science.training.cohorts import train_cohort
from repro.science.training.training import History

from .gpu_tools import (
    NOT_MEASURED,
    OF_ARCHITECTURE,
    Eager,
    NotMeasuredError,
    Row,
    Setting,
    flops_an_image,
    guarded,
    histories,
    made_up,
    network,
    rate,
    training,
)
from .networks import as_written

ASKED_FOR = 10.0  # times a plain eager loop
BATCH_SIZE, WARM_UP, TIMED = 64, 20, 400  # steps
COHORTS, IN_COHORTS = (1, 2, 4, 8, 16), ("StdCNN", "M1", "C1")


class Images(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Images in host memory, one at a time."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.images[i], self.labels[i]


def loops(setting: Setting, _: Row) -> Row:
    """Steps a second of StdCNN and M1 at batch size 64."""
    rows = [guarded(setting, {"steps": name}, partial(_loops, setting, name)) for name in ("StdCNN", "M1")]
    return {"rows": rows, "asked_for": ASKED_FOR}


def _loops(setting: Setting, architecture: str) -> Row:
    task = TASKS[OF_ARCHITECTURE[architecture]]
    data = made_up(setting, task, 300 if setting.small else task.dataset.train)
    with numerics(FLOAT32):
        plain = rate(setting, _plain(setting, task, _batches(*data)), 6)
        loader = DataLoader(Images(data[0].cpu(), data[1].cpu()), BATCH_SIZE, shuffle=True)
        loaded = rate(setting, _plain(setting, task, itertools.chain.from_iterable(itertools.repeat(loader))), 6)
        ours = training(setting, task, data, BATCH_SIZE)
        captured = rate(setting, ours.advance, 6)
        uncaptured = rate(setting, training(setting, task, data, BATCH_SIZE, recorder=Eager()).advance, 6)
    return {
        "execution": ours.history().execution,
        "ours_per_second": captured,
        "ours_uncaptured_per_second": uncaptured,
        "plain_per_second": plain,
        "loader_per_second": loaded,
        "ratio_plain": captured / plain,
        "ratio_loader": captured / loaded,
    }


def _batches(images: torch.Tensor, labels: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    while True:
        for batch in torch.randperm(len(labels), device=labels.device).split(BATCH_SIZE):
            yield images[batch], labels[batch]


def _plain(setting: Setting, task: Task, batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> Callable[[], None]:
    """A tutorial's step: default memory layout, default optimiser."""
    model = as_written(network(setting, task)).to(memory_format=torch.contiguous_format).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step() -> None:
        x, y = next(batches)
        optimizer.zero_grad()
        F.cross_entropy(model(x.to(setting.device).contiguous()), y.to(setting.device)).backward()
        optimizer.step()

    return step


def cohorts(setting: Setting, _: Row) -> Row:
    """Steps a second of all members together, and the memory they take."""
    sizes = COHORTS[:2] if setting.small else COHORTS
    cases = list(itertools.product(IN_COHORTS, sizes))
    rows = [guarded(setting, {"cohort of": n, "members": k}, partial(_cohort, setting, n, k)) for n, k in cases]
    return {"rows": rows}


def _cohort(setting: Setting, architecture: str, count: int) -> Row:
    task = TASKS[OF_ARCHITECTURE[architecture]]
    warm, last = (1, 3) if setting.small else (WARM_UP, WARM_UP + TIMED)
    data = made_up(setting, task, BATCH_SIZE * last)  # no smaller batch, which would be recorded while the clock runs
    began: list[float] = []

    def begin(_: History) -> None:
        setting.wait()
        began.append(time.perf_counter())

    if setting.cuda:
        torch.cuda.reset_peak_memory_stats()
    with numerics(FLOAT32):
        members = [  # the last one, whose turn is the last, starts the clock
            training(
                *(setting, task, data, BATCH_SIZE),
                seed=i,
                steps=last,
                at_steps={warm: begin} if i == count - 1 else {},
            )
            for i in range(count)
        ]
        ends = histories(train_cohort(members))
    taken = time.perf_counter() - began[0]
    peak = torch.cuda.max_memory_allocated() / 2**20 if setting.cuda else f"{NOT_MEASURED}needs CUDA"
    total = count * (last - warm) / taken
    return {"total_per_second": total, "peak_mib": peak, "execution": ends[0].execution}


def resnet(setting: Setting, results: Row) -> Row:
    """Images a second of ResNet18, what share of the measured bfloat16 rate that is, and the price of determinism."""
    sizes = (16,) if setting.small else (512, 1024, 256)
    peak = results.get("peaks", {}).get("rates", {}).get("bfloat16")
    rows = []
    for batch_size, precision in itertools.product(sizes, (BFLOAT16, FLOAT32, TF32)):
        for algorithms in ("deterministic", "any") if batch_size == sizes[0] else ("deterministic",):
            what = {"ResNet18": precision, "batch_size": batch_size, "algorithms": algorithms}
            rows.append(guarded(setting, what, partial(_resnet, setting, precision, batch_size, algorithms, peak)))
    return {"rows": rows, "precisions": SAYS}


def _resnet(setting: Setting, precision: str, batch_size: int, algorithms: str, peak: float | None) -> Row:
    if precision == TF32 and not setting.cuda:
        raise NotMeasuredError("needs CUDA")
    task = TASKS[OF_ARCHITECTURE["ResNet18"]]
    data = made_up(setting, task, 4 * batch_size)
    with numerics(precision):
        torch.backends.cudnn.deterministic = algorithms == "deterministic"  # put back with the rest
        ours = training(setting, task, data, batch_size, precision=precision)
        found = batch_size * rate(setting, ours.advance, 4)
    flops = found * flops_an_image("ResNet18", setting.width)
    share = {"share_of_bfloat16_rate": flops / peak} if peak else {}
    execution = ours.history().execution
    return {"execution": execution, "images_per_second": found, "flop_per_second": flops, **share}
