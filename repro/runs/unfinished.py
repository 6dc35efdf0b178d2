"""The state of a training that is under way, kept beside what is stored of its run: who is killed loses a minute.

    runs/KEY/unfinished-CHECKSUM.safetensors    no part of the run, and gone once that is stored

It is taken up by whoever makes the run next, where that is the same version of torch on the same kind of processor: the
run then ends in the very bits in which it would have ended undisturbed. A state that is damaged, as its name tells, is
passed over.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ..files.regular import checksum
from ..files.text import TEMPORARY
from ..science.training.training import State
from .hardware import processor
from .run import Run
from .store import Store

EVERY: Final = 60.0  # seconds from one state that is kept to the next, at least
BEGINS: Final = "unfinished-"


class Unfinished:
    """What is kept of a run's training, by the process that holds the run's lock."""

    def __init__(self, store: Store, run: Run) -> None:
        self._folder, self._run = store.weights(run).parent, run
        self.seconds = 0.0  # that were trained before this process went on
        self._made = {"run": run.key, "torch": torch.__version__, "processor": processor()}
        self._began = self._kept = time.perf_counter()

    def found(self) -> State | None:
        """The last state that was kept; None where there is none of this torch and processor, or it is damaged."""
        found = [one for path in self._folder.glob(f"{BEGINS}*") if (one := self._read(path)) is not None]
        if not found:
            return None
        state, self.seconds = max(found, key=lambda one: one[0].steps)
        return state

    def _read(self, path: Path) -> tuple[State, float] | None:
        try:
            if path.stem.removeprefix(BEGINS) != checksum(path):
                return None
            with safe_open(path, framework="pt", device="cpu") as file:
                told = file.metadata()
                if any(told[name] != value for name, value in self._made.items()):
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
                return State(int(told["steps"]), tuple(json.loads(told["losses"])), tensors), float(told["seconds"])
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            return None

    def keep(self, state: Callable[[], State]) -> None:
        """Keep the training's state if the last one is old enough; a full disk is no reason to end it."""
        if time.perf_counter() - self._kept < EVERY:
            return
        with suppress(OSError, SafetensorError):
            self._write(state())
        self._kept = time.perf_counter()

    def _write(self, state: State) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{TEMPORARY}{BEGINS}state"  # of the one who holds the lock
        told = {
            **self._made,
            "steps": str(state.steps),
            "losses": json.dumps(state.losses),
            "seconds": str(self.so_far()),
        }
        save_file({name: value.contiguous() for name, value in state.tensors.items()}, path, told)
        before = [*self._folder.glob(f"{BEGINS}*")]
        path.replace(self._folder / f"{BEGINS}{checksum(path)}.safetensors")
        for old in before:
            old.unlink(missing_ok=True)

    def so_far(self) -> float:
        """Seconds of the training, with those before it was taken up."""
        return self.seconds + time.perf_counter() - self._began

    def remove(self) -> None:
        """Forget the states: the run is stored."""
        with suppress(OSError):
            for path in self._folder.glob(f"{BEGINS}*"):
                path.unlink(missing_ok=True)
