"""The live view in a terminal: a bar in predicted time, a line for each worker, and verdicts as they fall."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .watching import State

A_SECOND: Final = 2  # how often it is drawn
BAR: Final = 30  # columns


class View:
    """Draws itself below what was printed until it is stopped.

    ``terminal`` is a way of its own to it: what a test prints, and what pytest captures of that, is elsewhere.
    """

    def __init__(self, state: Callable[[], State], terminal: TextIO) -> None:
        self._state = state
        self._terminal = terminal
        self._console = Console(file=terminal, force_terminal=True, highlight=False)
        self._fit()
        self._live = Live(
            get_renderable=self._drawn,
            console=self._console,
            refresh_per_second=A_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def print(self, line: str, colour: str) -> None:
        """Write a line above the view."""
        self._console.print(Text(line, colour), soft_wrap=True)

    def stop(self) -> None:
        """Take the view from the terminal; what was printed above it stays."""
        self._live.stop()

    def _fit(self) -> None:
        """Take the size of the terminal itself: that of standard output is none while pytest captures it."""
        with suppress(OSError):
            self._console.size = os.get_terminal_size(self._terminal.fileno())

    def _drawn(self) -> Group:
        self._fit()
        state = self._state()
        head = Table.grid(padding=(0, 1))
        head.add_row(ProgressBar(1.0, state.share, width=BAR), Text(state.short, no_wrap=True, overflow="ellipsis"))
        grid = Table.grid(padding=(0, 2))
        for _ in range(4):
            grid.add_column(no_wrap=True, overflow="ellipsis")
        for doing in state.doing:
            worker, run, epoch, accuracy = doing.words
            grid.add_row(Text(worker, "cyan"), Text(run), Text(epoch), Text(accuracy, "dim"))
        return Group(head, grid)
