"""The quick report on two processes, against a plain script that makes the same figures one after another.

Sampled and scaled: one run for each task and batch size is made whole by both sides, in turn, each in a process of its
own on one thread; its parts are multiplied by how often they occur. Ours is charged with all that it does beyond the
figures: checks of the instruments, margin forms, checkpoints at equal training amount, deciding and drawing.
"""

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from repro.experiment.readings import Reading
from repro.experiment.recipes import LR
from repro.experiment.regimes import QUICK
from repro.experiment.tasks import STDCNN_MNIST
from repro.runs.conditions import Conditions
from repro.runs.run import Run

from . import own, plain, sessions
from .full_store import conditions, fill, jobs
from .plain import Place, Points
from .results import Figure, Result, stored
from .sides import Measured

Cost = dict[str, float]
ALL_CORES = (STDCNN_MNIST, 64)  # where the script is also given all cores' threads


@dataclass(frozen=True)
class Made:
    """How many pieces of work a session has at a place."""

    runs: int
    checkpoints: int
    transfers: int


def made(wanted: Iterable[tuple[Run, Reading]]) -> dict[Place, Made]:
    """What a session makes, by task and batch size; transfers are measurements of a run with its sibling."""
    sets: dict[Place, tuple[set[Run], set[Run], set[Run]]] = {}
    for run, reading in wanted:
        runs, checkpoints, transfers = sets.setdefault((run.task, run.batch_size), (set(), set(), set()))
        runs.add(run.whole)
        if "transfer" in reading.parts:
            transfers.add(run)
        elif run is not run.whole:
            checkpoints.add(run)
    return {place: Made(*map(len, found)) for place, found in sets.items()}


@dataclass(frozen=True)
class Account:
    """Seconds on one thread, but for ``wall``: that of our session on two processes."""

    script: float  # all points, each for itself
    script_sharing: float  # the same loop and tools, each run trained and measured once
    bare: float  # our loop and measures, each run once
    ours: float  # with everything that we do beyond
    wall: float

    @property
    def factors(self) -> dict[str, float]:
        """What the ratio is the product of."""
        return {
            "sharing": self.script / self.script_sharing,
            "loop and measures": self.script_sharing / self.bare,
            "what we do beyond the figures": self.bare / self.ours,
            "scheduling": self.ours / self.wall,
        }


def account(
    points: dict[Place, Points],
    pieces: dict[Place, Made],
    samples: dict[Place, tuple[Cost, Cost]],
    session: float,
    speedup: float,
) -> Account:
    """Sum up. ``samples``: the script's costs and ours; ``session``: seconds of one that finds everything stored."""
    script = shared = bare = ours = 0.0
    for place, (theirs, own_cost) in samples.items():
        n = pieces[place]
        script += plain.total(points[place], theirs)
        shared += n.runs * sum(theirs.values())
        bare += n.runs * own_cost["bare"]
        ours += n.runs * own_cost["run"] + n.checkpoints * own_cost["checkpoint"] + n.transfers * own_cost["transfer"]
    ours += session
    return Account(script, shared, bare, ours, ours / speedup)


def measure() -> Result:
    where = conditions(QUICK)
    wanted = jobs(where)
    pieces, points = made(wanted), plain.points(where)
    samples, threads = _samples(where, wanted, points)
    last = stored("scheduling").figures.get("wall")
    speedup = last.value if last else 1.0
    session = _empty_session(wanted)
    found = account(points, pieces, samples, session, speedup)
    value = found.script / found.wall
    figure = Figure(value, (value, value), asked=3.0, ours=found.wall, peer=found.script)
    facts = {
        "how": "sampled: one run for each task and batch size, scaled to the counts below",
        "data": {name: found.kind for name, found in where.sources.items()},
        "factors": found.factors,
        "our_share_beyond_the_figures": 1 - found.bare / found.ours,
        "scheduling_from": "the stored result" if last else "nothing: measure `scheduling` first",
        "seconds_of_a_session_that_finds_all_stored": session,
        "points_of_figures": sum(n.all for n in points.values()),
        "runs": sum(n.runs for n in pieces.values()),
        "checkpoints": sum(n.checkpoints for n in pieces.values()),
        "script_with_all_cores_threads_is_faster_by": threads,
        "samples": {f"{task} {size}": {"script": a, "ours": b} for (task, size), (a, b) in samples.items()},
    }
    return Result({"wall": figure}, facts)


def _samples(
    where: Conditions, wanted: list[tuple[Run, Reading]], points: dict[Place, Points]
) -> tuple[dict[Place, tuple[Cost, Cost]], float]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as script, ProcessPoolExecutor(1, context) as ours:
        found = {}
        for task, size in points:
            run, reading = where.run(task, LR(), size, 0), where.reading(task)
            theirs = script.submit(_script, run, reading, where, 1).result()
            found[task, size] = (
                theirs,
                ours.submit(own.costs, run, reading, where, checkpoints_of(run, wanted)).result(),
            )
        run, reading = where.run(ALL_CORES[0], LR(), ALL_CORES[1], 0), where.reading(ALL_CORES[0])
        many = script.submit(_script, run, reading, where, os.cpu_count() or 1).result()
    return found, sum(found[ALL_CORES][0].values()) / sum(many.values())


def checkpoints_of(run: Run, wanted: Iterable[tuple[Run, Reading]]) -> tuple[Run, ...]:
    """The checkpoints that are wanted of a run."""
    return tuple({earlier: None for earlier, _ in wanted if earlier != run and earlier.whole == run})


def _script(run: Run, reading: Reading, where: Conditions, threads: int) -> Cost:
    import foolbox  # noqa: F401  # before the clock runs
    import pyhessian  # noqa: F401

    torch.set_num_threads(threads)
    return plain.costs(run, reading, where)


def _empty_session(wanted: list[tuple[Run, Reading]]) -> float:
    """CPU seconds of a session that finds everything stored."""
    folder = Path(tempfile.mkdtemp())
    try:
        fill(folder / "store", wanted)
        return sessions.run("--quick", "-n", "0", "--store", folder / "store", "--artifacts", folder / "artifacts").cpu
    finally:
        shutil.rmtree(folder)


CASES: dict[str, Any] = {"whole": Measured(measure, ("foolbox", "pyhessian"))}
