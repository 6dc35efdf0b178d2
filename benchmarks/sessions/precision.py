"""What training in bfloat16 saves and what it moves: the quick report in both precisions, run for run.

Two whole sessions of `pytest claims --quick` on all cores, each with an empty store. Their runs are the same but for
the precision: the same weights to begin with, the same images in the same order, measured alike in float32. Training
amplifies rounding as it amplifies any noise, so no run ends where its twin does; what counts is whether a measure moves
on average, and how far against what another seed does to it.
"""

import json
import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from repro.experiment.precisions import BFLOAT16, FLOAT32
from repro.report.bundle import load
from repro.report.compare import compare
from repro.runs.conditions import Conditions
from repro.runs.run import Run, from_spec
from repro.runs.store import Store
from repro.statistics.intervals import t_interval
from repro.statistics.units import Array
from repro.verdicts.curves import MEASURES, TEST_ACCURACY, Measure

from ..results import Result, ratio
from ..sides import Measured
from . import session

OPTIONS: Final = ("--quick",)  # of both sessions
LEVEL: Final = 0.9  # of the interval: each of its ends is a test at 5%, as are those that decide claims
# Declared before anything was measured: a shift is harmless where its interval lies within what one seed's chance does.
NOISE: Final = 1.0  # standard deviations over seeds


@dataclass(frozen=True)
class Twins:
    """A run trained in float32 and in bfloat16: its values of a measure, and the seconds of its training."""

    run: Run
    strict: float
    lower: float
    seconds: tuple[float, float]


@dataclass(frozen=True)
class Shift:
    """How far a measure moves from float32 to bfloat16, on the measure's scale: the mean over runs, with its interval.

    ``seed_sd``: the standard deviation over seeds in float32, pooled over the cells.
    """

    runs: int
    mean: float
    low: float
    high: float
    seed_sd: float

    @property
    def says(self) -> str:
        """Whether the shift is within the seeds' noise, beyond it, or neither is certain."""
        noise = NOISE * self.seed_sd
        if -noise < self.low and self.high < noise:
            return "within seed noise"
        return "beyond seed noise" if self.low > noise or self.high < -noise else "not certain"


def measure() -> Result:
    with tempfile.TemporaryDirectory() as folder:
        strict, lower = Path(folder) / FLOAT32, Path(folder) / BFLOAT16
        ours, peer = (
            session.run(*OPTIONS, "-n", str(os.cpu_count() or 1), "--precision", name, "--artifacts", folder)
            for name, folder in ((BFLOAT16, lower), (FLOAT32, strict))
        )
        return Result({"wall": ratio([ours.wall], [peer.wall])}, told(strict, lower))


def told(strict: Path, lower: Path) -> dict[str, Any]:
    """What the artifacts of both sessions show."""
    first, second = load(strict), load(lower)
    where, verdicts = first.conditions, compare(first, second)
    found = {m: twins(m, Store(strict / "store"), Store(lower / "store"), where) for m in MEASURES.values()}
    return {
        "data": {name: source.kind for name, source in where.sources.items()},
        "shifts": [row for measure, pairs in found.items() for row in shifts(measure, pairs)],
        "training_takes_less_time_by": saved(found[TEST_ACCURACY]),
        "verdicts": {"of": verdicts.common, "changed": [asdict(changed) for changed in verdicts.changed]},
    }


def twins(measure: Measure, strict: Store, lower: Store, where: Conditions) -> list[Twins]:
    """What both sessions stored of each run; one that diverged in either has no value to compare."""
    found = []
    for path in sorted((strict.root / "runs").glob("*/run.json")):
        run = from_spec(json.loads(path.read_text())["run"])
        if run is not run.whole:
            continue  # a checkpoint: the run itself is among them
        sides, reading = [(strict, run), (lower, replace(run, precision=BFLOAT16))], where.reading(run.task)
        values = [stored["measures"] for store, one in sides if (stored := store.measures(one, reading))]
        seconds = [record["seconds"] for store, one in sides if (record := store.record(one))]
        if len(values) == len(seconds) == len(sides) and all(values):
            found.append(Twins(run, values[0][measure.field], values[1][measure.field], (seconds[0], seconds[1])))
    return found


def shifts(measure: Measure, found: Sequence[Twins]) -> list[dict[str, Any]]:
    """A measure's shift for each task; a number that is not known is None."""
    rows = []
    for task in dict.fromkeys(pair.run.task for pair in found):
        shift = shift_of(measure, [pair for pair in found if pair.run.task == task])
        numbers = {name: value if math.isfinite(value) else None for name, value in asdict(shift).items()}
        rows.append({"task": str(task), "measure": measure.field, "says": shift.says, **numbers})
    return rows


def shift_of(measure: Measure, found: Sequence[Twins]) -> Shift:
    """The mean shift over runs, each of which counts as independent: what rounding grows into is each run's own."""
    strict, lower = (
        measure.unit.scaled(np.array(side)) for side in ([t.strict for t in found], [t.lower for t in found])
    )
    mean = t_interval(lower - strict, LEVEL)
    return Shift(len(found), mean.centre, mean.low, mean.high, _over_seeds([t.run for t in found], strict))


def _over_seeds(runs: Sequence[Run], values: Array) -> float:
    """The standard deviation over seeds, pooled over cells; NaN where no cell has two."""
    cells: dict[Run, list[float]] = {}
    for run, value in zip(runs, values, strict=True):
        cells.setdefault(replace(run, seed=0), []).append(float(value))
    free = sum(len(cell) - 1 for cell in cells.values())
    squares = sum(np.var(cell).item() * len(cell) for cell in cells.values())
    return math.sqrt(squares / free) if free else math.nan


def saved(found: Sequence[Twins]) -> dict[str, float]:
    """How many times the seconds of training in bfloat16 those in float32 are, by task and batch size."""
    sums: dict[str, tuple[float, float]] = {}
    for pair in found:
        place = f"{pair.run.task}, batch size {pair.run.batch_size}"
        strict, lower = sums.get(place, (0.0, 0.0))
        sums[place] = strict + pair.seconds[0], lower + pair.seconds[1]
    return {place: strict / lower for place, (strict, lower) in sums.items()}


CASES = {"precision": Measured(measure)}
