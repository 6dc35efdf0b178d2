"""A sweep of about 10,000 runs, planned and played through on up to 256 workers.

The paper's own plan with its seeds raised. Nothing is trained: the seconds are those of the cost model with its
built-in rates, so makespans are the same on every machine; what is timed is planning.
"""

import random
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from repro.cli.checkout import Checkout
from repro.cli.collecting import collect
from repro.experiment.regimes import PAPER
from repro.experiment.tasks import DATASETS
from repro.runs.conditions import Conditions
from repro.runs.schedule import Work, simulate, work_of
from repro.runs.store import Store
from repro.science.data.sources import Source
from repro.verdicts.plan import Plan, make_plan

from ..results import Result, absolute
from ..sides import Measured
from .session import ROOT

SEEDS: Final = 63  # with the paper's 34 lines and 5 batch sizes 10,080 runs
WORKERS: Final = (1, 4, 16, 64, 256)
ORDERS: Final = 5  # arbitrary ones, of which the middle is told
REPEATS: Final = 3


def measure() -> Result:
    cases, planned = collect(Checkout(ROOT)).values(), []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(REPEATS):
            began = time.perf_counter()
            plan = make_plan(cases, conditions(), Store(Path(folder)))
            planned.append(time.perf_counter() - began)
    work = work_of(plan.missing, plan.missing)
    began = time.perf_counter()
    simulate(work, WORKERS[-1])
    played = time.perf_counter() - began
    figures = {"planning": absolute(planned, "s"), "playing": absolute([played], "s")}
    return Result(figures, {**about(plan), "fleet": [row(work, workers) for workers in WORKERS]})


def conditions() -> Conditions:
    """The paper's regime with more seeds, on the published data sets (which no plan reads)."""
    sources = {name: Source(name, "published", Path("data")) for name in DATASETS}
    return Conditions(PAPER.overridden(seeds=SEEDS), sources, "cpu")


def about(plan: Plan) -> dict[str, Any]:
    counts = {"runs": len(plan.runs), "checkpoints": len(plan.checkpoints), "jobs": len(plan.jobs)}
    return {"seeds": SEEDS, **counts, "worker_seconds": plan.seconds}


def row(work: Sequence[Work], workers: int) -> dict[str, float]:
    """The sweep on so many workers: slowest first, against what no order can beat, and in arbitrary orders."""
    best = simulate(work, workers)
    others = sorted(simulate(random.Random(seed).sample(work, len(work)), workers).makespan for seed in range(ORDERS))
    return {
        "workers": workers,
        "makespan": best.makespan,
        "lower_bound": best.lower_bound,
        "ratio": best.makespan / best.lower_bound,
        "idle": best.idle,
        "longest_run": best.longest,
        "arbitrary_makespan": others[ORDERS // 2],
    }


CASES = {"fleet": Measured(measure)}
