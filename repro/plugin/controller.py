"""The process the user sees: tells what the session is about, gathers the verdicts, writes the report.

With xdist it runs no tests and knows of them only what workers report, so it also checks that every selected test was
reported: a worker whose last words are lost would otherwise end a session green.
"""

import importlib
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from ..decided import remember
from ..report import write_report
from ..store import Store
from .options import Settings
from .outcomes import about, entry_of, error_of, is_claim_failure
from .partial import narrowed
from .progress import Progress
from .session import Shared
from .terminal import summary

SHOWN: Final = 10  # lost tests that are named
TIMELINE: Final = "timeline.jsonl"


class Controller:
    """Hooks of the controlling process; without xdist also that of the tests."""

    def __init__(self, config: pytest.Config, settings: Settings, gpus: int) -> None:
        self.config, self.settings, self.gpus = config, settings, gpus
        self.shared = Shared(Path(tempfile.mkdtemp(prefix="repro-session-")))
        self.progress = Progress(self.shared.journal, config)
        self.entries: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, dict[str, str]] = {}
        self._selected: list[str] = []
        self._reported: set[str] = set()
        self._faults = self._failures = 0
        self._headline: list[str] = []
        self._began = time.time()
        self._written: list[Path] = []
        self._lost: list[str] = []
        self._nodes: list[Any] = []
        self._unwritten = ""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker the session's folder and the number of GPUs."""
        node.workerinput["repro_folder"] = str(self.shared.folder)
        node.workerinput["repro_gpus"] = self.gpus
        self._nodes.append(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """What the first worker found out reaches the user here, before a test starts."""
        if self._selected:
            return
        self._selected = list(ids)
        for line in self._collected(threaded=True):
            reporter = node.config.pluginmanager.get_plugin("terminalreporter")
            reporter.ensure_newline()
            reporter.write_line(line)

    def pytest_report_collectionfinish(self, items: list[pytest.Item]) -> list[str]:
        """The same without xdist."""
        self._selected = [item.nodeid for item in items]
        return self._collected(threaded=False)

    def _collected(self, *, threaded: bool) -> list[str]:
        headline, error, missing = self.shared.told()
        if error:
            raise pytest.UsageError(error)
        self.progress.begin(missing, threaded=threaded)
        if headline and threaded:
            threading.Thread(target=_get_ready, daemon=True).start()
        self._headline = headline.splitlines()
        return self._headline

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather verdicts, and faults that are no verdicts."""
        if report.when not in ("setup", "call"):  # the last word on a test: its teardown, or that its worker died
            self._reported.add(report.nodeid)
        if report.when == "call" or report.skipped or report.failed:
            entry = entry_of(report)
            if entry is not None and report.when != "teardown":
                self.entries[report.nodeid] = entry
        if report.failed:
            self._count(about(report), report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected is a fault."""
        if report.failed:
            self._count({}, report)

    def _count(self, subject: dict[str, str], report: pytest.TestReport | pytest.CollectReport) -> None:
        if not is_claim_failure(report):
            self._faults += 1
            self.errors[report.nodeid] = {**subject, "error": error_of(report)}
        self._failures += 1
        if 0 < (self.config.getoption("maxfail") or 0) <= self._failures:
            self.shared.finish()  # now, for xdist ends the session only after every worker has ended its test

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Check that nothing was lost, write the report, speak through the exit status."""
        self.shared.finish()
        self.progress.end()
        if self.config.option.collectonly or self.settings.plan:
            return
        self._leave_timeline()
        stopped = session.shouldstop or session.shouldfail or exitstatus in (2, 4)  # by the user, or a wrong setting
        if not stopped:
            self._lost = [test for test in self._selected if test not in self._reported]
        with _ending([] if stopped else self._nodes):
            if self.entries or (self.errors and self._headline):
                self._write_report()
        if self._lost or self._unwritten:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        elif self.settings.verdicts_ok and exitstatus == 1 and not stopped and not self._faults:
            session.exitstatus = pytest.ExitCode.OK
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR and reporter is not None:  # pytest prints no summary then
            self.pytest_terminal_summary(reporter)

    def _leave_timeline(self) -> None:
        """Keep who made which run when; the last one stays where nothing was made."""
        if not self.shared.journal.exists():
            return
        try:
            self.settings.artifacts.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.shared.journal, self.settings.artifacts / TIMELINE)
        except OSError:
            self._unwritten = traceback.format_exc()

    def _write_report(self) -> None:
        sources = self.shared.read_sources() or {}
        place = {test: i for i, test in enumerate(self._selected)}  # workers finish in any order
        self.entries = dict(sorted(self.entries.items(), key=lambda item: place.get(item[0], len(place))))
        try:
            self.entries = remember(Store(self.settings.store), self.entries, self.settings.regime.title)
            facts, ahead = self._session_facts(), self.shared.ahead
            self._written = write_report(self.entries, self.errors, facts, self.settings, sources, ahead)
        except Exception:  # the verdicts took their time to get; they are shown whatever happens to the report
            self._unwritten = traceback.format_exc()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The scorecard and one line a claim."""
        summary(terminalreporter, self.entries, self.errors, self._headline, self._written)
        for test in self._lost[:SHOWN]:
            terminalreporter.write_line(f"LOST: {test} was selected, but no worker reported it", red=True)
        if len(self._lost) > SHOWN:
            terminalreporter.write_line(f"LOST: and {len(self._lost) - SHOWN} more", red=True)
        if self._unwritten:
            terminalreporter.write_line(f"{self._unwritten}The report could not be written.", red=True)

    def pytest_unconfigure(self) -> None:
        """Remove the session's folder."""
        self.shared.finish()
        shutil.rmtree(self.shared.folder, ignore_errors=True)

    def _session_facts(self) -> dict[str, Any]:
        ended_early = any(test not in self._reported for test in self._selected)
        return {
            "command": " ".join(["pytest", *self.config.invocation_params.args]),
            "seconds": time.time() - self._began,
            "partial": [*narrowed(self.config), *(["ended early"] if ended_early else [])],
            "strict": self.settings.strict,
        }


@contextmanager
def _ending(nodes: Sequence[Any]) -> Iterator[None]:
    """Have xdist end its workers meanwhile: a process that has trained takes a second to end."""
    ending = threading.Thread(target=nodes[0].nodemanager.teardown_nodes) if nodes else None
    if ending is not None:
        ending.start()
    try:
        yield
    finally:
        if ending is not None:
            ending.join()


def _get_ready() -> None:
    """Import what the report is drawn with while workers train: it takes a second, which would pass at the end."""
    with suppress(Exception):  # whatever is wrong will be said where it is used
        importlib.import_module("repro.report.sheets")
