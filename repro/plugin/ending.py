"""How a session of claims ends before its time: by SIGTERM, as batch systems send it, by Ctrl-C, or with its parent.

SIGTERM ends it as Ctrl-C does, with the report of what there is, and an exit status of its own. Workers do not finish
the run they are at then, and none of them outlives the process that began it by more than a moment.
"""

import os
import shutil
import signal
import threading
from types import FrameType
from typing import Final

import pytest

from ..words import counted
from .shared import STOPPED, Shared

TERMINATED: Final = 128 + signal.SIGTERM  # the exit status, as a shell has it
LOOKS: Final = 0.2  # seconds between two looks of a worker at whether it is still wanted
GOES_ON: Final = "the same command goes on from what is stored"
SAYS: Final = f"stopped by SIGTERM: {GOES_ON}"


def tell_of_interrupt(config: pytest.Config) -> None:
    """Answer Ctrl-C at once: the figures of a report that is nearly whole take some seconds."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.ensure_newline()
        reporter.write_line(f"interrupted: the report of what there is follows in a few seconds; {GOES_ON}")


def left_over(undecided: int, minutes: float | None, interrupted: str) -> str:
    """What a session leaves that had no more ``minutes``, or whose command was ``interrupted``; empty if nothing."""
    left = f"{counted(undecided, 'claim test')} without a verdict"
    if undecided and interrupted:
        return f"interrupted: {left}; {GOES_ON}: {interrupted}"
    if undecided and minutes is not None:
        return f"--minutes {minutes:g}: {left}, for which there was no time; {GOES_ON}"
    return ""


class Termination:
    """The answer to SIGTERM of a process that runs or controls claim tests."""

    def __init__(self) -> None:
        self._answers = False

    def begin(self) -> None:
        """Answer from now on, unless somebody else does or it is to be ignored; where signals can be answered."""
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._stop)
            self._answers = True

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends already
        raise pytest.exit.Exception(SAYS, returncode=TERMINATED)

    def ending(self) -> None:
        """The session ends: what comes now must not break its report."""
        if self._answers:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def over(self) -> None:
        """The session has ended: SIGTERM is what it was."""
        if self._answers:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            self._answers = False


def leave_with(shared: Shared) -> None:
    """End this worker, whatever it is at, when its session is stopped or the process that began it is gone."""
    threading.Thread(target=_watch, args=(shared, os.getppid()), daemon=True).start()


def _watch(shared: Shared, parent: int) -> None:
    pause = threading.Event()
    while not pause.wait(LOOKS):
        if os.getppid() != parent:  # nobody else removes it now
            shutil.rmtree(shared.folder, ignore_errors=True)
        elif not shared.marked(STOPPED):
            continue
        os._exit(TERMINATED)  # the main thread may be deep in a computation
