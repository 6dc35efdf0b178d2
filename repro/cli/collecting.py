"""Finds the claims of a checkout as pytest does: conftest files, helpers and test ids are those of a session."""

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ..errors import ReproError
from ..verdicts.claim import Case
from .checkout import CLAIMS, Checkout, checkout

# addopts may ask for workers or a selection; hypothesis's plugin takes a second to import and collects no claim;
# faulthandler's cannot do without standard error
ALONE: Final = (
    *("--collect-only", "-q", "-o", "addopts="),
    *("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:faulthandler", "-p", "repro.plugin"),
)


def enter(root: Path | None, folder: str) -> None:
    """Collect other claims than the paper's own, if they are named, for they enter their tasks and figures."""
    if root is not None or folder != CLAIMS:
        collect(checkout(root, None, folder))


class _Collector:
    """A pytest plugin that keeps the cases of collected claim tests, and what could not be collected."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.faults: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep the cases."""
        from ..plugin import case_of  # now, for pytest wants to be the first to import a plugin

        self.cases = {item.nodeid: case for item in session.items if (case := case_of(item)) is not None}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep the first fault's line."""
        if report.failed:
            lines = [line for line in str(report.longrepr).splitlines() if line.startswith("E ")]
            why = lines[-1].removeprefix("E ").strip() if lines else str(report.longrepr).strip().splitlines()[-1]
            self.faults.append(f"{report.nodeid}: {why}")


def collect(checkout: Checkout) -> dict[str, Case]:
    """The case of every claim test of a checkout, by test id.

    ReproError: a file of them cannot be collected, or pytest cannot be started there.
    """
    collector, output, root = _Collector(), io.StringIO(), checkout.root
    files = [str(file) for file in checkout.files()]
    with tempfile.TemporaryDirectory() as artifacts, _quiet(output):
        options = [*ALONE, f"--rootdir={root}", f"--confcutdir={root}", f"--artifacts={artifacts}"]
        status = pytest.main([*options, *files], plugins=[collector]) if files else pytest.ExitCode.OK
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
