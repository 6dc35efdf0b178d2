"""Two sides of a benchmark timed in turn, each in a process of its own on one thread."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from .results import Figure, Result, ratio

OURS, PEER, CHECK = "ours", "peer", "check"
REPEATS: Final = 5


@dataclass(frozen=True)
class Checked:
    """What is found out once, untimed, before the sides take turns."""

    facts: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)  # the fields of further figures
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """Both sides' work on the same thing, and the check that it is the same."""

    ours: Callable[[], object]
    peer: Callable[[], object]
    check: Callable[[], Checked] = Checked


@dataclass(frozen=True)
class Timed:
    """A benchmark of two sides. ``prepare`` is called in every process; ``peers`` are the packages it needs."""

    prepare: Callable[[], Pair]
    asked: float | None = None
    peers: tuple[str, ...] = ()

    def run(self, name: str) -> Result:
        """Check once, then time both sides in turn."""
        checked = Checked(**_ask(name, CHECK))
        if checked.faults:
            return Result({}, checked.facts, tuple(checked.faults))
        with Side(name, OURS) as ours, Side(name, PEER) as peer:
            pairs = [(ours.seconds(), peer.seconds()) for _ in range(REPEATS)]
        figures = {key: Figure(**{**found, "range": tuple(found["range"])}) for key, found in checked.figures.items()}
        time = ratio([own for own, _ in pairs], [theirs for _, theirs in pairs], self.asked)
        return Result({"time": time, **figures}, checked.facts)


@dataclass(frozen=True)
class Measured:
    """A benchmark that times what it starts itself, such as whole sessions."""

    measure: Callable[[], Result]
    peers: tuple[str, ...] = ()

    def run(self, name: str) -> Result:  # noqa: ARG002  # as the other kind
        return self.measure()


class BenchmarkError(Exception):
    """A process of a benchmark ended before it answered."""


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
        """What the process says when it is told to go."""
        self._say.write("go\n")
        self._say.flush()
        line = self._hear.readline()
        if not line:
            raise BenchmarkError(f"{self._what}: its process ended with status {self._process.wait()}")
        return line

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *_: object) -> None:
        self._say.close()
        self._process.wait()


def _ask(name: str, side: str) -> dict[str, Any]:
    with Side(name, side) as process:
        found: dict[str, Any] = json.loads(process.answer())
    return found


def one_thread() -> dict[str, str]:
    """The environment of a process that uses one thread, and keeps compiled modules as a user's does."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
