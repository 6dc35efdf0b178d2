"""How far the runs of a session are, told now and then while tests wait for them."""

import json
import threading
import time
from pathlib import Path
from typing import Final

import pytest

from ..words import span

EVERY: Final = 15.0  # seconds between two lines, at least


class Progress:
    """Reads the session's journal and writes a line when runs were finished and the last line is old enough.

    With xdist the controller's thread polls; without, the process that trains calls ``poll`` itself.
    """

    def __init__(self, journal: Path, config: pytest.Config) -> None:
        self._journal, self._config = journal, config
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last, self._shown = time.monotonic(), 0
        self._total, self._began = 0, time.monotonic()

    def begin(self, total: int, *, threaded: bool) -> None:
        """Begin a session that misses ``total`` runs."""
        self._total, self._began, self._last = total, time.monotonic(), time.monotonic()
        if threaded and total and self._thread is None:
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Stop telling."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def poll(self) -> None:
        """Write a line if there is something to tell and the last line is old enough."""
        if time.monotonic() - self._last < EVERY or (done := self.done()) <= self._shown:
            return
        self._shown, self._last = done, time.monotonic()
        since = span(time.monotonic() - self._began)
        made = f"{done} of {self._total}" if done <= self._total else f"{done}"  # seeds were added to what was planned
        self.say(f"measurements: {made} made, {since} since the start")

    def done(self) -> int:
        """Runs finished in this session."""
        return sum(event["event"] == "end" for event in events(self._journal))

    def _watch(self) -> None:
        while not self._stop.wait(1.0):
            self.poll()

    def say(self, line: str) -> None:
        """Show a line, beside what pytest shows of the tests."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        if reporter is None or self._config.get_verbosity() < 0:
            return
        if self._thread is None and capture is not None:  # called from within a test, whose output is captured
            with capture.global_and_fixture_disabled():
                reporter.write_line(line)
        else:
            reporter.ensure_newline()
            reporter.write_line(line)


def events(journal: Path) -> list[dict[str, str]]:
    """The session's journal; a line that is still being written is left out."""
    if not journal.exists():
        return []
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
