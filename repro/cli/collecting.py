"""Finds the claims of a checkout as pytest does: conftest files, helpers and test ids are those of a session."""

import contextlib
import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from ..claims import MARK, Case
from ..errors import ReproError

# addopts may ask for workers or a selection; hypothesis's plugin takes a second to import and collects no claim
ALONE: Final = (
    *("--collect-only", "-q", "-o", "addopts="),
    *("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "repro.plugin"),
)


class _Collector:
    """A pytest plugin that keeps the cases of collected claim tests, and what could not be collected."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.faults: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep the cases."""
        for item in session.items:
            if item.get_closest_marker(MARK) is not None:
                self.cases[item.nodeid] = item.callspec.params["case"]  # type: ignore[attr-defined]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep the first fault's line."""
        if report.failed:
            lines = [line for line in str(report.longrepr).splitlines() if line.startswith("E ")]
            why = lines[-1].removeprefix("E ").strip() if lines else str(report.longrepr).strip().splitlines()[-1]
            self.faults.append(f"{report.nodeid}: {why}")


def root_of(tests: Iterable[str], near: Path) -> Path:
    """The folder that test ids start from: the first with such a file among the current one, ``near`` and above them.

    ReproError: there is none.
    """
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    here, there = Path.cwd(), near.absolute()
    for folder in dict.fromkeys((here, *here.parents, there, *there.parents)):
        if any((folder / file).is_file() for file in files):
            return folder
    raise ReproError(
        f"{files[0] if files else 'claims'}: the report's claims are in no folder from {here} or {there} upwards; "
        "run this in the checkout, or name it with --root"
    )


def collect(root: Path, folders: Iterable[str]) -> dict[str, Case]:
    """The case of every claim test in these folders below ``root``, by test id.

    ReproError: a file of them cannot be collected, or pytest cannot be started there.
    """
    collector, output = _Collector(), io.StringIO()
    places = [str(root / folder) for folder in folders if (root / folder).is_dir()]
    with tempfile.TemporaryDirectory() as artifacts, _quiet(output):
        options = [*ALONE, f"--rootdir={root}", f"--artifacts={artifacts}"]
        status = pytest.main([*options, *places], plugins=[collector]) if places else pytest.ExitCode.OK
    if collector.faults:
        raise ReproError(f"the claims in {root} cannot be collected: {collector.faults[0]}")
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        last = [line for line in output.getvalue().splitlines() if line.strip()][-1:]
        raise ReproError(f"the claims in {root} cannot be collected: {''.join(last).strip()}")
    return collector.cases


@contextlib.contextmanager
def _quiet(output: io.StringIO) -> Iterator[None]:
    """What pytest prints goes to ``output``, and what the environment would add to its options is left out."""
    added = os.environ.pop("PYTEST_ADDOPTS", None)
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            yield
    finally:
        if added is not None:
            os.environ["PYTEST_ADDOPTS"] = added
