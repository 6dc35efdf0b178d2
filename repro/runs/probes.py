"""What a machine's rates are measured with: the harness's own functions on random pixels.

Each probe is a piece of work on so many images. It is done over and over until its share of the time is spent, first on
few images and then on four times as many, as long as that would fit; the middle of the durations counts. A first call,
which loads code and memory, does not count where there is time for another.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..experiment.precisions import FLOAT32
from ..experiment.readings import Reading
from ..experiment.recipes import LR
from ..experiment.tasks import C1_CIFAR10, M1_MNIST, RESNET18_CIFAR10, STDCNN_MNIST, Task
from ..science.attacks.attacks import pgd
from ..science.computing.inputs import preferred_layout
from ..science.computing.memory import keep_freed_memory
from ..science.computing.numerics import numerics
from ..science.curvature.hessian import Hessian
from ..science.curvature.lanczos import lanczos
from ..science.data.splits import Data, Split
from ..science.measuring import measures
from ..science.networks.models import build
from ..science.training.settings import TrainingSettings
from ..science.training.training import train
from .rates import Speed, Timing
from .run import Run
from .store import Store

Probe = Callable[[int], float]  # does the work on so many images, and returns its seconds

# The slowest first: what it takes beyond its share, the others give.
NETWORKS: Final = (
    (RESNET18_CIFAR10, 64),
    (C1_CIFAR10, 64),
    (M1_MNIST, 64),
    (RESNET18_CIFAR10, 4),
    (STDCNN_MNIST, 64),
)
# The first rungs are few images: a core takes half a minute for ResNet18's own width on as many as the second.
LADDERS: Final = {
    "step": (4, 16, 64, 256, 1024),
    "forward": (16, 64, 256, 512),
    "gradient": (4, 16, 64, 256),
    "product": (4, 16, 64, 256),
    "fixed": (1,),
    "kept": (1,),
}
# Shares of the time: most of a sweep is training, then come attacks and lambda1.
SHARES: Final = {"step": 4.0, "gradient": 1.5, "product": 1.5, "forward": 0.7, "fixed": 0.2, "kept": 0.2}
SURE: Final = 2  # rungs of a ladder that are climbed whatever they take: from one point nothing is known of the rest
CALLS: Final = 9  # at most on a rung: the middle is found
STEPS: Final = 2  # of a training that are timed, after as many that are not
PRODUCTS: Final = 4  # of Lanczos
UNROLLED: Final = 2  # steps of PGD


class Bench:
    """A network on a device, and random images for it."""

    def __init__(self, task: Task, width: int, device: str, folder: Path) -> None:
        self.task, self.width, self.device, self.folder = task, width, device, folder
        self._model = self.network()

    def network(self) -> nn.Module:
        return build(self.task, 0, self.width).to(self.device)

    def pixels(self, count: int) -> tuple[Tensor, Tensor]:
        """Pixels (N, C, H, W) and labels (N,)."""
        dataset, generator = self.task.dataset, torch.Generator().manual_seed(0)
        images = torch.rand(count, dataset.channels, dataset.side, dataset.side, generator=generator)
        return images.to(self.device), (torch.arange(count) % 10).to(self.device)

    def now(self) -> float:
        """The time when all that was begun is done."""
        if self.device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()

    # --- the probes ---

    def step(self, batch_size: int) -> float:
        """A step of SGD, without what a training does before its first."""
        times: list[float] = []
        augmented = self.task.dataset.augmented
        train(
            self._model,
            *self.pixels(2 * STEPS * batch_size),
            TrainingSettings(sgd=LR().sgd(64), batch_size=batch_size, epochs=1, seed=0, augmented=augmented),
            at_steps={STEPS: lambda _: times.append(self.now()), 2 * STEPS: lambda _: times.append(self.now())},
        )
        return (times[1] - times[0]) / STEPS

    def forward(self, images: int) -> float:
        """A forward pass, bytes made pixels before it, as accuracy is measured: of training and of test images."""
        model, dataset, (pixels, labels) = self.trained(), self.task.dataset, self.pixels(images)
        split = Split((255 * pixels).byte().cpu(), labels.cpu())
        reading = Reading(None, None, 1, None, parts=("accuracy",))
        return self.timed(lambda: measures.measure(model, dataset, Data(split, split, split), None, reading)) / 2

    def gradient(self, images: int) -> float:
        """A step of PGD."""
        model, pixels = self.trained(), self.pixels(images)
        return self.timed(lambda: pgd(model, *pixels, 0.01, steps=UNROLLED, step_size=0.01)) / UNROLLED

    def product(self, images: int) -> float:
        """A product of Lanczos, with its share of building the graph."""
        pixels = self.pixels(images)

        def search() -> None:
            hessian = Hessian(self._model, *pixels, images)
            lanczos(hessian, hessian.start(0), 0.0, PRODUCTS)

        return self.timed(search) / PRODUCTS

    def fixed(self, _: int) -> float:
        """What any reading begins with: the network is built and its weights are read."""
        path = self.folder / "weights.safetensors"
        save_file({name: value.contiguous() for name, value in self.network().state_dict().items()}, path)
        return self.timed(lambda: self.network().load_state_dict(load_file(path, device=self.device)))

    def kept(self, _: int) -> float:
        """A trained run is stored."""
        run = Run(self.task, LR().sgd(64), 64, 0, 1, 64, "published", self.device, self.width)
        weights = {name: value.contiguous() for name, value in self.network().state_dict().items()}
        return self.timed(lambda: Store(self.folder).put_run(run, {}, lambda path: save_file(weights, path)))

    def trained(self) -> nn.Module:
        """A network as it is measured."""
        return self._model.eval().to(memory_format=preferred_layout(self._model))

    def timed(self, work: Callable[[], object]) -> float:
        """The seconds of some work, to its very end."""
        began = self.now()
        work()
        return self.now() - began


def climb(probe: Probe, ladder: tuple[int, ...], seconds: float) -> Timing:
    """The probe on ever more images until its time is spent."""
    ends = time.perf_counter() + seconds
    points: list[tuple[int, float]] = []
    for rung, images in enumerate(ladder):
        share = (ends - time.perf_counter()) / (len(ladder) - rung)
        first, wall = _wall(probe, images)
        found: list[float] = []
        while wall * (len(found) + 2) <= share and len(found) < CALLS:
            found.append(probe(images))
        points.append((images, statistics.median(found or [first])))
        grown = wall * ladder[min(rung + 1, len(ladder) - 1)] / images
        if rung + 1 >= SURE and time.perf_counter() + grown > ends:
            break
    return Timing(tuple(points))


def _wall(probe: Probe, images: int) -> tuple[float, float]:
    """What a probe measures, and the seconds of it all."""
    began = time.perf_counter()
    return probe(images), time.perf_counter() - began


def measure(seconds: float, device: str) -> dict[str, dict[int, Speed]]:
    """The speeds of all networks on a device, in about so many seconds."""
    torch.set_num_threads(1)
    keep_freed_memory()
    ends = time.perf_counter() + seconds
    left = len(NETWORKS) * sum(SHARES.values())
    found: dict[str, dict[int, dict[str, Timing]]] = {}
    with tempfile.TemporaryDirectory() as folder, numerics(FLOAT32):  # or a GPU would be measured in TensorFloat-32
        Store(Path(folder)).prepare()
        for task, width in NETWORKS:
            bench = Bench(task, width, device, Path(folder))
            speeds = found.setdefault(task.architecture, {}).setdefault(width, {})
            for kind, share in SHARES.items():
                time_left = max(ends - time.perf_counter(), 0.0)
                speeds[kind] = climb(getattr(bench, kind), LADDERS[kind], time_left * share / left)
                left -= share
    return {
        name: {width: _speed(timings) for width, timings in sorted(widths.items())} for name, widths in found.items()
    }


def _speed(timings: dict[str, Timing]) -> Speed:
    fixed, kept = timings.pop("fixed").at(1), timings.pop("kept").at(1)
    return Speed(**timings, fixed=fixed, kept=kept)
