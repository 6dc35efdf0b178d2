"""What a machine's rates are measured with: the harness's own functions on random pixels.

Each probe is a piece of work on so many images. It is done over and over until its share of the time is spent, first on
few images and then on four times as many, as long as that would fit; the middle of the durations counts. A first call,
which loads code and memory, does not count where there is time for another.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .rates import Speed, Timing
from .runs import Run
from .science.attacks import pgd
from .science.data import Data, Split
from .science.hessian import hessian_operator, lanczos, random_vector
from .science.instruments import check_attacks, curvature_of_each, second_start
from .science.measures import measure_parts
from .science.memory import keep_freed_memory
from .science.models import build
from .science.readings import Reading
from .science.recipes import LR
from .science.tasks import C1_CIFAR10, M1_MNIST, RESNET18_CIFAR10, STDCNN_MNIST, Task
from .science.training import train
from .store import Store

Probe = Callable[[int], float]  # does the work on so many images, and returns its seconds

# The slowest first: what it takes beyond its share, the others give.
NETWORKS: Final = ((RESNET18_CIFAR10, 64), (C1_CIFAR10, 64), (M1_MNIST, 64), (RESNET18_CIFAR10, 4), (STDCNN_MNIST, 64))
LADDERS: Final = {
    "step": (16, 64, 256, 1024),
    "forward": (4, 32, 128, 512),
    "gradient": (4, 32, 128, 512),
    "product": (4, 16, 64, 256),
    "rebuilt": (4, 32, 128),
    "checks": (4, 32),
    "spread": (4, 16, 64),
    "fixed": (1,),
    "kept": (1,),
}
# Shares of the time: most of a sweep is training, then come attacks and lambda1.
SHARES: Final = {"step": 4.0, "gradient": 1.5, "product": 1.5, "forward": 0.7, "rebuilt": 0.7, "checks": 0.7}
REST: Final = 0.4
STEPS: Final = 4  # of a training that are timed, after as many that are not
PRODUCTS: Final = 4  # of Lanczos
UNROLLED: Final = 2  # steps of PGD
LIVE: Final = 3  # calls at most on any number of images but the last: no more are needed to find the middle


@dataclass(frozen=True)
class Bench:
    """A network on a device, and the random images that it is given."""

    task: Task
    width: int
    device: str
    folder: Path

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
        train(
            self.network(),
            *self.pixels(2 * STEPS * batch_size),
            sgd=LR().sgd(64),
            batch_size=batch_size,
            epochs=1,
            seed=0,
            augmented=self.task.dataset.augmented,
            at_steps={STEPS: lambda _: times.append(self.now()), 2 * STEPS: lambda _: times.append(self.now())},
        )
        return (times[1] - times[0]) / STEPS

    def forward(self, images: int) -> float:
        """A forward pass, bytes made pixels before it, as accuracy is measured: of training and of test images."""
        model, (pixels, labels) = self.trained(), self.pixels(images)
        split = Split((255 * pixels).byte().cpu(), labels.cpu())
        reading = Reading(None, None, 1, None, parts=("accuracy",))
        return self.timed(lambda: measure_parts(model, self.task.dataset, Data(split, split, split), None, reading)) / 2

    def gradient(self, images: int) -> float:
        """A step of PGD."""
        model, pixels = self.trained(), self.pixels(images)
        return self.timed(lambda: pgd(model, *pixels, 0.01, steps=UNROLLED, step_size=0.01)) / UNROLLED

    def product(self, images: int) -> float:
        """A product of Lanczos, with its share of building the graph."""
        return self._lanczos(images, images)

    def rebuilt(self, images: int) -> float:
        """The same on twice as many images as a graph is kept of."""
        return self._lanczos(images, images // 2)

    def _lanczos(self, images: int, chunk: int) -> float:
        model, pixels = self.network(), self.pixels(images)

        def search() -> None:
            hessian, size = hessian_operator(model, *pixels, chunk)
            lanczos(hessian, random_vector(size, 0).to(pixels[0]), 0.0, PRODUCTS)

        return self.timed(search) / PRODUCTS

    def checks(self, images: int) -> float:
        """The checks of the attacks, where none breaks an image: at an epsilon of 0, on labels that are right."""
        model, (pixels, _) = self.trained(), self.pixels(images)
        with torch.no_grad():
            labels = model(pixels).argmax(1)
        return self.timed(lambda: check_attacks(model, pixels, labels, 0.0, count=images))

    def spread(self, images: int) -> float:
        """What is measured of lambda1 image by image, and the second start."""
        model, (pixels, labels) = self.network(), self.pixels(images)
        vector = random_vector(sum(p.numel() for p in model.parameters()), 0).to(pixels)
        return self.timed(lambda: (curvature_of_each(model, pixels, labels, vector), second_start(model, pixels)))

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
        return self.network().eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def timed(self, work: Callable[[], object]) -> float:
        """The seconds of some work, to its very end."""
        began = self.now()
        work()
        return self.now() - began


def climb(probe: Probe, ladder: tuple[int, ...], seconds: float) -> Timing:
    """The probe on ever more images until its time is spent; on the smallest number at least once."""
    began, points = time.perf_counter(), []
    for rung, images in enumerate(ladder):
        share = (seconds - (time.perf_counter() - began)) / (len(ladder) - rung)
        first = _wall(probe, images)
        found = [first]
        while first[1] * len(found) < share and len(found) <= LIVE * (rung + 1):
            found.append(_wall(probe, images))
        points.append((images, statistics.median(value for value, _ in found[1:] or found)))
        if rung + 1 < len(ladder):
            grown = found[-1][1] * ladder[rung + 1] / images
            if time.perf_counter() - began + 1.5 * grown > seconds:
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
    plan = [(task, width, kind) for task, width in NETWORKS for kind in LADDERS]
    left = sum(SHARES.get(kind, REST) for *_, kind in plan)
    found: dict[str, dict[int, dict[str, Timing]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        Store(Path(folder)).prepare()
        for task, width, kind in plan:
            share = (ends - time.perf_counter()) * SHARES.get(kind, REST) / left
            left -= SHARES.get(kind, REST)
            probe: Probe = getattr(Bench(task, width, device, Path(folder)), kind)
            speeds = found.setdefault(task.architecture, {}).setdefault(width, {})
            speeds[kind] = climb(probe, LADDERS[kind], max(share, 0.0))
    return {
        name: {width: _speed(timings) for width, timings in sorted(widths.items())} for name, widths in found.items()
    }


def _speed(timings: dict[str, Timing]) -> Speed:
    fixed, kept = timings.pop("fixed").at(1), timings.pop("kept").at(1)
    return Speed(**timings, fixed=fixed, kept=kept)
