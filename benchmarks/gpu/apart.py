"""Rows from a process of its own: what crashes or hangs there costs neither what it measured nor what comes after."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final

from .tools import NOT_MEASURED, Row

GONE: Final = 10.0  # seconds that a killed process is waited for: one that is stuck in a driver may never be gone


def apart(rows: Callable[..., Iterator[Row]], arguments: tuple[Any, ...], seconds: float) -> Iterator[Row]:
    """The rows that ``rows`` comes to in a process that is ended, with all that it began, after so many seconds.

    Where it comes to a bad end, the last row is a note that says so.
    """
    context = multiprocessing.get_context("spawn")
    hear, say = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(say, rows, arguments))
    process.start()
    assert process.pid is not None
    say.close()
    until = time.monotonic() + seconds
    try:
        while hear.poll(max(until - time.monotonic(), 0.0)):
            yield hear.recv()
        yield {"note": f"{NOT_MEASURED}ended after {seconds:.0f} s, which was all its time"}
    except (EOFError, OSError):  # there will be no more
        process.join(GONE)
        if process.exitcode:
            yield {"note": f"{NOT_MEASURED}its process ended with status {process.exitcode}"}
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join(GONE)


def _send(say: Connection, rows: Callable[..., Iterator[Row]], arguments: tuple[Any, ...]) -> None:
    os.setpgid(0, 0)  # so that it is ended with all that it begins
    for row in rows(*arguments):
        say.send(row)
