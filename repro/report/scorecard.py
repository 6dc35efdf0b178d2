"""The scorecard: claims down, tasks across, a verdict in every cell. Free of torch and matplotlib."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from ..experiment.tasks import TASKS
from ..verdicts.entry import Told

SHORT: Final = {
    "reproduced": "yes",
    "not reproduced": "no",
    "trend seen": "seen",
    "trend not seen": "not seen",
    "inconclusive": "?",
}
SURROGATE: Final = " (surrogate)"
NOT_SHOWN: Final = "-"  # the paper's figures do not show this claim on this task, or the session did not select it


Cells = tuple[tuple[str, str], ...]  # by task a word and an outcome: "holds", "fails", "undecided", "error", or ""


@dataclass(frozen=True)
class Row:
    """A claim (and attack, and comparison) with its verdict on each task of the scorecard."""

    claim: str
    variant: str
    cells: Cells

    @property
    def name(self) -> str:
        """How the row is called."""
        return f"{self.claim} ({self.variant})" if self.variant else self.claim

    @property
    def words(self) -> list[str]:
        """The verdict on each task."""
        return [word for word, _ in self.cells]


@dataclass(frozen=True)
class Scorecard:
    """All verdicts of a session at a glance."""

    tasks: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def lines(self) -> list[tuple[str, Cells]]:
        """Name and cells of each line as it is drawn or printed.

        Several rows of a claim stand below its name, set in, for their full names are long.
        """
        lines: list[tuple[str, Cells]] = []
        for claim, group in groupby(self.rows, key=lambda row: row.claim):
            rows = list(group)
            if len(rows) == 1:
                lines.append((rows[0].name, rows[0].cells))
            else:
                lines += [(claim, ()), *((f"   {row.variant or '-'}", row.cells) for row in rows)]
        return lines


def short(word: str) -> str:
    """A verdict's word for a narrow column; a star marks the surrogate. A word that has no short form stays."""
    bare = word.removesuffix(SURROGATE)
    return SHORT.get(bare, bare) + ("*" if bare != word else "")


def scorecard(found: Iterable[Told]) -> Scorecard:
    """Arrange what a report tells; claims in the order in which they were first met, the rows of each together.

    A claim test that broke has its cell marked as an error, whatever was said of it before.
    """
    claims: dict[str, dict[str, dict[str, tuple[str, str]]]] = {}  # by claim, variant and task
    for entry in (entry for entry in found if entry.claim):
        variant = entry.case.removeprefix(entry.task).removeprefix("-").replace("-over-", "/")
        row = claims.setdefault(entry.claim, {}).setdefault(variant, {})
        row[entry.task] = (entry.verdict, entry.outcome)
    rows = [(claim, variant, row) for claim, variants in claims.items() for variant, row in variants.items()]
    tasks = tuple(task for task in TASKS if any(task in row for _, _, row in rows))
    nothing = (NOT_SHOWN, "")
    return Scorecard(tasks, tuple(Row(c, v, tuple(row.get(task, nothing) for task in tasks)) for c, v, row in rows))
