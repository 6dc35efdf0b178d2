"""A sweep of about 10,000 runs, planned and played through on up to 256 workers.

    python -m benchmarks.fleet

The paper's own plan with its seeds raised. Nothing is trained: the seconds are those of ``repro.runs.costs``, once for
a processor and once for a GPU. They follow what `python -m repro calibrate` measured of this machine, with or without
`--gpu`; else they are those of the built-in rates, and of a GPU that is ``assumed``. Writes
`benchmarks/results/fleet.json`.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from repro.cli.checkout import Checkout
from repro.cli.collecting import collect
from repro.experiment.regimes import PAPER
from repro.experiment.tasks import DATASETS
from repro.report.provenance import versions
from repro.runs.conditions import Conditions
from repro.runs.costs import Costs, by_run, makespan, took
from repro.runs.hardware import hardware
from repro.runs.rates import BUILT_IN, Speed, measured
from repro.runs.run import Job
from repro.runs.store import Store
from repro.science.data.sources import Source
from repro.verdicts.plan import Plan, make_plan
from repro.words import span

SEEDS: Final = 63  # with the paper's 34 lines and 5 batch sizes 10,080 runs
WORKERS: Final = (1, 4, 16, 64, 256)
ORDERS: Final = 5  # arbitrary ones, of which the middle is told
RESULTS: Final = Path(__file__).parent / "results" / "fleet.json"
ROOT: Final = Path(__file__).parents[1]

# --- the assumed GPU: none of this is measured ---

# Kernels of a step of these networks, 40 to 60, at about 10 microseconds each when launched one by one from Python.
LAUNCH_SECONDS: Final = 0.5e-3
# What small convolutions in float32 reach of a GPU whose matrix units do some 60 TFLOP/s: a fifth of that.
FLOPS_A_SECOND: Final = 12e12
# Floating-point operations of one image forward, two for each multiplication, as torch.utils.flop_counter counts them.
# The backward pass costs twice as much again.
FORWARD_FLOPS: Final = {"M1": 16.6e6, "StdCNN": 2.01e6, "C1": 65.5e6, "ResNet18": 1.11e9}
GRADIENT: Final = 3.0  # forward passes
PRODUCT: Final = 9.0  # of a Hessian-vector product whose graph is kept: some three gradients


def assumed() -> dict[str, Speed]:
    """A step takes its launches and its arithmetic; other calls are on so many images that launches do not count."""
    forward = {name: flops / FLOPS_A_SECOND for name, flops in FORWARD_FLOPS.items()}
    return {
        name: Speed(LAUNCH_SECONDS, GRADIENT * one, one, GRADIENT * one, PRODUCT * one) for name, one in forward.items()
    }


def main() -> int:
    where, began = conditions(), time.perf_counter()
    cases = list(collect(Checkout(ROOT)).values())
    collected = time.perf_counter() - began
    found = []
    for device, speeds in (("cpu", BUILT_IN), ("cuda", assumed())):
        costs = Costs(took(Store(measured(device)), device), speeds)
        began = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            plan = make_plan(cases, replace(where, device=device), Store(Path(folder)), costs)
        planned = time.process_time() - began
        origin = costs.says if costs.runs or device == "cpu" else "ASSUMED rates of a GPU, not measured"
        found.append(
            {"device": device, "rates": origin, **about(plan), "planning_seconds": planned, "fleet": fleet(plan)}
        )
        tell(found[-1])
    session = {"collecting_seconds": collected, "seeds": SEEDS, "versions": versions(), "hardware": hardware()}
    constants = {name.lower(): value for name, value in globals().items() if name in ASSUMPTIONS}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**session, "assumed_gpu": constants, "sweeps": found}, indent=1) + "\n")
    print(f"claims collected in {collected:.1f} s; written: {RESULTS}")
    return 0


ASSUMPTIONS: Final = ("LAUNCH_SECONDS", "FLOPS_A_SECOND", "FORWARD_FLOPS", "GRADIENT", "PRODUCT")


def conditions() -> Conditions:
    """The paper's regime with more seeds, on the published data sets (which no plan reads)."""
    sources = {name: Source(name, "published", Path("data")) for name in DATASETS}
    return Conditions(PAPER.overridden(seeds=SEEDS), sources, "cpu")


def about(plan: Plan) -> dict[str, Any]:
    lines = {(curve.task, curve.recipe): curve.runs(conditions()) for curve in plan.curves}
    points = sum(map(len, lines.values()))
    counts = {"points": points, "runs": len(plan.runs), "checkpoints": len(plan.checkpoints), "jobs": len(plan.jobs)}
    return {**counts, "worker_seconds": plan.seconds}


def fleet(plan: Plan) -> list[dict[str, Any]]:
    """For each number of workers the sweep slowest first, and in arbitrary orders."""
    longest, rows = max(by_run(plan.missing).values()), []
    for workers in WORKERS:
        began = time.perf_counter()
        whole = makespan(plan.missing, workers)
        simulated = time.perf_counter() - began
        bound = max(plan.seconds / workers, longest)
        others = sorted(makespan(shuffled, workers) for shuffled in orders(plan.missing))
        found = {"workers": workers, "makespan": whole, "lower_bound": bound, "ratio": whole / bound}
        idle = 1 - plan.seconds / (workers * whole)
        told = {"idle": idle, "longest_run": longest, "simulating_seconds": simulated}
        rows.append({**found, **told, "arbitrary_makespan": others[ORDERS // 2]})
    return rows


def orders(work: Mapping[Job, float]) -> list[dict[Job, float]]:
    """The work in arbitrary orders, the same ones every time."""
    jobs = list(work.items())
    return [dict(random.Random(seed).sample(jobs, len(jobs))) for seed in range(ORDERS)]


def tell(sweep: dict[str, Any]) -> None:
    print(f"{sweep['rates']}")
    print(
        f"{sweep['points']:,} points are {sweep['runs']:,} runs with {sweep['checkpoints']:,} checkpoints, "
        f"{sweep['jobs']:,} jobs, {span(sweep['worker_seconds'])} of one worker; "
        f"planned in {sweep['planning_seconds']:.1f} s"
    )
    heads = f"{'makespan':>14}{'lower bound':>14}{'ratio':>8}{'idle':>8}{'arbitrary order':>18}"
    print(f"{'workers':>8}{heads}{'simulated':>11}")
    for r in sweep["fleet"]:
        times = f"{span(r['makespan']):>14}{span(r['lower_bound']):>14}{r['ratio']:>8.4f}{r['idle']:>8.2%}"
        slower = r["arbitrary_makespan"] / r["makespan"]
        print(f"{r['workers']:>8}{times}{f'{slower:.3f} x':>18}{r['simulating_seconds']:>10.2f}s")
    print()


if __name__ == "__main__":
    sys.exit(main())
