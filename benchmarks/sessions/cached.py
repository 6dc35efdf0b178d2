"""A session at the paper's scale that finds everything stored: what deciding, drawing and writing the report cost.

Absolute figures of `pytest claims --regime paper -n 0` on a store with made-up measures of every run and checkpoint.
"""

import tempfile
from pathlib import Path
from typing import Final

from repro.experiment.regimes import PAPER

from ..results import Result, absolute
from ..sides import BenchmarkError, Measured
from . import session
from .full_store import conditions, fill, jobs

REPEATS: Final = 3


def measure() -> Result:
    where = conditions(PAPER)
    if any(found.kind == "surrogate" for found in where.sources.values()):
        raise BenchmarkError("a session at the paper's scale needs the published data sets: REPRO_DATA names no folder")
    wanted = jobs(where)
    with tempfile.TemporaryDirectory() as folder:
        store, artifacts = Path(folder) / "store", Path(folder) / "artifacts"
        fill(store, wanted)
        options: list[str | Path] = ["--regime", "paper", "-n", "0", "--store", store, "--artifacts", artifacts]
        found = [session.run(*options) for _ in range(REPEATS)]
        if (artifacts / "timeline.jsonl").exists():
            raise BenchmarkError("the session trained something: it was to find everything stored")
    figures = {
        "wall": absolute([one.wall for one in found], "s", 15.0),
        "cpu": absolute([one.cpu for one in found], "s"),
        "memory": absolute([one.gib for one in found], "GiB", 1.0),
    }
    runs = {run for run, _ in wanted}
    whole = {run.whole for run in runs}
    return Result(figures, {"runs": len(whole), "checkpoints": len(runs - whole), "measurements": len(wanted)})


CASES = {"cached-paper": Measured(measure)}
