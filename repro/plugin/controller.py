"""The process the user sees: tells what the session is about, gathers the verdicts, writes the report.

With xdist it runs no tests and knows of them only what workers report, so it also checks that every selected test was
reported: a worker whose last words are lost would otherwise end a session green. It is there in every session of pytest
where the plugin is installed; what a report is made with is imported once there are claims.
"""

import os
import pickle
import shlex
import shutil
import tempfile
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from msgspec.structs import replace

from ..errors import ReproError, error_line
from ..science.data.sources import Source
from .ending import TERMINATED, Termination, left_over, tell_of_interrupt
from .meanwhile import get_ready, workers_end
from .neighbours import leave_out_idle
from .options import only_shows
from .outcomes import entry_of, error_of, is_claim_failure, to_evidence
from .partial import partial
from .progress import Progress
from .rerun import ADDED, Rerun, with_variables
from .settings import Settings
from .shared import OVER, STOPPED, Shared, Told
from .watching import keep_timeline

if TYPE_CHECKING:
    from ..verdicts.entry import Broken, Entry

SHOWN: Final = 10  # remarks that are shown
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
        self._uncollected: set[str] = set()  # files that pytest goes on without
        self._told, self._sources = Told(), dict[str, Source]()
        self._began = time.time()
        self._written, self._lost = list[Path](), list[str]()
        self._nodes: list[Any] = []
        self._places: dict[Any, int] = {}  # of workers that live, from 0
        self._unwritten = self._placed = self._interrupted = ""  # the last: the command that Ctrl-C ended
        self.termination = Termination()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell an xdist worker the session's settings and folder, the number of GPUs, and its place among workers."""
        place = self._places[node] = next(place for place in count() if place not in self._places.values())
        node.workerinput[TOLD] = pickle.dumps((self.settings, self.rerun, self.shared.folder, self.gpus, place))
        self._nodes.append(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """The worker that is begun instead of one that died has its place, and so its GPU."""
        self._places.pop(node, None)

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
        self._told, self._sources = self.shared.told(), self.shared.read_sources() or {}  # they may be swept away later
        if self._told.error:
            raise pytest.UsageError(self._told.error)
        if self._told.claims:
            self.termination.begin()  # a process that runs tests itself began it before
        self.progress.begin(self._told, len(self._nodes), threaded=threaded)
        if self._told.claims and threaded:
            get_ready()

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

    @pytest.hookimpl(tryfirst=True)  # before what is written of a failed claim
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
                if is_claim_failure(report):
                    to_evidence(report, entry)
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
            self._uncollected.add(report.nodeid)  # each worker tells of it
            self._count(report)

    def _count(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not is_claim_failure(report):
            self._faults += 1
            self._broke(report.nodeid, error_of(report))
        self._failures += 1
        if 0 < (self.config.getoption("maxfail") or 0) <= self._failures:
            self.shared.mark(OVER)  # now, for xdist ends the session only after every worker has ended its test

    def _broke(self, test: str, why: str) -> None:
        from ..verdicts.entry import Broken

        self.errors[test] = Broken(error=why, **{"test": test, **self._told.claims.get(test, {})})

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Whoever presses Ctrl-C does not wait for the runs that workers are at; with -x they end by themselves."""
        if not isinstance(excinfo.value, pytest.Session.Interrupted):
            self.shared.mark(STOPPED)
        if excinfo.type is KeyboardInterrupt and self._told.claims:
            self.progress.end()
            self._interrupted = self._command
            tell_of_interrupt(self.config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Check that nothing was lost, write the report, speak through the exit status."""
        self.termination.ending()
        self.shared.mark(OVER)
        self.progress.end()
        if not self._told.claims:
            return
        leave_out_idle(self.config)
        if only_shows(self.config) or self.settings.plan:
            return
        # by the user, or a wrong setting
        stopped = session.shouldstop or session.shouldfail or exitstatus in (2, 4, TERMINATED)
        self._lost = [] if stopped else [test for test in self._selected if test not in self._reported]
        for test in self._lost:
            self._broke(test, "it was selected, but no worker reported it")
        with workers_end([] if stopped else self._nodes):
            self._write_report()
        if self._lost or self._unwritten:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR
        elif self.settings.verdicts_ok and exitstatus == 1 and not stopped and not self._faults:
            session.exitstatus = pytest.ExitCode.OK
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        silent = exitstatus in (pytest.ExitCode.INTERNAL_ERROR, TERMINATED)  # pytest itself asks for no summary then
        if silent and reporter is not None:
            self.pytest_terminal_summary(reporter)

    @property
    def _command(self) -> str:
        return with_variables([ADDED]) + shlex.join(["pytest", *map(str, self.config.invocation_params.args)])

    def _write_report(self) -> None:
        from .placing import alone

        order = {test: i for i, test in enumerate(self._told.claims)}  # workers finish in any order
        self.entries = dict(sorted(self.entries.items(), key=lambda item: order.get(item[0], len(order))))
        with self._told_if_unwritten(), alone(self.settings.artifacts, self.settings.store) as free:
            if self.entries or self.errors:
                from .writing import Decided, write

                decided = Decided(self.entries, self.errors, self._sources, self._session_facts(), self._known())
                self.entries, self._written, self._placed = write(decided, self.settings, self.shared, free)
            else:
                keep_timeline(self.settings.artifacts, self.shared)

    @contextmanager
    def _told_if_unwritten(self) -> Iterator[None]:
        """Whatever happens, the verdicts are shown: they took their time to get. What the disk refuses is one line."""
        try:
            yield
        except ReproError as error:
            self._unwritten = f"{error_line(error)}. "
        except Exception as error:
            refused = isinstance(error, OSError) and error.errno is not None
            whole = f"{getattr(error, 'strerror', None)}; what was there, and what was stored, is whole. "
            self._unwritten = f"--artifacts {self.settings.artifacts}: {whole}" if refused else traceback.format_exc()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The scorecard and one line a claim."""
        if not self._told.claims:
            return
        from .terminal import shard_lines, summary, wrong_lines

        entries, errors = [*self.entries.values()], [*self.errors.values()]
        summary(terminalreporter, entries, errors, self._headline, self._written)
        settings, made = self.settings, self.progress.done()
        part = shard_lines(settings.shard, made, settings.store) if settings.shard and not settings.plan else ()
        left = "" if settings.plan else left_over(self._undecided(), settings.minutes, self._interrupted)
        for line in filter(None, [self._placed, left, *part, *self.shared.remarks()[:SHOWN]]):
            terminalreporter.write_line(line, bold=line == self._placed)
        for line in wrong_lines(self._lost, self._unwritten):
            terminalreporter.write_line(line, red=True)

    def pytest_unconfigure(self) -> None:
        """Remove the session's folder."""
        self.termination.over()
        self.shared.mark(OVER)
        shutil.rmtree(self.shared.folder, ignore_errors=True)

    def _undecided(self) -> int:
        return len(self._told.claims.keys() - self.entries.keys() - self.errors.keys())

    def _known(self) -> int:
        """Of how many claim tests the session knows; 0 where anything but leaving some of them out narrowed it."""
        narrowed = self.settings.shard or partial(self.config, 0, self._undecided(), len(self._uncollected))
        return 0 if narrowed else len(self._told.claims) + self._told.deselected

    def _session_facts(self) -> dict[str, Any]:
        shard = [f"--shard {self.settings.shard}"] if self.settings.shard else []
        left_out = self._told.deselected, self._undecided(), len(self._uncollected)
        return {
            "command": self._command,
            "seconds": time.time() - self._began,
            "partial": [*shard, *partial(self.config, *left_out)],
            "strict": self.settings.strict,
        }
