"""The two kinds of benchmark: both sides timed in turn, each in a process of its own on one thread; and all others."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from .results import Result, ratio

OURS, PEER, CHECK = "ours", "peer", "check"
REPEATS: Final = 5


class BenchmarkError(Exception):
    """What was to be measured did not come to an end, or is not what it should be."""


@dataclass(frozen=True)
class Measured:
    """A benchmark that times what it starts itself, such as whole sessions; ``peers`` are the packages it needs."""

    measure: Callable[[], Result]
    peers: tuple[str, ...] = ()

    def run(self, name: str) -> Result:  # noqa: ARG002  # as the other kind
        return self.measure()


@dataclass(frozen=True)
class Pair:
    """Both sides' work on the same thing, and the check that it is the same, with what else is found out untimed."""

    ours: Callable[[], object]
    peer: Callable[[], object]
    check: Callable[[], Result]


@dataclass(frozen=True)
class Timed:
    """A benchmark of two sides. ``prepare`` is called in every process, first in the one that checks."""

    prepare: Callable[[], Pair]
    asked: float | None = None
    peers: tuple[str, ...] = ()

    def run(self, name: str) -> Result:
        """Check once, then time both sides in turn."""
        with Side(name, CHECK) as checking:
            checked = msgspec.json.decode(checking.answer(), type=Result)
        if checked.faults:
            return checked
        with Side(name, OURS) as ours, Side(name, PEER) as peer:
            turns = [(ours.seconds(), peer.seconds()) for _ in range(REPEATS)]
        time = ratio([own for own, _ in turns], [theirs for _, theirs in turns], self.asked)
        return replace(checked, figures={"time": time, **checked.figures})


class Side:
    """A process that does one side's work when told to."""

    def __init__(self, name: str, side: str) -> None:
        self._what = f"{name}, {side}"
        command = [sys.executable, "-m", "benchmarks.side", name, side]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=one_thread())
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._say, self._hear = self._process.stdin, self._process.stdout

    def seconds(self) -> float:
        """Do the work once more; how long it took."""
        return float(self.answer())

    def answer(self) -> str:
        """What the process says when it is told to go. BenchmarkError: it ended before it answered."""
        with suppress(BrokenPipeError):  # it has ended, as the next line finds
            self._say.write("go\n")
            self._say.flush()
        line = self._hear.readline()
        if not line:
            raise BenchmarkError(f"{self._what}: its process ended with status {self._process.wait()}")
        return line

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def one_thread() -> dict[str, str]:
    """The environment of a process that uses one thread, and keeps compiled modules as a user's does."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
