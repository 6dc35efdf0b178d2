"""Pools of workers that need no Dask: a real executor of the standard library, and parcels that take no time."""

import json
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from repro.cluster.far import FarWorkshop
from repro.cluster.parcels import Made, Parcel
from repro.experiment.readings import of_checkpoints, transfer
from repro.experiment.recipes import SGD
from repro.experiment.regimes import QUICK
from repro.experiment.tasks import STDCNN_MNIST
from repro.runs.conditions import Conditions
from repro.runs.integrity import RECORD, signed
from repro.runs.run import Job, Run
from repro.runs.store import WEIGHTS_FILE, Store, measures_name
from repro.runs.workshop import Session
from repro.science.data.sources import Source

CONDITIONS = Conditions(QUICK, {"MNIST": Source("MNIST", "surrogate", "")}, "cpu")
READING = QUICK.scale(STDCNN_MNIST).reading
FIRST = Run(STDCNN_MNIST, SGD(0.01, 0.0), 64, 0, 1, 100, "surrogate", "cpu")


def run(seed: int = 0, steps: int | None = None) -> Run:
    return replace(FIRST, seed=seed, steps=steps)


def trains(seed: int = 0) -> Job:
    return Job(run(seed), READING)


def checkpoint(seed: int = 0) -> Job:
    return Job(run(seed, 1), of_checkpoints(READING))


def transfers(seed: int = 0) -> Job:
    return Job(run(seed), transfer(READING))


@dataclass
class Fleet:
    """A pool on an executor, which remembers what it was sent; ``does`` is what the workers do of it."""

    executor: Executor
    workers: int = 2
    does: Callable[[Parcel], Made] | None = None
    sent: list[tuple[Job, ...]] = field(default_factory=list)
    most_out: int = 0
    _out: int = 0

    def slots(self) -> int:
        return self.workers

    def submit(self, work: Parcel) -> Future[Made]:
        self.sent.append(work.jobs)
        self._out += 1
        self.most_out = max(self.most_out, self._out)
        future = self.executor.submit(self.does or make, work)
        future.add_done_callback(lambda _: self._back())
        return future

    def _back(self) -> None:
        self._out -= 1


def make(work: Parcel) -> Made:
    """All of a parcel, in no time."""
    contents: dict[Run, dict[str, bytes]] = {}
    for run, reading in work.jobs:
        files = contents.setdefault(run, {})
        if run not in work.stored:
            files |= {RECORD: _sent({"run": run.spec, "steps": 1}, run, RECORD), WEIGHTS_FILE: str(run.seed).encode()}
        measures = {"reading": asdict(reading), "measures": {}, "seconds": 0.0}
        files[measures_name(reading)] = _sent(measures, run, measures_name(reading))
    return Made(contents, {}, "a worker", dict.fromkeys(work.jobs, 0.5))


def _sent(content: dict[str, Any], run: Run, name: str) -> bytes:
    """A file as a worker's store signs it."""
    return json.dumps(signed(content, f"{run.key}/{name}")).encode()


def shop(store: Store, fleet: Fleet, *jobs: Job, **further: object) -> FarWorkshop:
    """A workshop of these jobs, in a session that ends before a test that waits for ever holds up others."""
    cohort, ends = further.pop("cohort", lambda _: 1), time.monotonic() + 60
    further.setdefault("over", lambda: time.monotonic() > ends)
    return FarWorkshop(store, CONDITIONS, Session(jobs, **further), fleet, cohort=cohort)
