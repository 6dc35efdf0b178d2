"""What a command says, at once and at the end: standard output may be closed, full, or unable to say it."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from ..errors import ReproError
from ..words import printable


def text_of(lines: Iterable[str]) -> str:
    """Lines as one text. What cannot be printed is escaped in it: no name in a report adds a line of its own."""
    return "\n".join(printable(line, len(line)) for line in lines)


def part(title: str, things: Iterable[Sequence[str]]) -> list[str]:
    """A heading with the number of the things below it, each of which may take several lines; nothing of none."""
    found = [*things]
    return [f"{title} ({len(found)})", *(f"  {line}" for lines in found for line in lines)] if found else []


def require_output() -> None:
    """ReproError: standard output is closed, and nothing could be said."""
    if sys.stdout is None:
        raise ReproError("standard output is closed")


def write(text: str) -> None:
    """Write a command's whole answer. ReproError: it could not be written."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except UnicodeEncodeError as error:
        found = ascii(error.object[error.start])
        raise ReproError(
            f"standard output is {error.encoding} and cannot say {found}: PYTHONIOENCODING=utf-8 says everything"
        ) from None
    except OSError as error:
        _silence(sys.stdout)
        raise ReproError(f"standard output cannot be written: {error.strerror}") from None


def complain(line: str) -> None:
    """Write a line to standard error, as far as that can be written."""
    if sys.stderr is None:
        return
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _silence(sys.stderr)


def _silence(stream: TextIO) -> None:
    """What a stream still holds goes nowhere, or Python would try again at its end and fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
