"""``python -m repro calibrate``: how fast this machine is, measured and kept for the plans of sessions."""

import datetime
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from rich.console import Console
from rich.table import Table

from ..errors import SettingError
from ..plugin.gpus import require_cuda
from ..runs.known_rates import save
from ..runs.rates import BUILT_IN, TIMINGS, Measured, Rates, Speed, Timing
from .output import text_of

LEAST: Final = 5.0  # seconds
CONTROLLER: Final = "import pytest, repro.plugin, repro.report.drawing.figures"
SHOWN: Final = 64  # images a call of the table is on, as far as that was measured


def calibrate(seconds: float, processes: int | None, *, gpu: bool) -> str:
    """Measure for about so many seconds with so many processes side by side and keep it; the text shows it."""
    _check(seconds, processes)
    device = "cuda" if gpu else "cpu"
    if gpu:
        require_cuda()
    count = processes or (1 if gpu else os.cpu_count() or 1)
    began = time.perf_counter()
    start, networks = _measured(seconds, device, count)
    date = datetime.datetime.now().astimezone().date().isoformat()
    slower = start / BUILT_IN.start  # verdicts and figures are plain Python, as imports are
    verdict, figure = BUILT_IN.verdict * slower, BUILT_IN.figure * slower
    rates = Rates(f"measured on {date}", device, networks, start, verdict, figure, count)
    path = save(rates, date)
    last = f"measured in {time.perf_counter() - began:.0f} s with {rates.beside}; kept in {path}"
    return text_of([*lines(rates), last])


def _check(seconds: float, processes: int | None) -> None:
    if not LEAST <= seconds < float("inf"):
        raise SettingError(f"--seconds {seconds:g}: must be at least {LEAST:g}")
    if processes is not None and processes < 1:
        raise SettingError(f"--processes {processes}: must be at least 1")


def _measured(seconds: float, device: str, processes: int) -> tuple[float, Measured]:
    """Seconds of what every session imports, in all its processes, and the speeds of the networks."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", CONTROLLER], check=False)
    if done.returncode:
        raise SettingError(f"{sys.executable}: cannot import what a session needs ({CONTROLLER})")
    controller = time.perf_counter() - began
    context, begun = multiprocessing.get_context("spawn"), time.time()
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        ends = begun - controller + seconds
        several = [pool.submit(_measure, ends, device) for _ in range(processes)]
        found = [future.result() for future in several]
    ready = max(at for at, _ in found)
    return controller + ready - begun, middle([networks for _, networks in found])


def _measure(ends: float, device: str) -> tuple[float, Measured]:
    """When a new process had imported what a worker needs, and what it measured from then on until ``ends``."""
    import pytest  # noqa: F401
    import torchvision  # noqa: F401

    import repro.plugin
    import repro.runs.trainer  # noqa: F401

    from ..runs.probes import measure

    ready = time.time()
    return ready, measure(max(ends - ready, 0.0), device)


def middle(found: Sequence[Measured]) -> Measured:
    """The mean of what several processes measured: their sweeps take the same time on average."""
    first = found[0]
    return {
        name: {width: _mean([one[name][width] for one in found]) for width in widths} for name, widths in first.items()
    }


def _mean(speeds: Sequence[Speed]) -> Speed:
    def timing(name: str) -> Timing:
        several = [dict(getattr(speed, name).points) for speed in speeds]
        common = sorted(set.intersection(*(set(points) for points in several)))
        return Timing(tuple((images, statistics.mean(points[images] for points in several)) for images in common))

    fixed, kept = (statistics.mean(getattr(speed, name) for speed in speeds) for name in ("fixed", "kept"))
    return Speed(**{name: timing(name) for name in TIMINGS}, fixed=fixed, kept=kept)


def lines(rates: Rates) -> list[str]:
    """The rates as a table: for each network milliseconds of a step and of the rest, on 64 images."""
    grid = Table("ms on 64 images", *TIMINGS, "a reading", "a run", title=rates.device, title_justify="left")
    for architecture, widths in rates.networks.items():
        for width, speed in widths.items():
            name = f"{architecture} of width {width}" if architecture == "ResNet18" else architecture
            times = [getattr(speed, timing).at(SHOWN) for timing in TIMINGS]
            grid.add_row(name, *(f"{1000 * value:,.3g}" for value in (*times, speed.fixed, speed.kept)))
    console = Console(width=120, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(grid)
    found = [line.rstrip() for line in captured.get().rstrip().splitlines()]
    verdict, figure = f"{1000 * rates.verdict:.0f} ms a verdict", f"{1000 * rates.figure:.0f} ms a figure"
    return [*found, f"a session takes {rates.start:.1f} s beside its runs, and {verdict}, {figure}"]
