"""The process the user sees: tells what the session is about, gathers the verdicts, writes the report.

With xdist it runs no tests and knows of them only what workers report, so it also checks that every selected test was
reported: a worker whose last words are lost would otherwise end a session green. It is there in every session of pytest
where the plugin is installed; what a report is made with is imported once there are claims.
"""

import importlib
import os
import pickle
import shlex
import shutil
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from msgspec.structs import replace

from ..files.text import whole
from .neighbours import leave_out_idle
from .options import Settings, only_shows
from .outcomes import entry_of, error_of, is_claim_failure
from .partial import partial
from .progress import Progress
from .rerun import ADDED, Rerun, with_variables
from .shared import Shared, Told

if TYPE_CHECKING:
    from ..verdicts.entry import Broken, Entry

SHOWN: Final = 10  # lost tests that are named
TIMELINE: Final = "timeline.jsonl"
TOLD: Final = "repro"  # what an xdist worker finds its settings under


class Controller:
    """Hooks of the controlling process; without xdist that of the tests. Sessions without claims are left alone."""

    def __init__(self, config: pytest.Config, settings: Settings, rerun: Rerun, gpus: int) -> None:
        self.config, self.settings, self.rerun, self.gpus = config, settings, rerun, gpus
        self.shared = Shared(Path(tempfile.gettempdir(), f"repro-session-{os.urandom(8).hex()}"))
        self.progress = Progress(self.shared, settings, config)
        self.entries: dict[str, Entry] = {}  # by the test's id, as the errors are
        self.errors: dict[str, Broken] = {}
        self._selected: list[str] = []
        self._reported: set[str] = set()
        self._taken_in = False
        self._faults = self._failures = 0
        self._told = Told()
        self._began = time.time()
        self._written: list[Path] = []
        self._lost: list[str] = []
        self._nodes: list[Any] = []
        self._unwritten = ""
        self._placed = ""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker the session's settings and folder and the number of GPUs."""
        node.workerinput[TOLD] = pickle.dumps((self.settings, self.rerun, self.shared.folder, self.gpus))
        self._nodes.append(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """What the first worker found out reaches the user here, before a test starts."""
        if self._taken_in:
            return
        self.collected(ids, threaded=True)
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.ensure_newline()
            if reporter.isatty:  # where xdist has written about its workers, and not ended that line
                reporter.write("\n")
            for line in self._headline:
                reporter.write_line(line)

    def pytest_report_collectionfinish(self) -> list[str]:
        """Without xdist pytest itself asks for what is to be told."""
        return self._headline

    def collected(self, tests: Iterable[str], *, threaded: bool) -> None:
        """Take in which tests were selected, and what was found out of them."""
        self._selected, self._taken_in = [*tests], True
        self._told = self.shared.told()
        if self._told.error:
            raise pytest.UsageError(self._told.error)
        self.progress.begin(self._told, len(self._nodes), threaded=threaded)
        if self._told.claims and threaded:
            threading.Thread(target=_get_ready, daemon=True).start()

    @property
    def _headline(self) -> list[str]:
        return self._told.headline.splitlines()

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        """A claim whose worker died is an error of the machine, like one whose training breaks."""
        if crashitem in self._told.claims:
            died = f"worker {report.node.gateway.id} died"
            report.longrepr = f"{died} while it made this verdict: it was killed, or there was too little memory"
            report.when = "setup"  # where verdicts are made
        self._reported.add(crashitem)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather verdicts, and faults that are no verdicts."""
        if report.when not in ("setup", "call"):  # the last word on a test: its teardown, or that its worker died
            self._reported.add(report.nodeid)
        if report.when == "call" or report.skipped or report.failed:
            entry = entry_of(report)
            if entry is not None and report.when != "teardown":
                name = self._told.claims.get(report.nodeid, {}).get("test", report.nodeid)
                self.entries[report.nodeid] = replace(entry, test=name)
                self.progress.verdict(entry)
        if report.failed:
            self._count(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Iterator[None]:
        """Where the live view shows verdicts as they fall, pytest writes no letter for them."""
        found = yield
        shown = self.progress.live and report.nodeid in self._told.claims
        return (found[0], "", "") if shown and found else found

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file that cannot be collected is a fault."""
        if report.failed:
            self._count(report)

    def _count(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not is_claim_failure(report):
            self._faults += 1
            self._broke(report.nodeid, error_of(report))
        self._failures += 1
        if 0 < (self.config.getoption("maxfail") or 0) <= self._failures:
            self.shared.finish()  # now, for xdist ends the session only after every worker has ended its test

    def _broke(self, test: str, why: str) -> None:
        from ..verdicts.entry import Broken

        self.errors[test] = Broken(error=why, **{"test": test, **self._told.claims.get(test, {})})

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Check that nothing was lost, write the report, speak through the exit status."""
        self.shared.finish()
        self.progress.end()
        if not self._told.claims:
            return
        leave_out_idle(self.config)
        if only_shows(self.config) or self.settings.plan:
            return
        stopped = session.shouldstop or session.shouldfail or exitstatus in (2, 4)  # by the user, or a wrong setting
        self._lost = [] if stopped else [test for test in self._selected if test not in self._reported]
        for test in self._lost:
            self._broke(test, "it was selected, but no worker reported it")
        with _ending([] if stopped else self._nodes):
            self._write_report()
        if self._lost or self._unwritten:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        elif self.settings.verdicts_ok and exitstatus == 1 and not stopped and not self._faults:
            session.exitstatus = pytest.ExitCode.OK
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR and reporter is not None:  # pytest prints no summary then
            self.pytest_terminal_summary(reporter)

    def _leave_timeline(self, folder: Path) -> None:
        """Keep who made which run when; the last one stays where nothing was made."""
        if not self.shared.journal.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        with whole(folder / TIMELINE) as path:
            shutil.copyfile(self.shared.journal, path)

    def _write_report(self) -> None:
        order = {test: i for i, test in enumerate(self._selected)}  # workers finish in any order
        self.entries = dict(sorted(self.entries.items(), key=lambda item: order.get(item[0], len(order))))
        try:
            if self.entries or self.errors:
                self._write()
            else:
                self._leave_timeline(self.settings.artifacts)
        except Exception:  # the verdicts took their time to get; they are shown whatever happens to the report
            self._unwritten = traceback.format_exc()

    def _write(self) -> None:
        from ..report import Ahead, write_report
        from ..report.bundle import session_of
        from ..report.stores import told
        from ..report.together import taken_together
        from ..runs.store import Store
        from ..verdicts.history import remember
        from .placing import named, place
        from .session import conditions_of

        store, facts = Store(self.settings.store), self._session_facts()
        sources = self.shared.read_sources() or {}
        conditions = conditions_of(self.settings, sources)
        own = remember(store, [*self.entries.values()], self.settings.regime.title)
        errors = [*self.errors.values()]
        to = place(self.settings.artifacts, session_of(conditions, **facts), store.root, [*own, *errors])
        entries, broken = to.together([*own, *errors])
        if to.conditions is not None:
            conditions = conditions_of(self.settings, {**to.conditions.sources, **sources})
        entries = taken_together(entries)
        decided = {named(entry): entry for entry in entries}
        self.entries = {test: decided[named(entry)] for test, entry in self.entries.items()}
        self._placed, ahead = to.says, Ahead(self.shared.figures)
        facts = to.facts(facts, len(self._told.claims) + self._told.deselected)
        facts["store"], linear = told(store.root, to.folder), self.settings.linear_axis
        self._leave_timeline(to.folder)
        self._written = write_report(entries, broken, facts, conditions, store, to.folder, ahead, linear)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The scorecard and one line a claim."""
        if not self._told.claims:
            return
        from .terminal import summary

        entries, errors = [*self.entries.values()], [*self.errors.values()]
        summary(terminalreporter, entries, errors, self._headline, self._written)
        if self._placed:
            terminalreporter.write_line(self._placed, bold=True)
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
        undecided = self._told.claims.keys() - self.entries.keys() - self.errors.keys()
        return {
            "command": with_variables([ADDED]) + shlex.join(["pytest", *map(str, self.config.invocation_params.args)]),
            "seconds": time.time() - self._began,
            "partial": partial(self.config, self._told.deselected, len(undecided)),
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
        importlib.import_module("repro.report.drawing.sheets")
