"""The second door: ``repro``, or ``python -m repro``: everything about a report but the session that makes it.

Free of torch and pytest until a command needs them. Exit status 0: all is right; 1: something differs, or is wrong;
2: bad input, nothing to answer, or the answer cannot be written.
"""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from ..errors import ReproError, error_line
from ..words import did_you_mean, printable
from .commands import commands
from .group import Answer
from .output import complain, require_output, write

SAME: Final = 0
DIFFERENT: Final = 1
BAD_INPUT: Final = 2
COMPLETION: Final = "_REPRO_COMPLETE"  # the variable by which a shell asks what could come next
LONGEST: Final = 1000  # characters of the line that says what was wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status, which is 1 only where something differs or is wrong."""
    name = "repro" if Path(sys.argv[0]).stem == "repro" else "python -m repro"
    try:
        require_output()
        given = None if arguments is None else [*arguments]
        answer = commands.main(given, prog_name=name, complete_var=COMPLETION, standalone_mode=False)
        if not isinstance(answer, Answer):  # it was help that was asked for, and written
            return SAME
        if answer.text:  # a command that runs pytest has let that speak
            write(answer.text)
    except click.ClickException as error:
        complain(printable(_line(error, name), LONGEST))
        return BAD_INPUT
    except click.Abort:
        complain(f"{name}: stopped")
        return BAD_INPUT
    except ReproError as error:  # of the output; a command's own has its name already
        complain(f"{name}: {printable(error_line(error), LONGEST)}")
        return BAD_INPUT
    except Exception:  # a fault of this program; Python's own status for it says that something differs
        complain(traceback.format_exc().rstrip())
        return BAD_INPUT
    return SAME if answer.agree else DIFFERENT


def _line(error: click.ClickException, name: str) -> str:
    """What the library, or a command, found wrong, in one line."""
    if not isinstance(error, click.UsageError):
        return error.format_message()
    place = error.ctx.command_path if error.ctx else name
    found = error.format_message()
    if isinstance(error, click.NoSuchOption) and error.ctx:
        known = [option for parameter in error.ctx.command.params for option in parameter.opts if option[:2] == "--"]
        found = f"there is no option {error.option_name}{did_you_mean(error.option_name, known)}"
    return f"{place}: {' '.join(found.split()).rstrip('.')} ({place} -h says more)"
