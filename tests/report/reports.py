"""Reports of sessions that trained nothing, for the tests of what reads them back."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from worlds import Results, fill, fill_transfer, healthy

from repro.report.bundle import FORMAT, Report, conditions_facts, load
from repro.runs.conditions import Conditions
from repro.runs.store import Store
from repro.verdicts.claim import Case
from repro.verdicts.deciding import judge

Content = dict[str, Any]


def content(cases: Mapping[str, Case], where: Conditions, store: Path, results: Results = healthy) -> Content:
    """What a session's report.json holds of these cases, by test id, after training and deciding them."""
    filled = fill(Store(store), {run for case in cases.values() for run in case.runs(where)}, results)
    jobs = {job for case in cases.values() for job in case.jobs(where)}
    fill_transfer(filled, (run for run, reading in jobs if "transfer" in reading.parts))
    return {
        "format": FORMAT,
        "session": {"command": "pytest claims", "seconds": 1.0, "partial": [], **conditions_facts(where)},
        "claims": [{"test": test, **judge(case, filled, where).entry()} for test, case in cases.items()],
        "errors": [],
    }


def written(folder: Path, of: Content) -> Report:
    """The same, written into a folder and read back."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(of, allow_nan=False))
    return load(folder)


def broken(tests: Iterable[str], case: Case) -> list[Content]:
    """The entries of tests that broke."""
    about = {"claim": case.claim.id, "case": case.id, "task": str(case.task)}
    return [{"test": test, **about, "error": "RuntimeError: the oven is cold"} for test in tests]
