"""Reports of sessions that trained nothing, for the tests of what reads them back."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import convert, to_builtins
from msgspec.structs import replace
from worlds import Results, fill, fill_transfer, healthy

from repro.report.bundle import FORMAT, Loaded, load, session_of
from repro.runs.conditions import Conditions
from repro.runs.store import Store
from repro.verdicts.claim import Case
from repro.verdicts.deciding import judge
from repro.verdicts.entry import Entry

Content = dict[str, Any]


def content(cases: Mapping[str, Case], where: Conditions, store: Path, results: Results = healthy) -> Content:
    """What a session's report.json holds of these cases, by test id, after training and deciding them."""
    filled = fill(Store(store), {run for case in cases.values() for run in case.runs(where)}, results)
    jobs = {job for case in cases.values() for job in case.jobs(where)}
    fill_transfer(filled, (run for run, reading in jobs if "transfer" in reading.parts))
    return plainly(
        {
            "format": FORMAT,
            "session": to_builtins(session_of(where, command="pytest claims", seconds=1.0)),
            "claims": [
                to_builtins(replace(judge(case, filled, where).entry(), test=test)) for test, case in cases.items()
            ],
            "errors": [],
        }
    )


def plainly(value: Any) -> Any:
    """What a file holds of a value."""
    return json.loads(json.dumps(value, allow_nan=False))


def entry(**changes: Any) -> Entry:
    """A verdict as a report has it, read from JSON."""
    task = changes.get("task", "M1-MNIST")
    case = changes.get("case", f"{task}-FGSM")
    whole = {
        "test": f"claims/test_it.py::test_it[{case}]",
        "id": "it-drops",
        "case": case,
        "task": task,
        "says": "It drops.",
        "section": "2.1",
        "figures": [9, 13],
        "verdict": "reproduced",
        "outcome": "holds",
        "shown": "-27.0 points [-30.0, -24.0]",
        "estimate": -27.0,
        "interval": [-30.0, -24.0],
        "asked": "a fall of more than 1 point",
        "declared": "ba9876543210",
        "declaration": {},
        "seeds": 5,
        "p": 0.0123,
        "family_wise": True,
        "evidence": "the table\n    64  82.0%",
        "rerun": "pytest 'claims/test_it.py::test_it[M1-MNIST-FGSM]'",
    }
    return convert(plainly(whole | changes), Entry)


def written(folder: Path, of: Content) -> Loaded:
    """The same, written into a folder and read back."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(of, allow_nan=False))
    return load(folder)


def broken(tests: Iterable[str], case: Case) -> list[Content]:
    """The entries of tests that broke."""
    about = {"claim": case.claim.id, "case": case.id, "task": case.where}
    return [{"test": test, **about, "error": "RuntimeError: the oven is cold"} for test in tests]
