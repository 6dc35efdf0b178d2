"""The quick report on all cores, against a plain script that makes the same figures one after another on one.

Ours is made whole, from an empty store, with all that it does beyond the figures: checks of the instruments, margin
forms, checkpoints at equal training amount, verdicts. The script is sampled: one run for each task and batch size is
made in a process of its own on one thread, and its parts are multiplied by how often they occur.
"""

import multiprocessing
import os
import tempfile
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from repro.experiment.recipes import LR
from repro.experiment.regimes import QUICK
from repro.experiment.tasks import STDCNN_MNIST
from repro.runs.conditions import Conditions

from ..results import Result, ratio
from ..sides import Measured
from . import plain, session
from .full_store import conditions, jobs
from .plain import Cost, Place

CORES: Final = os.cpu_count() or 1
ALL_CORES: Final = (STDCNN_MNIST, 64)  # where the script is also given all cores' threads


def measure() -> Result:
    where = conditions(QUICK)
    points, runs = plain.points(where), runs_of(where)
    samples, with_all_threads = sampled(where, [*points])
    with tempfile.TemporaryDirectory() as folder:
        ours = session.run("--quick", "-n", str(CORES), "--artifacts", folder)
    script = sum(plain.total(points[place], cost) for place, cost in samples.items())
    facts = {
        "how": "the script sampled: one run for each task and batch size, scaled to the counts below",
        "data": {name: found.kind for name, found in where.sources.items()},
        "points_of_figures": sum(counts.total() for counts in points.values()),
        "runs": runs.total(),
        "sharing_runs_alone": script / shared(runs, samples),
        "cpu_seconds_of_ours": ours.cpu,
        "script_with_all_cores_threads_is_faster_by": sum(samples[ALL_CORES].values()) / sum(with_all_threads.values()),
        "samples": {f"{task} {size}": cost for (task, size), cost in samples.items()},
    }
    return Result({"wall": ratio([ours.wall], [script], 3.0)}, facts)


def runs_of(where: Conditions) -> Counter[Place]:
    """How many runs a session makes at each place."""
    return Counter((run.task, run.batch_size) for run in dict.fromkeys(run.whole for run, _ in jobs(where)))


def shared(runs: Mapping[Place, int], samples: Mapping[Place, Cost]) -> float:
    """Seconds of a script that trains each run and takes each of its measures once."""
    return sum(runs[place] * sum(cost.values()) for place, cost in samples.items())


def sampled(where: Conditions, places: list[Place]) -> tuple[dict[Place, Cost], Cost]:
    """What the script's parts cost at each place on one thread, and at one place on all cores' threads."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as script:

        def cost(place: Place, threads: int) -> Cost:
            task, size = place
            run, reading = where.run(task, LR(), size, 0), where.reading(task)
            return script.submit(plain.costs, run, reading, where, threads).result()

        return {place: cost(place, 1) for place in places}, cost(ALL_CORES, CORES)


CASES = {"whole": Measured(measure, ("foolbox", "pyhessian"))}
