"""What a run is, and the key it is stored under. Free of torch."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

from .science.readings import Reading
from .science.recipes import SGD
from .science.tasks import TASKS, Task

# Part of every key. Raise it when a change of code changes the weights a run ends with, or the numbers read off them.
TRAINING_VERSION: Final = 1
MEASURING_VERSION: Final = 1


@dataclass(frozen=True)
class Run:
    """All that decides the weights a training ends with; equal runs are trained once, whatever figures ask for them.

    ``data`` is "published" or "surrogate"; ``device`` is "cpu" or "cuda", whose rounding differs. ``train_images`` None
    is the whole training split. ``width`` is that of ResNet18 (64 for the other networks).
    """

    task: Task
    sgd: SGD
    batch_size: int
    seed: int
    epochs: int
    train_images: int | None
    data: str
    device: str
    width: int = 64

    @property
    def spec(self) -> dict[str, Any]:
        """The run as plain JSON, with the version of the code that trains it."""
        return {**asdict(self), "task": str(self.task), "version": TRAINING_VERSION}

    @cached_property
    def key(self) -> str:
        """The content key: the hash of the canonical JSON of ``spec``."""
        return _hash(self.spec)

    @property
    def samples(self) -> int:
        """Images shown to the network in all of training."""
        return self.epochs * (self.train_images or self.task.dataset.train)

    def __str__(self) -> str:
        decay = f" halved every {self.sgd.half_life}" if self.sgd.half_life else ""
        return (
            f"{self.task} lr={self.sgd.learning_rate:g}{decay} m={self.sgd.momentum:g} "
            f"batch size {self.batch_size} seed {self.seed}"
        )


def from_spec(spec: dict[str, Any]) -> Run:
    """The run that a stored spec describes."""
    values = {name: value for name, value in spec.items() if name != "version"}
    return Run(**{**values, "task": TASKS[spec["task"]], "sgd": SGD(**spec["sgd"])})


def reading_key(reading: Reading) -> str:
    """The key of one way of measuring, within a run."""
    return _hash({**asdict(reading), "version": MEASURING_VERSION})


def _hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]
