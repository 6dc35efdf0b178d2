"""The second door: ``python -m repro`` checks and compares reports, and times a machine. Free of torch."""

import argparse
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from ..errors import ReproError, error_line
from ..words import printable
from .output import complain, require_output, write

SAME: Final = 0
DIFFERENT: Final = 1
BAD_INPUT: Final = 2
LONGEST: Final = 1000  # characters of the line that says what was wrong

DESCRIPTION: Final = (
    "Checks and compares the reports that `pytest claims` writes, and measures how fast a machine is for its plans."
)
EPILOG: Final = """\
examples:
  python -m repro verify artifacts            does the report follow from the stored measures?
  python -m repro verify theirs --store runs  the same, with the measures in another folder
  python -m repro diff ours theirs            what differs between two reports?
  python -m repro diff ours theirs --json     the same for programs
  python -m repro pack bundles                finished runs, to be carried between machines
  python -m repro unpack bundles              the same, into the store of another machine
  python -m repro calibrate                   how fast is this machine? for pytest claims --plan

exit status: 0 all agree (nothing changed), 1 something differs, 2 bad input, nothing to compare, or nowhere to say it
"""
VERIFY: Final = (
    "Recomputes every verdict of a report from the stored measures, with the claims and the decision code of this "
    "checkout. No file is run because a report names it. Exit status 0: all agree; 1: something differs, or cannot be "
    "recomputed; 2: bad input, nothing that could be checked, or the answer cannot be written."
)
DIFF: Final = (
    "Compares two reports: verdicts, estimates, claims, margins, settings, circumstances. Exit status 0: nothing "
    "changed (versions, commit, device and hardware may differ); 1: something did; 2: bad input, or the answer cannot "
    "be written."
)
PACK: Final = (
    "Puts the finished runs of a store (records, measures, and weights where they are small enough) into files below a "
    "size, to be carried between machines. Exit status 0: all of them; 1: some are damaged and were left out; 2: bad "
    "input."
)
UNPACK: Final = (
    "Puts the runs of such files into a store, which keeps what it has. Every checksum is checked, no name leads out "
    "of the store, nothing is executed. Exit status 0: all were sound; 1: some were damaged and left out; 2: bad input."
)
CALIBRATE: Final = (
    "Trains and measures short runs of every network as sessions do it, on the surrogate data, and keeps what that "
    "took on this machine: `pytest claims --plan` then says how long a session will take. The environment variable "
    "REPRO_RATES names another folder to keep it in. Exit status 0: measured and kept; 2: bad input, or the answer "
    "cannot be written."
)


class _Parser(argparse.ArgumentParser):
    """A parser that tells a wrong argument in one line, and its help as commands tell what they found."""

    def print_help(self, file: object = None) -> None:  # noqa: ARG002  # argparse's own -h names no file
        write(self.format_help().rstrip())

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {printable(message, LONGEST)}; see {self.prog} -h\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status, which is 1 only where something differs."""
    parser = _build()
    name = parser.prog
    try:
        require_output()
        chosen = parser.parse_args(arguments)
        name = f"{name} {chosen.command}" if chosen.command else name
        text, agree = _run(chosen) if chosen.command else (parser.format_help().rstrip(), True)
        write(text)
    except ReproError as error:
        complain(f"{name}: {printable(error_line(error), LONGEST)}")
        return BAD_INPUT
    except Exception:  # a fault of this program; Python's own status for it says that something differs
        complain(traceback.format_exc().rstrip())
        return BAD_INPUT
    return SAME if agree else DIFFERENT


def _build() -> _Parser:
    form = argparse.RawDescriptionHelpFormatter
    parser = _Parser("python -m repro", description=DESCRIPTION, epilog=EPILOG, formatter_class=form)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    verify = commands.add_parser("verify", help="recompute a report from its stored measures", description=VERIFY)
    verify.add_argument("artifacts", metavar="ARTIFACTS", type=Path, help="an artifacts folder, or its report.json")
    verify.add_argument("--store", metavar="DIR", type=Path, help="where runs are kept (default: ARTIFACTS/store)")
    verify.add_argument(
        "--root", metavar="DIR", type=Path, help="the checkout whose claims decide (default: this program's own)"
    )
    verify.add_argument("--claims", metavar="NAME", default="claims", help="its folder of claims (default: claims)")
    diff = commands.add_parser("diff", help="compare two reports", description=DIFF)
    for name in ("a", "b"):
        diff.add_argument(name, metavar=name.upper(), type=Path, help="an artifacts folder, or its report.json")
    diff.add_argument("--json", action="store_true", help="write the comparison as JSON")
    calibrate = commands.add_parser("calibrate", help="measure how fast this machine is", description=CALIBRATE)
    calibrate.add_argument("--seconds", metavar="N", type=float, default=60.0, help="time to spend (default: 60)")
    calibrate.add_argument("--processes", metavar="N", type=int, help="side by side (default: the cores; on a GPU 1)")
    calibrate.add_argument("--gpu", action="store_true", help="measure CUDA instead of the processor")
    packed = commands.add_parser("pack", help="put finished runs into files to be carried elsewhere", description=PACK)
    packed.add_argument("out", metavar="OUT", type=Path, help="the folder that the files go to")
    packed.add_argument("--max-mib", metavar="N", type=int, default=16, help="the size of a file (default: 16)")
    unpacked = commands.add_parser("unpack", help="put such runs into a store", description=UNPACK)
    unpacked.add_argument("bundles", metavar="IN", type=Path, help="the folder with the files, or one of them")
    for one in (packed, unpacked):
        one.add_argument("--store", metavar="DIR", type=Path, help="where runs are kept (default: artifacts/store)")
    return parser


def _run(chosen: argparse.Namespace) -> tuple[str, bool]:
    """Import what a command needs and run it; --help waits for none of it."""
    if chosen.command == "verify":
        from .verify import verify

        return verify(chosen.artifacts, chosen.store, chosen.root, chosen.claims)
    if chosen.command == "calibrate":
        from .calibrate import calibrate

        return calibrate(chosen.seconds, chosen.processes, gpu=chosen.gpu), True
    if chosen.command == "pack":
        from .pack import pack

        return pack(chosen.out, chosen.store, chosen.max_mib)
    if chosen.command == "unpack":
        from .pack import unpack

        return unpack(chosen.bundles, chosen.store)
    from .diff import diff

    return diff(chosen.a, chosen.b, as_json=chosen.json)
