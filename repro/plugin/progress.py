"""How far the runs of a session are, told while tests wait for them: as a live view, or in a line now and then."""

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, TextIO

import pytest

from .settings import Settings
from .shared import Shared, Told
from .watching import Watch, announce, withdraw

if TYPE_CHECKING:
    from ..verdicts.entry import Entry
    from .live import View

EVERY: Final = 30.0  # seconds between two lines, at least
COLOURS: Final = {"holds": "green", "fails": "red", "undecided": "yellow", "not learnt": "cyan"}


class Progress:
    """Watches a session. In a terminal it is drawn live; elsewhere a line is written when the last is old enough.

    With xdist the controller's thread polls; without, the process that trains calls ``poll`` itself.
    """

    def __init__(self, shared: Shared, settings: Settings, config: pytest.Config) -> None:
        self._shared, self._settings, self._config = shared, settings, config
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last, self._shown = time.monotonic(), 0
        self._watch: Watch | None = None
        self._terminal: TextIO | None = None  # where a view is drawn, if there is to be one
        self._drawing = threading.Lock()
        self._view: View | None = None  # drawn from the first run or verdict on

    @property
    def live(self) -> bool:
        """Whether verdicts are shown by the view, and not by pytest's letters."""
        return self._terminal is not None

    def begin(self, told: Told, processes: int, *, threaded: bool) -> None:
        """Begin a session in which runs are missing, or may be later on."""
        if self._settings.plan or not (told.missing or self._settings.until_decided):
            return
        began = time.time()
        self._watch, self._last = Watch(self._shared, told, processes, began), time.monotonic()
        announce(self._settings.artifacts, self._shared, processes, began)
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and _in_terminal(self._config, self._settings):
            # now, for pytest puts something else in the place of the output while a test is run
            self._terminal = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
            reporter.showfspath = False  # it writes a file's name, and then letters behind it, where the view is
        if threaded and self._thread is None:
            self._thread = threading.Thread(target=self._keep_looking, daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Stop telling."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._view is not None:
            self._view.stop()
        if self._terminal is not None:
            self._terminal.close()
        self._view = self._terminal = None
        withdraw(self._settings.artifacts, self._shared)

    def verdict(self, entry: "Entry") -> None:
        """Tell of a verdict that fell."""
        if self._watch is None or self._stop.is_set():
            return
        line = f"{entry.verdict}  {entry.name}  {entry.shown}"
        self._shared.keep_verdict(line)
        if view := self._drawn():
            view.print(line, COLOURS.get(entry.outcome, ""))

    def poll(self) -> None:
        """Write a line if there is something to tell and the last line is old enough; or draw the view."""
        if self._watch is None or self._drawn():
            return
        if time.monotonic() - self._last < EVERY or self._config.get_verbosity() < -1 or not self._settings.progress:
            return
        done = self._watch.done()
        if done > self._shown or self._thread is not None:
            self._shown, self._last = done, time.monotonic()
            self.say(self._watch.state().words)

    def _drawn(self) -> "View | None":
        """The view, if there is to be one."""
        with self._drawing:  # a verdict falls while the thread that polls imports what draws
            if self._view is None and self._terminal is not None and self._watch is not None:
                from .live import View

                self._view = View(self._watch.state, self._terminal)
            return self._view

    def _keep_looking(self) -> None:
        while not self._stop.wait(1.0):
            if self._shared.journal.exists():  # before, pytest writes about its workers
                self.poll()

    def done(self) -> int:
        """Runs finished in this session."""
        return 0 if self._watch is None else self._watch.done()

    def say(self, line: str) -> None:
        """Show a line, beside what pytest shows of the tests."""
        if self._view is not None:
            self._view.print(line, "")
            return
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        if reporter is None:
            return
        if self._thread is None and capture is not None:  # called from within a test, whose output is captured
            with capture.global_and_fixture_disabled():
                reporter.write_line(line)
        else:
            reporter.ensure_newline()
            reporter.write_line(line)


def _in_terminal(config: pytest.Config, settings: Settings) -> bool:
    """Whether a view can be drawn, and is wanted: not with -q, -v or -s, nor by a machine that builds and tests."""
    plain = config.get_verbosity() != 0 or config.getoption("capture", "no") == "no" or os.environ.get("CI")
    dumb = os.environ.get("TERM", "") in ("", "dumb", "unknown")
    try:
        return settings.progress and not plain and not dumb and os.isatty(sys.stdout.fileno())
    except (AttributeError, OSError, ValueError):  # something else is in the place of standard output
        return False
