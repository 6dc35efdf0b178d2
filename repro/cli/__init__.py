"""The second door: ``python -m repro`` checks and compares reports, and times a machine. Free of torch."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from ..errors import ReproError, error_line

SAME: Final = 0
DIFFERENT: Final = 1
BAD_INPUT: Final = 2

DESCRIPTION: Final = (
    "Checks and compares the reports that `pytest claims` writes, and measures how fast a machine is for its plans."
)
EPILOG: Final = """\
examples:
  python -m repro verify artifacts            does the report follow from the stored measures?
  python -m repro verify theirs --store runs  the same, with the measures in another folder
  python -m repro diff ours theirs            what differs between two reports?
  python -m repro diff ours theirs --json     the same for programs
  python -m repro calibrate                   how fast is this machine? for pytest claims --plan

exit status: 0 all agree (nothing changed), 1 something differs, 2 bad input
"""
VERIFY: Final = (
    "Recomputes every verdict of a report from the stored measures, with the claims and the decision code of this "
    "checkout. Exit status 0: all agree; 1: something differs, or cannot be recomputed; 2: bad input."
)
DIFF: Final = (
    "Compares two reports: verdicts, estimates, claims, margins, settings, circumstances. Exit status 0: nothing "
    "changed (versions, commit, device and hardware may differ); 1: something did; 2: bad input."
)
CALIBRATE: Final = (
    "Measures what a run is made of (training steps, forward passes, attacks, Hessian-vector products) and what a "
    "session takes beside its runs, with the harness's own functions on random pixels, and keeps it for this machine: "
    "`pytest claims --plan` then says how long a session will take here. The environment variable REPRO_RATES names "
    "another file to keep it in. Exit status 0: measured and kept; 2: bad input."
)


class _Parser(argparse.ArgumentParser):
    """A parser that tells a wrong argument in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message}; see {self.prog} -h\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = _build()
    chosen = parser.parse_args(arguments)
    if chosen.command is None:
        parser.print_help()
        return SAME
    try:
        status = _run(chosen)
        sys.stdout.flush()
    except ReproError as error:
        print(f"{parser.prog} {chosen.command}: {error_line(error)}", file=sys.stderr)
        return BAD_INPUT
    except BrokenPipeError:  # the reader of the output, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DIFFERENT
    return status


def _build() -> _Parser:
    form = argparse.RawDescriptionHelpFormatter
    parser = _Parser("python -m repro", description=DESCRIPTION, epilog=EPILOG, formatter_class=form)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    verify = commands.add_parser("verify", help="recompute a report from its stored measures", description=VERIFY)
    verify.add_argument("artifacts", metavar="ARTIFACTS", type=Path, help="an artifacts folder, or its report.json")
    verify.add_argument("--store", metavar="DIR", type=Path, help="where runs are kept (default: ARTIFACTS/store)")
    verify.add_argument("--root", metavar="DIR", type=Path, help="the folder that the report's test ids start from")
    diff = commands.add_parser("diff", help="compare two reports", description=DIFF)
    for name in ("a", "b"):
        diff.add_argument(name, metavar=name.upper(), type=Path, help="an artifacts folder, or its report.json")
    diff.add_argument("--json", action="store_true", help="write the comparison as JSON")
    calibrate = commands.add_parser("calibrate", help="measure how fast this machine is", description=CALIBRATE)
    calibrate.add_argument("--seconds", metavar="N", type=float, default=60.0, help="time to spend (default: 60)")
    calibrate.add_argument("--processes", metavar="N", type=int, help="side by side (default: the cores; on a GPU 1)")
    calibrate.add_argument("--gpu", action="store_true", help="measure CUDA instead of the processor")
    return parser


def _run(chosen: argparse.Namespace) -> int:
    """Import what a command needs and run it; --help waits for none of it."""
    if chosen.command == "verify":
        from .verify import verify

        agree = verify(chosen.artifacts, chosen.store, chosen.root)
    elif chosen.command == "calibrate":
        from .calibrate import calibrate

        calibrate(chosen.seconds, chosen.processes, gpu=chosen.gpu)
        agree = True
    else:
        from .diff import diff

        agree = diff(chosen.a, chosen.b, as_json=chosen.json)
    return SAME if agree else DIFFERENT
