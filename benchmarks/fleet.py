"""A sweep of about 10,000 runs, planned and played through on up to 256 workers.

    python -m benchmarks.fleet

The paper's own plan with its seeds raised. Nothing is trained: the seconds are those of ``repro.runs.costs``, once with
the rates of this machine's processor (the built-in ones unless it was calibrated), and once with those of a GPU: those
measured where `python -m repro calibrate --gpu` has left some, else ``assumed``. Writes
`benchmarks/results/fleet.json`.
"""

import json
import random
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from repro.cli.checkout import Checkout
from repro.cli.collecting import collect
from repro.experiment.datasets import DATASETS
from repro.experiment.regimes import PAPER
from repro.report.provenance import versions
from repro.runs.conditions import Conditions
from repro.runs.costs import span
from repro.runs.hardware import hardware
from repro.runs.known_rates import known
from repro.runs.rates import BUILT_IN, Rates, Speed, Timing
from repro.runs.schedule import Schedule, simulate, work_of
from repro.runs.store import Store
from repro.science.data.sources import Source
from repro.verdicts.plan import Plan, make_plan

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
PRODUCT_LAUNCHES: Final = 3.0  # steps' worth of kernels
READING_SECONDS: Final = 0.2  # a network is built, its weights are read and put on the device
KEPT_SECONDS: Final = 0.1  # weights are written to a shared disk
LARGEST: Final = 4096  # images a call: beyond, seconds are in proportion


def assumed() -> Rates:
    """A step takes max(launch floor, arithmetic over rate) seconds."""

    def timing(passes: float, flops: float, launches: float = 1.0) -> Timing:
        floor, each = launches * LAUNCH_SECONDS, passes * flops / FLOPS_A_SECOND
        edge = max(1, round(floor / each))  # up to so many images, launching takes longer than the arithmetic
        sizes = sorted({1, min(edge, LARGEST), LARGEST})
        return Timing(tuple((n, max(floor, n * each)) for n in sizes))

    networks = {
        name: {
            64: Speed(
                timing(GRADIENT, flops),
                timing(1.0, flops, 1 / GRADIENT),
                timing(GRADIENT, flops),
                timing(PRODUCT, flops, PRODUCT_LAUNCHES),
                READING_SECONDS,
                KEPT_SECONDS,
            )
        }
        for name, flops in FORWARD_FLOPS.items()
    }
    return replace(BUILT_IN, origin="ASSUMED rates of a GPU, not measured", device="cuda", networks=networks)


def main() -> int:
    where, began = conditions(), time.perf_counter()
    cases = list(collect(Checkout(ROOT)).values())
    collected = time.perf_counter() - began
    found = []
    for device, fallback in (("cpu", BUILT_IN), ("cuda", assumed())):
        says = known(device)
        rates = fallback if says.rates is BUILT_IN else says.rates
        origin = fallback.origin if says.rates is BUILT_IN else says.says
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            plan = make_plan(cases, replace(where, device=device), Store(Path(folder)), rates)
        planned = time.perf_counter() - began
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


ASSUMPTIONS: Final = (
    *("LAUNCH_SECONDS", "FLOPS_A_SECOND", "FORWARD_FLOPS", "GRADIENT", "PRODUCT", "PRODUCT_LAUNCHES"),
    *("READING_SECONDS", "KEPT_SECONDS"),
)


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
    work, rows = work_of(plan.missing, plan.missing), []
    for workers in WORKERS:
        began = time.perf_counter()
        best = simulate(work, workers)
        simulated = time.perf_counter() - began
        others = sorted(simulate(shuffled, workers).makespan for shuffled in orders(work))
        rows.append({**row(best), "simulating_seconds": simulated, "arbitrary_makespan": others[ORDERS // 2]})
    return rows


def orders(work: list[Any]) -> list[list[Any]]:
    """The work in arbitrary orders, the same ones every time."""
    return [random.Random(seed).sample(work, len(work)) for seed in range(ORDERS)]


def row(found: Schedule) -> dict[str, Any]:
    return {
        "workers": found.workers,
        "makespan": found.makespan,
        "lower_bound": found.lower_bound,
        "ratio": found.makespan / found.lower_bound,
        "idle": found.idle,
        "longest_run": found.longest,
    }


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
