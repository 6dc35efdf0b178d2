"""Training steps: captured against the loops that one would otherwise write, cohorts, and ResNet18 by precision."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from repro.science.cohorts import train_cohort
from repro.science.numerics import numerics
from repro.science.precisions import BFLOAT16, FLOAT32, SAYS, TF32
from repro.science.tasks import TASKS, Task
from repro.science.training import History

from .gpu_tools import (
    NOT_MEASURED,
    OF_ARCHITECTURE,
    NotMeasuredError,
    Row,
    Setting,
    flops_an_image,
    guarded,
    made_up,
    network,
    rate,
    training,
)

ASKED_FOR = 10.0  # times a plain eager loop
BATCH_SIZE, WARM_UP, TIMED = 64, 20, 400  # steps
COHORTS, IN_COHORTS = (1, 2, 4, 8, 16), ("StdCNN", "M1", "C1")


class Eager:
    """A recorder that refuses, so that steps run as they are."""

    def aside(self) -> nullcontext[None]:
        raise RuntimeError("eager on purpose")

    def record(self, *_: object) -> Callable[[], object]:
        raise RuntimeError("eager on purpose")


class Images(Dataset):
    """Images in host memory, one at a time."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.images[i], self.labels[i]


def loops(setting: Setting, _: dict) -> Row:
    """Steps a second of StdCNN and M1 at batch size 64."""
    rows = [guarded(setting, {"steps": name}, lambda n=name: _loops(setting, n)) for name in ("StdCNN", "M1")]
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
        agreement = _agreement(setting, task, (data[0][:2000], data[1][:2000]))
    return {
        "execution": ours.history().execution,
        "ours_per_second": captured,
        "ours_uncaptured_per_second": uncaptured,
        "plain_per_second": plain,
        "loader_per_second": loaded,
        "ratio_plain": captured / plain,
        "ratio_loader": captured / loaded,
        **agreement,
    }


def _batches(images: torch.Tensor, labels: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    while True:
        for batch in torch.randperm(len(labels), device=labels.device).split(BATCH_SIZE):
            yield images[batch], labels[batch]


def _plain(setting: Setting, task: Task, batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> Callable[[], None]:
    """A tutorial's step: default memory layout, default optimiser."""
    model = network(setting, task).to(memory_format=torch.contiguous_format).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step() -> None:
        x, y = next(batches)
        optimizer.zero_grad()
        F.cross_entropy(model(x.to(setting.device).contiguous()), y.to(setting.device)).backward()
        optimizer.step()

    return step


def _agreement(setting: Setting, task: Task, data: tuple[torch.Tensor, torch.Tensor]) -> Row:
    """Three epochs captured, captured again, uncaptured, and side by side: differences of losses and of weights."""
    epochs = 1 if setting.small else 3

    def trained(*further: Row) -> list[tuple[list[torch.Tensor], History]]:
        runs = [training(setting, task, data, BATCH_SIZE, epochs=epochs, **each) for each in further]
        ends = train_cohort(runs)
        for end in ends:
            if isinstance(end, Exception):
                raise end
        return [([*run.model.state_dict().values()], end) for run, end in zip(runs, ends, strict=True)]

    ((ours, history),), ((again, _),), ((_, eager),) = trained({}), trained({}), trained({"recorder": Eager()})
    beside = trained({}, {"seed": 1})[0][0]
    pairs = zip(history.losses, eager.losses, strict=True)
    return {
        "largest_loss_difference": max(abs(a - b) / abs(b) for a, b in pairs),
        "same_weights_twice": all(map(torch.equal, ours, again)),
        "same_weights_in_a_cohort": all(map(torch.equal, ours, beside)),
    }


def cohorts(setting: Setting, _: dict) -> Row:
    """Steps a second of all members together, and the memory they take."""
    sizes = COHORTS[:2] if setting.small else COHORTS
    cases = list(itertools.product(IN_COHORTS, sizes))
    rows = [guarded(setting, {"cohort of": n, "members": k}, lambda n=n, k=k: _cohort(setting, n, k)) for n, k in cases]
    return {"rows": rows}


def _cohort(setting: Setting, architecture: str, count: int) -> Row:
    task = TASKS[OF_ARCHITECTURE[architecture]]
    data = made_up(setting, task, 300 if setting.small else 20_000)
    warm, last = (1, 3) if setting.small else (WARM_UP, WARM_UP + TIMED)
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
        ends = train_cohort(members)
    taken = time.perf_counter() - began[0]
    for end in ends:
        if isinstance(end, Exception):
            raise end
    peak = torch.cuda.max_memory_allocated() / 2**20 if setting.cuda else f"{NOT_MEASURED}needs CUDA"
    total = count * (last - warm) / taken
    return {"total_per_second": total, "peak_mib": peak, "execution": ends[0].execution}


def resnet(setting: Setting, results: dict) -> Row:
    """Images a second of ResNet18, and what share of the measured bfloat16 rate its model FLOPs are."""
    sizes = (16,) if setting.small else (256, 512, 1024)
    peak = results.get("peaks", {}).get("rates", {}).get("bfloat16")
    cases = itertools.product((BFLOAT16, TF32, FLOAT32), sizes)
    rows = [
        guarded(setting, {"ResNet18": p, "batch_size": b}, lambda p=p, b=b: _resnet(setting, p, b)) for p, b in cases
    ]
    for row in rows:
        if peak and "flop_per_second" in row:
            row["share_of_bfloat16_rate"] = row["flop_per_second"] / peak
    return {"rows": rows, "precisions": SAYS}


def _resnet(setting: Setting, precision: str, batch_size: int) -> Row:
    if precision == TF32 and not setting.cuda:
        raise NotMeasuredError("needs CUDA")
    task = TASKS[OF_ARCHITECTURE["ResNet18"]]
    data = made_up(setting, task, 4 * batch_size)
    with numerics(precision):
        ours = training(setting, task, data, batch_size, precision=precision)
        found = batch_size * rate(setting, ours.advance, 8)
    flops = found * flops_an_image("ResNet18", setting.width)
    return {"execution": ours.history().execution, "images_per_second": found, "flop_per_second": flops}
