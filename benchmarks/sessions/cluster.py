"""What a cluster costs a run: 10,000 runs that take no time, sent to four workers and stored; and one by one.

Nothing is trained, but all else is real: Dask's scheduler and worker processes, the parcels, the locks, the store. A
store flushes three files a run to disk, which takes as long as the disk does; the sweep of 10,000 leaves that out, and
the runs that are waited for one by one have it. Memory is that of the session's process, in which the scheduler of a
local cluster runs, too.

And whole sessions of `pytest claims`: the same missing runs made by `--cluster local:4` and by `-n 4`, in turn.
"""

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final
from unittest import mock

from repro.cluster.at_work import Pulse
from repro.cluster.far import FarWorkshop
from repro.cluster.parcels import Made, Parcel
from repro.experiment.recipes import LR
from repro.experiment.regimes import QUICK
from repro.experiment.tasks import STDCNN_MNIST
from repro.runs.conditions import Conditions
from repro.runs.integrity import RECORD, signed
from repro.runs.run import Job
from repro.runs.store import WEIGHTS_FILE, Store, measures_name
from repro.runs.workshop import Session
from repro.science.data.sources import Source

from ..results import Result, absolute, ratio
from ..sides import Measured
from .scheduling import made
from .timeline import tail

RUNS: Final = 10_000
SINGLE: Final = 200  # runs that are waited for one by one
WORKERS: Final = 4  # two have nothing to do while their next runs are on the way: 95 a second on two cores, four 131
WEIGHT_BYTES: Final = 1 << 10
SIDES: Final = (("--cluster", "local:4"), ("-n", "4"))
REPEATS: Final = 3
CONDITIONS: Final = Conditions(QUICK, {"MNIST": Source("MNIST", "published", Path())}, "cpu")


def at_once(work: Parcel, worker: str, _: Pulse) -> Made:
    """What takes the place of making a parcel, in the worker."""
    contents = {}
    for run, reading in work.jobs:
        record = {"run": run.spec, "steps": run.last_step, "diverged": False, "seconds": 0.0}
        measures = {"reading": asdict(reading), "measures": {}, "seconds": 0.0}
        sent = {RECORD: record, measures_name(reading): measures}
        files = {name: json.dumps(signed(content, f"{run.key}/{name}")).encode() for name, content in sent.items()}
        contents[run] = {**files, WEIGHTS_FILE: bytes(WEIGHT_BYTES)}
    return Made(contents, {}, worker, dict.fromkeys(work.jobs, 0.0))


def jobs(first: int, count: int) -> list[Job]:
    """So many runs, each of a seed of its own."""
    run = CONDITIONS.run(STDCNN_MNIST, LR(), 64, 0)
    return [Job(replace(run, seed=seed), CONDITIONS.reading_of(run)) for seed in range(first, first + count)]


@contextmanager
def workshop(wanted: list[Job]) -> Iterator[tuple[FarWorkshop, Store]]:
    """A session of these jobs with a cluster and an empty store."""
    from repro.cluster.pool import DaskPool  # with Dask, which other benchmarks do without
    from repro.cluster.starting import connected

    with tempfile.TemporaryDirectory() as folder, connected(f"local:{WORKERS}") as client:
        store = Store(Path(folder))
        store.prepare()
        yield FarWorkshop(store, CONDITIONS, Session(wanted), DaskPool(client, {}, work=at_once)), store


def memory() -> float:
    """What this process holds, in MiB."""
    import psutil

    return float(psutil.Process().memory_info().rss) / 2**20


def no_flush(_: int) -> None:
    """What takes the place of a flush; a mock would remember 2 KB of calls a run."""


def measure() -> Result:
    sweep = jobs(0, RUNS)
    with workshop([]) as (shop, store):
        shop.obtain(jobs(RUNS, WORKERS))  # the first ones import what workers need
        alone = []
        for job in jobs(2 * RUNS, SINGLE):
            began = time.perf_counter()
            shop.obtain([job])
            alone.append(1000 * (time.perf_counter() - began))
        began, held = time.perf_counter(), []
        with mock.patch.object(os, "fsync", no_flush):
            for tenth in range(10):
                shop.obtain(sweep[tenth * RUNS // 10 : (tenth + 1) * RUNS // 10])
                held.append(memory())
        seconds = time.perf_counter() - began
        faults = () if all(store.has(*job) for job in sweep) else ("not every run was stored",)
    alone.sort()
    figures = {
        "one_by_one": absolute([alone[len(alone) // 2]], "ms a run", asked=100.0),
        "sweep": absolute([1000 * seconds / RUNS], "ms a run", asked=10.0),
        "memory": absolute([held[-1] - held[0]], "MiB grown"),
    }
    return Result(figures, {"runs": RUNS, "workers": WORKERS, "runs_a_second": RUNS / seconds, "mib": held}, faults)


def against_processes() -> Result:
    """The wall time of sessions with workers of a cluster, against as many processes of a session without one."""
    turns = [[made(*options, tasks=("StdCNN-MNIST",)) for options in SIDES] for _ in range(REPEATS)]
    there, here = ([side[0] for side in sides] for sides in zip(*turns, strict=True))
    pieces = [pieces for turn in turns for _, pieces in turn]
    facts = {
        "cpu_seconds": {"cluster": there[-1].cpu, "processes": here[-1].cpu},
        "runs": len(pieces[-1]),
        "seconds_with_one_worker_at_the_end": [tail(found) for found in pieces],
    }
    same = len({frozenset(piece.run for piece in found) for found in pieces}) == 1
    wall = ratio([one.wall for one in there], [one.wall for one in here], 0.9)
    return Result({"wall": wall}, facts, () if same else ("the sessions made different runs",))


CASES = {
    "cluster": Measured(measure, peers=("distributed",)),
    "cluster-session": Measured(against_processes, peers=("distributed",)),
}
