"""The table of the README that says what was found at the paper's own scale, made from the published report."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from repro.report.bundle import Report, load
from repro.verdicts.entry import Entry
from repro.words import counted

ROOT: Final = Path(__file__).parents[2]
PUBLISHED: Final = ROOT / "artifacts" / "published"
BEGIN: Final = "<!-- what was found: written by python -m tests.published -->"
END: Final = "<!-- end of what was found -->"
HEAD: Final = ("the claim", "on", "as the paper measures", "by the strongest attack", "at equal training amount")


def report() -> Report:
    """The published report."""
    return load(PUBLISHED).report


def page(text: str, found: Report) -> str:
    """The README with a new table. ValueError: it lacks one of the markers."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return "\n\n".join((before + BEGIN, _intro(found), _table(found.claims), END)) + after


def _intro(found: Report) -> str:
    tasks = dict.fromkeys(entry.task for entry in found.claims)
    seeds = sorted({entry.seeds for entry in found.claims})
    return (
        f"At the paper's own scale {counted(len(found.claims), 'claim test')} on {' and '.join(tasks)} "
        f"{'is' if len(found.claims) == 1 else 'are'} decided so far, with "
        f"{' or '.join(map(str, seeds))} seeds; everything else at that scale was not run yet."
    )


def _table(entries: Iterable[Entry]) -> str:
    rows = [HEAD, ("---",) * len(HEAD), *map(_row, entries)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(entry: Entry) -> tuple[str, ...]:
    others = [f"{other.verdict}, {other.shown}" if other else "-" for other in (entry.sound, entry.equal_amount)]
    return entry.says, entry.case.replace("-over-", "/"), f"**{entry.verdict}**, {entry.shown}", *others
