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


@dataclass(frozen=True)
class Row:
    """A claim (and attack, and comparison) with its verdict on each task of the scorecard."""

    claim: str
    variant: str
    words: tuple[str, ...]
    outcomes: tuple[str, ...]  # "holds", "fails", "undecided", "error", or "" where there is none

    @property
    def name(self) -> str:
        """How the row is called."""
        return f"{self.claim} ({self.variant})" if self.variant else self.claim


@dataclass(frozen=True)
class Line:
    """A line of a scorecard that is drawn or printed: a row, or the name of a claim above its rows."""

    name: str
    inset: bool = False
    cells: tuple[tuple[str, str], ...] = ()  # word and outcome for each task; none beside the name of a claim

    @property
    def indented(self) -> str:
        """The name, set in where it stands below its claim's."""
        return f"   {self.name}" if self.inset else self.name


@dataclass(frozen=True)
class Scorecard:
    """All verdicts of a session at a glance."""

    tasks: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def lines(self) -> list[Line]:
        """The rows of each claim together, below its name if there are several: their full names are long."""
        lines = []
        for claim, group in groupby(self.rows, key=lambda row: row.claim):
            rows = list(group)
            if len(rows) > 1:
                lines.append(Line(claim))
            for row in rows:
                cells = tuple(zip(row.words, row.outcomes, strict=True))
                lines.append(Line(row.variant or "-", True, cells) if len(rows) > 1 else Line(row.name, False, cells))
        return lines


def short(word: str) -> str:
    """A verdict's word for a narrow column; a star marks the surrogate. A word that has no short form stays."""
    bare = word.removesuffix(SURROGATE)
    return SHORT.get(bare, bare) + ("*" if bare != word else "")


def scorecard(found: Iterable[Told]) -> Scorecard:
    """Arrange what a report tells; claims in the order in which they were first met, the rows of each together.

    A claim test that broke has its cell marked as an error, whatever was said of it before.
    """
    cells: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    for entry in (entry for entry in found if entry.claim):
        variant = entry.case.removeprefix(entry.task).removeprefix("-").replace("-over-", "/")
        cells.setdefault((entry.claim, variant), {})[entry.task] = (entry.verdict, entry.outcome)
    shown = tuple(task for task in TASKS if any(task in row for row in cells.values()))
    place = {claim: i for i, claim in enumerate(dict.fromkeys(claim for claim, _ in cells))}
    together = sorted(cells.items(), key=lambda item: place[item[0][0]])  # errors may come long after their claim
    return Scorecard(shown, tuple(_row(claim, variant, row, shown) for (claim, variant), row in together))


def _row(claim: str, variant: str, row: dict[str, tuple[str, str]], shown: tuple[str, ...]) -> Row:
    found = [row.get(task, (NOT_SHOWN, "")) for task in shown]
    return Row(claim, variant, tuple(word for word, _ in found), tuple(outcome for _, outcome in found))
