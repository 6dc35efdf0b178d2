"""``python -m repro calibrate``: how fast this machine is, measured and kept for the plans of sessions."""

import multiprocessing
import os
import shutil
import statistics
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

from ..errors import SettingError
from ..plugin.gpus import require_cuda
from ..runs.costs import took
from ..runs.rates import ENVIRONMENT, measured, named
from ..runs.store import Store
from .group import Answer
from .output import text_of

LEAST: Final = 5.0  # seconds
WORK: Final = ("training", "accuracy", "attacks", "curvature")


def calibrate(seconds: float, processes: int | None, *, gpu: bool) -> Answer:
    """Measure for about so many seconds with so many processes side by side and keep it; the text shows it."""
    if not LEAST <= seconds < float("inf"):
        raise SettingError(f"--seconds {seconds:g}: must be at least {LEAST:g}")
    if processes is not None and processes < 1:
        raise SettingError(f"--processes {processes}: must be at least 1")
    if gpu:
        require_cuda()
    began, device = time.time(), "cuda" if gpu else "cpu"
    count = processes or (1 if gpu else os.cpu_count() or 1)
    path = measured(device)
    store = _prepared(path)
    _side_by_side(path, began + seconds, device, count)
    beside = f"{count} processes side by side" if count > 1 else "one process alone"
    last = f"measured in {time.time() - began:.0f} s with {beside}; kept in {path}"
    return Answer(text_of([*lines(store, device), last]))


def _prepared(path: Path) -> Store:
    """A store for short runs. An earlier measurement goes; in a folder that the user named, its runs are made anew."""
    try:
        if path.exists() and not named():
            shutil.rmtree(path)
        Store(path).prepare()
    except (OSError, SettingError) as error:
        raise SettingError(f"{path}: runs cannot be kept there; {ENVIRONMENT} names another folder") from error
    return Store(path)


def _side_by_side(path: Path, ends: float, device: str, processes: int) -> None:
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        several = [pool.submit(_measure, path, ends, device, i, processes) for i in range(processes)]
    for future in several:
        future.result()


def _measure(path: Path, ends: float, device: str, first: int, every: int) -> None:
    """What each of the processes does."""
    from ..runs.calibration import make_short_runs

    make_short_runs(path, ends, device, first, every)


def lines(store: Store, device: str) -> list[str]:
    """What runs took that were measured part by part, as a table: milliseconds an image, in the middle."""
    found = defaultdict[str, dict[str, list[float]]](lambda: {work: [] for work in WORK})
    for run, reading, seconds in took(store, device):
        work = "training" if reading is None else " ".join(reading.parts)
        images = run.samples if reading is None else run.images if work == "accuracy" else reading.attacked_images
        if work in WORK and images:
            found[f"{run.task.architecture} of width {run.width}"][work].append(1000 * seconds / images)
    heads = f"{f'ms an image ({device})':<24}" + "".join(f"{work:>12}" for work in WORK)
    rows = {name: [statistics.median(found[name][work] or [0.0]) for work in WORK] for name in sorted(found)}
    return [heads, *(f"{name:<24}" + "".join(f"{ms:>12.3g}" for ms in row) for name, row in rows.items())]
