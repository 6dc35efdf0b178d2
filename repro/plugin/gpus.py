"""Which GPU a worker uses."""

import os
from collections.abc import MutableMapping
from typing import Final

from ..errors import SettingError
from ..science.computing.memory import GPU_SHARE

SHARED: Final = 0.9  # of a GPU's memory; the rest is for what each process has there besides its tensors


def require_cuda() -> int:
    """The number of GPUs torch sees; SettingError if there is none."""
    import torch  # only with --gpu

    if not torch.cuda.is_available():
        raise SettingError(
            "--gpu: torch finds no CUDA device; leave --gpu out, or install a torch with CUDA and a driver"
        )
    return torch.cuda.device_count()


def choose(worker: int, workers: int, count: int, environment: MutableMapping[str, str] = os.environ) -> str:
    """Give a worker one of the GPUs that the caller made visible, in turn; to be called before CUDA starts.

    Workers of one GPU share its memory evenly: a process that would take more than its share runs out of memory by
    itself, and takes none of the others with it.
    """
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    names = map(str, range(count)) if visible is None else (name.strip() for name in visible.split(","))
    devices = list(names)[:count]  # CUDA stops at the first name that it does not know
    chosen = devices[worker % len(devices)]
    environment["CUDA_VISIBLE_DEVICES"] = chosen
    sharing = max(1, len(range(worker % len(devices), workers, len(devices))))  # a replaced worker has a higher number
    environment[GPU_SHARE] = f"{SHARED / sharing:.4f}"
    return chosen
