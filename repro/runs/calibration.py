"""How fast this machine is: short runs are trained and measured as sessions do it, and their records kept."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..experiment.readings import Part, Reading
from ..experiment.recipes import LR
from ..experiment.regimes import GRID, QUICK
from ..experiment.tasks import C1_CIFAR10, M1_MNIST, RESNET18_CIFAR10, STDCNN_MNIST, Task
from ..science.data.sources import Source, cache_folder
from .conditions import Conditions
from .run import Run
from .store import Store
from .trainer import make

Network = tuple[Task, int, Sequence[int], int]  # with its width, the sizes of its batches, the images of its readings
NETWORKS: Final[tuple[Network, ...]] = (  # what a core does in a second or two
    (RESNET18_CIFAR10, 64, (16,), 2),
    (C1_CIFAR10, 64, (64, 256), 16),
    (M1_MNIST, 64, (64, 256), 16),
    (RESNET18_CIFAR10, 4, (64, 256), 16),
    (STDCNN_MNIST, 64, (64, 256), 64),
)
ON_A_GPU: Final = (GRID, 1024)  # or launching kernels would be all that is measured
PARTS: Final[tuple[Part, ...]] = ("accuracy", "attacks", "curvature")  # those that make up the seconds of a reading


def make_short_runs(path: Path, ends: float, device: str, first: int, every: int) -> None:
    """Make short runs of every network in the store at ``path`` until about the time ``ends``, but once in any case.

    Processes side by side have each their own seeds: from ``first`` on, ``every`` so many.
    """
    sources = {name: Source(name, "surrogate", cache_folder() / "surrogate") for name in ("MNIST", "CIFAR10")}
    conditions = Conditions(QUICK, sources, device)
    with tempfile.TemporaryDirectory() as folder:  # the first runs load code and memory
        warm = Store(Path(folder))
        warm.prepare()
        for task, width, _, _ in NETWORKS:
            _make((task, width, (4,), 2), first, warm, conditions)
    seed, longest = first, 0.0
    while seed == first or time.time() + longest < ends:
        began = time.time()
        for task, width, sizes, images in NETWORKS:
            batches, read = (sizes, images) if device == "cpu" else ON_A_GPU
            _make((task, width, batches, read), seed, Store(path), conditions)
        seed, longest = seed + every, max(longest, time.time() - began)


def _make(network: Network, seed: int, store: Store, conditions: Conditions) -> None:
    """Train the same images at each batch size, and measure the last run part by part."""
    task, width, sizes, images = network
    for size in sizes:  # anew, whoever made them before
        run = Run(task, LR().sgd(64), size, seed, 1, sizes[-1], "surrogate", conditions.device, width)
        shutil.rmtree(store.weights(run).parent, ignore_errors=True)
        for part in PARTS if size == sizes[-1] else PARTS[:1]:
            # no PGD: how many images of a network that has not learnt withstand it is not known beforehand
            make(run, Reading(images, images, 1, images, pgd_restarts=0, parts=(part,)), store, conditions)
        store.weights(run).unlink()
