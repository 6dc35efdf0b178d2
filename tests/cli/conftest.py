"""The report of a session that decided every claim of the paper, on a store in which nothing was trained."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from doors import rewrite
from msgspec import to_builtins
from msgspec.structs import replace
from worlds import conditions, declared, fill

from repro.report.bundle import FORMAT, session_of
from repro.runs.store import Store
from repro.verdicts.deciding import judge

WHERE = conditions(batch_sizes=(64, 256), seeds=2)


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A store with every run of the paper's claims, and the report of a session that decided them all."""
    folder = tmp_path_factory.mktemp("filled")
    cases = {
        f"claims/{test.test.replace('::', '.py::')}[{name}]": case
        for test in declared()
        for name, case in zip(test.ids, test.cases, strict=True)
    }
    store = fill(Store(folder / "store"), {run for case in cases.values() for run in case.runs(WHERE)})
    report = {
        "format": FORMAT,
        "session": to_builtins(session_of(WHERE, command="pytest claims", seconds=1.0)),
        "claims": [to_builtins(replace(judge(case, store, WHERE).entry(), test=test)) for test, case in cases.items()],
        "errors": [],
    }
    return store.root, json.loads(json.dumps(report))


@pytest.fixture
def artifacts(tmp_path: Path, filled: tuple[Path, dict[str, Any]]) -> Path:
    """The artifacts folder of that session."""
    folder = tmp_path / "artifacts"
    folder.mkdir()
    (folder / "store").symlink_to(filled[0])
    rewrite(folder, copy.deepcopy(filled[1]))
    return folder
