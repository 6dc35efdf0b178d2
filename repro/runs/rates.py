"""How fast a machine is before it was measured, and where what was measured of it is kept. Free of torch.

``python -m repro calibrate`` makes short runs and keeps their records in the user's cache folder, in a store for each
machine (host, processor, cores, device, torch), since a home folder may be shared. The environment variable
``REPRO_RATES`` names another folder instead. It may hold runs of another machine, short ones or those of a session: a
plan for a cluster is made on a laptop.
"""

import hashlib
import importlib.metadata
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..files.regular import at_home
from ..science.data.sources import cache_folder
from .hardware import processor

ENVIRONMENT: Final = "REPRO_RATES"
START: Final = 6.0  # seconds until a session's first run begins: pytest and torch are imported, the claims collected
VERDICT: Final = 0.02  # of a claim test whose runs are stored
FIGURE: Final = 0.14


@dataclass(frozen=True)
class Speed:
    """Seconds of one network's work: of a training step whatever its batch, and of each image that is in the work.

    ``sample``: an image in a training step; ``forward``: in a forward pass; ``gradient``: in a step of an attack;
    ``product``: in a Hessian-vector product whose graph is kept.
    """

    step: float
    sample: float
    forward: float
    gradient: float
    product: float


# Images forward and backward a second, on one core of a 2-core AMD EPYC with AVX-512 in float32. C1's was measured
# without padding (820) and is scaled: with it a step on 64 images took 1.6 times as long. ResNet18 is 64 wide. Forward
# passes take about a third of that time, Hessian-vector products twice as much.
GRADIENTS_PER_SECOND: Final = {"M1": 1300.0, "StdCNN": 5500.0, "C1": 510.0, "ResNet18": 25.0}
# What a step takes whatever its batch, as a number of images: its weights are read and updated, its kernels called.
# Fitted to what trainings of the laptop regime took at two batch sizes; ResNet18's was timed at 1 to 8 images.
STEP_IN_IMAGES: Final = {"M1": 14.0, "StdCNN": 10.0, "C1": 3.0, "ResNet18": 0.4}
BUILT_IN: Final = {
    name: Speed(STEP_IN_IMAGES[name] / n, 1 / n, 1 / 3 / n, 1 / n, 2 / n) for name, n in GRADIENTS_PER_SECOND.items()
}


def named() -> Path | None:
    """The folder that the user named, if any. SettingError: it is none."""
    path = os.environ.get(ENVIRONMENT)
    return at_home(path, ENVIRONMENT) if path else None


def measured(device: str) -> Path:
    """The store of the short runs that this machine was measured with; ``device`` is "cpu" or "cuda"."""
    if path := named():
        return path
    name = device
    if device == "cuda":
        import torch  # a session on a GPU imports it anyway

        name = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    machine = f"{platform.node()} {processor()} {os.cpu_count()} {name} {importlib.metadata.version('torch')}"
    return cache_folder() / "rates" / f"{device}-{hashlib.sha256(machine.encode()).hexdigest()[:12]}"
