"""The sections of the GPU benchmark, and how one comes to its rows.

They stand in a module of their own: what a process of its own is to run has to be found there by its name, and
``__main__`` is another module in each process.
"""

import importlib
import time
from collections.abc import Iterator
from typing import Final

import torch

from repro.science.computing.memory import keep_freed_memory

from .tools import Case, Known, Row, Section, Setting, broke

START: Final = 15.0  # seconds that a process may take to start and to end


def late(module: str, name: str) -> Section:
    """A section that is imported when its turn comes: a package that is not installed costs that section alone."""

    def cases(setting: Setting, known: Known) -> Iterator[Case]:
        yield from getattr(importlib.import_module(f".{module}", __package__), name)(setting, known)

    return cases


SECTIONS: dict[str, tuple[float, Section]] = {  # with its share of the time
    "against": (0.1, late("against", "against")),
    "tasks": (0.15, late("tasks", "tasks")),
    "loops": (0.13, late("training", "loops")),
    "cohorts": (0.13, late("training", "cohorts")),
    "peaks": (0.03, late("measures", "peaks")),
    "resnet": (0.15, late("training", "resnet")),
    "precision": (0.15, late("precision", "precision")),
    "measures": (0.08, late("measures", "measures")),
    "session": (0.08, late("measures", "session")),
}


def rows(name: str, device: str, small: bool, seconds: float, known: Known) -> Iterator[Row]:
    """What a section comes to on this device in so many seconds: the device itself, then row by row."""
    setting = Setting(torch.device(device), small, time.monotonic() + seconds)
    torch.set_num_threads(1)
    keep_freed_memory()
    try:
        yield {"device": _gpu() if setting.cuda else {}}
        for case in SECTIONS[name][1](setting, known):
            yield case.row(setting)
    except Exception as error:  # the section itself, not one of its cases
        yield {"note": broke(error)}


def _gpu() -> Row:
    card = torch.cuda.get_device_properties(0)
    memory, libraries = round(card.total_memory / 2**30, 1), [torch.version.cuda, torch.backends.cudnn.version()]
    told = {"gpu": card.name, "gpu_memory_gib": memory, "multiprocessors": card.multi_processor_count}
    return {**told, "cuda_and_cudnn": libraries}
