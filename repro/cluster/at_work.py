"""What a worker is at, as the session's live view shows it. It goes out with the heartbeats that Dask sends anyway."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ..runs.run import Run

Pulse = Callable[[Run, int, float | None], None]  # told how far a run is, as by a workshop
Tell = Callable[[int, Mapping[str, Mapping[str, Any]]], None]  # told of all workers: how many, and what each is at


class AtWork:
    """How far the run is that a worker is at."""

    def __init__(self, worker: str) -> None:
        self._worker, self._began, self._facts = worker, time.monotonic(), dict[str, Any]()

    def pulse(self, run: Run, epoch: int, loss: float | None) -> None:
        """Take note of an epoch that is done; with 0, that one of the run's measurements begins."""
        if not epoch:
            self._began = time.monotonic()
        far = {"epoch": epoch, "epochs": run.last_epoch, "loss": loss} if epoch else {}
        self._facts = {"worker": self._worker, "run": run.key, "name": str(run), **far}

    def told(self) -> dict[str, Any]:
        """What is known now, with the seconds since it began; no clock of the machine is told, for clocks differ."""
        return {**self._facts, "gone": time.monotonic() - self._began} if self._facts else {}


def by_worker(told: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What was told, by worker, with when it began by this machine's clock; workers at nothing are left out."""
    now = time.time()
    return {one["worker"]: {**one, "since": now - one["gone"]} for one in told.values() if one}
