"""The scorecard: claims down, tasks across, a verdict in every cell. Free of torch and matplotlib."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from ..experiment.tasks import ALL_TASKS, TASKS
from ..verdicts.entry import Broken, Told, further

SHORT: Final = {
    "reproduced": "yes",
    "not reproduced": "no",
    "trend seen": "seen",
    "trend not seen": "not seen",
    "inconclusive": "?",
    "not learnt": "unlearnt",
}
DEPARTS: Final = "*"
TURNS: Final = "\u21c4"
DIFFERS: Final = "\u2260"
NOT_SHOWN: Final = "-"  # the paper's figures do not show this claim on this task, or the session did not select it
MARKS: Final = {
    "[ ]": "asked beyond what the paper says, or of one task alone",
    TURNS: "another verdict at equal training",
    DIFFERS: "the strongest attack says otherwise",
    DEPARTS: "of runs that depart from what the paper speaks of",
}


class Cell(NamedTuple):
    """A verdict's word and outcome ("holds", "fails", "undecided", "not learnt", "error"; "": there is none).

    ``own``: the paper says it of this task, or of all. ``differs``: the strongest attack comes to another outcome;
    ``turns``: networks of equal training do. ``unlearnt``: some of its networks have not learnt.
    """

    word: str
    outcome: str
    own: bool = True
    differs: bool = False
    turns: bool = False
    unlearnt: bool = False

    @property
    def short(self) -> str:
        """Its word for a narrow column, with its marks; a word that has no short form stays."""
        bare, _, departs = self.word.partition(" (")
        return self._marked(SHORT.get(bare, bare) + (DEPARTS if departs else ""))

    @property
    def long(self) -> str:
        """Its word with its marks."""
        return self._marked(self.word)

    @property
    def marks(self) -> set[str]:
        """The marks that it has, of ``MARKS``."""
        found = {"[ ]": not self.own, TURNS: self.turns, DIFFERS: self.differs, DEPARTS: " (" in self.word}
        return {mark for mark, has in found.items() if has}

    def _marked(self, text: str) -> str:
        marks = TURNS * self.turns + DIFFERS * self.differs
        marked = f"{text} {marks}" if marks else text
        return marked if self.own else f"[{marked}]"


NOTHING: Final = Cell(NOT_SHOWN, "")
Cells = tuple[Cell, ...]  # by task


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
        return [cell.long for cell in self.cells]


@dataclass(frozen=True)
class Scorecard:
    """All verdicts of a session at a glance."""

    tasks: tuple[str, ...]
    rows: tuple[Row, ...]

    def legend(self, *, short: bool) -> list[str]:
        """What the marks in its cells say, of those that are there; in long words a departure stands itself."""
        shown = {mark for row in self.rows for cell in row.cells for mark in cell.marks}
        shown -= set() if short else {DEPARTS}
        return [f"{mark} = {says}" for mark, says in MARKS.items() if mark in shown]

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


def scorecard(found: Iterable[Told]) -> Scorecard:
    """Arrange what a report tells; claims in the order in which they were first met, the rows of each together.

    A claim test that broke has its cell marked as an error, whatever was said of it before.
    """
    claims: dict[str, dict[str, dict[str, Cell]]] = {}  # by claim, variant and task
    for entry in (entry for entry in found if entry.claim):
        variant = variant_of(entry)
        row = claims.setdefault(entry.claim, {}).setdefault(variant, {})
        row[entry.task] = _cell(entry)
    rows = [(claim, variant, row) for claim, variants in claims.items() for variant, row in variants.items()]
    tasks = tuple(task for task in (ALL_TASKS, *TASKS) if any(task in row for _, _, row in rows))
    return Scorecard(tasks, tuple(Row(c, v, tuple(row.get(task, NOTHING) for task in tasks)) for c, v, row in rows))


def variant_of(entry: Told) -> str:
    """What a claim test is beyond its claim and task: an attack, what is compared, further parameters."""
    case = entry.case.removeprefix(entry.task.replace(" ", "-")).removeprefix("-").replace("-over-", "/")
    return ", ".join(part for part in (case, further(entry.test, entry.case)) if part)


def _cell(entry: Told) -> Cell:
    if isinstance(entry, Broken):
        return Cell(entry.verdict, entry.outcome)
    differs, turns = entry.turned_by(entry.sound), entry.turned_by(entry.equal_amount)
    return Cell(entry.verdict, entry.outcome, entry.own, differs, turns, bool(entry.undertrained))
