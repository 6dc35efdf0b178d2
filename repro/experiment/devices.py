"""On which device networks are trained and measured: one for all tasks, or another for some. Free of torch.

A session's devices are one text, in its option, its conditions and its report: ``cpu``, ``cuda``, or with the tasks
that are elsewhere ``cpu,StdCNN-MNIST=cuda``. Rounding differs between devices, so the key of a run has its own device,
and claims on a task are decided by runs of one.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

CPU: Final = "cpu"
CUDA: Final = "cuda"
DEVICES: Final = (CPU, CUDA)


def device_of(devices: str, task: str) -> str:
    """The device of a task's networks."""
    everywhere, own = by_task(devices)
    return own.get(task, everywhere)


def used(devices: str) -> set[str]:
    """The devices that any task may be on."""
    everywhere, own = by_task(devices)
    return {everywhere, *own.values()}


def told(devices: str) -> str:
    """As a person reads it."""
    everywhere, own = by_task(devices)
    return ", ".join([everywhere, *(f"{task} on {device}" for task, device in own.items())])


@lru_cache
def by_task(devices: str) -> tuple[str, Mapping[str, str]]:
    """The device of all tasks, the CPU if none is named, and what others there are by task.

    ValueError, with the part that is wrong: it is no device, or a second one of the same tasks.
    """
    everywhere, own = "", dict[str, str]()
    for part in devices.split(","):
        task, of_one, device = part.rpartition("=")
        if device not in DEVICES or bool(of_one) != bool(task) or (task in own if task else everywhere):
            raise ValueError(part)
        if task:
            own[task] = device
        else:
            everywhere = device
    return everywhere or CPU, own


def joined(everywhere: str, own: Mapping[str, str]) -> str:
    """The text of these devices; of the tasks those are named whose device differs, in order."""
    others = [f"{task}={device}" for task, device in sorted(own.items()) if device != everywhere]
    return ",".join([everywhere, *others])
