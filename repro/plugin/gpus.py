"""Which GPU a worker uses, and what is made without one."""

import itertools
import os
from collections.abc import MutableMapping
from typing import Any, Final

from ..errors import SettingError
from ..experiment.devices import CUDA
from ..runs.run import Run
from ..runs.workshop import make_here
from ..science.computing.memory import GPU_SHARE, TENSORS
from .settings import NO_MPS

PARTITION: Final = "MIG-"


def visible() -> int:
    """The number of GPUs torch sees; 0 where it has no CUDA, or there is none."""
    import torch  # only with --gpu

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def require_cuda(for_what: str = "") -> int:
    """The number of GPUs torch sees. SettingError, which says what one is needed for: there is none."""
    if count := visible():
        return count
    raise SettingError(lacking(for_what))


def lacking(for_what: str = "", option: str = "--gpu") -> str:
    """One line for whoever asks for a GPU, by an option, where there is none."""
    import torch

    apples = f" (an Apple GPU {NO_MPS})" if torch.backends.mps.is_available() else ""
    way_out = f"leave {option.split()[0]} out, or install a torch with CUDA and a driver"
    return f"{option}: torch finds no CUDA device{for_what}{apples}; {way_out}"


def without(option: str, run: Run, *further: Any) -> None:
    """Make a run where there is no GPU. SettingError: it takes one, as only a run that was not foreseen does."""
    if run.device == CUDA:
        raise SettingError(lacking(f", and {run} must be made on one", option))
    make_here(run, *further)


def choose(worker: int, workers: int, count: int, environment: MutableMapping[str, str] = os.environ) -> str:
    """Give a worker one of the GPUs that the caller made visible, in turn; to be called before CUDA starts.

    Workers of one GPU share its memory evenly: a process that would take more than its share runs out of memory by
    itself, and takes none of the others with it.
    """
    devices = _named(environment.get("CUDA_VISIBLE_DEVICES"), count)
    chosen = devices[worker % len(devices)]
    environment["CUDA_VISIBLE_DEVICES"] = chosen
    sharing = len(range(worker % len(devices), workers, len(devices)))
    environment[GPU_SHARE] = f"{TENSORS / sharing:.4f}"
    return chosen


def _named(named: str | None, count: int) -> list[str]:
    """The names of the visible devices: numbers, or what the caller names them by, which may be UUIDs.

    CUDA stops at the first name that it does not know, so no more are there than it counts. It shows a process one
    instance of a GPU that is partitioned (MIG) at most: of those that are named, each worker can have another.
    """
    if named is None:
        return [str(number) for number in range(count)]
    names = [name.strip() for name in named.split(",")]
    if names[0].startswith(PARTITION):
        return list(itertools.takewhile(lambda name: name.startswith(PARTITION), names))
    return names[:count]
