"""The scorecard: claims down, tasks across, a verdict in every cell. Free of torch and matplotlib."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..science.tasks import TASKS

NOT_SHOWN = "-"  # the paper's figures do not show this claim on this task, or the session did not select it


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
class Scorecard:
    """All verdicts of a session at a glance."""

    tasks: tuple[str, ...]
    rows: tuple[Row, ...]


def scorecard(claims: Iterable[dict[str, Any]], errors: Iterable[dict[str, Any]] = ()) -> Scorecard:
    """Arrange the entries of a report; rows in the order in which the claims were first met.

    ``errors`` are those of the report: a claim test that broke has its cell marked as an error.
    """
    cells: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    for entry in claims:
        row = cells.setdefault((entry["id"], _variant(entry["case"], entry["task"])), {})
        row[entry["task"]] = (entry["verdict"], entry["outcome"])
    for error in errors:
        if error.get("claim"):
            row = cells.setdefault((error["claim"], _variant(error["case"], error["task"])), {})
            row[error["task"]] = ("error", "error")
    shown = tuple(task for task in TASKS if any(task in row for row in cells.values()))
    return Scorecard(shown, tuple(_row(claim, variant, row, shown) for (claim, variant), row in cells.items()))


def _row(claim: str, variant: str, row: dict[str, tuple[str, str]], shown: tuple[str, ...]) -> Row:
    found = [row.get(task, (NOT_SHOWN, "")) for task in shown]
    return Row(claim, variant, tuple(word for word, _ in found), tuple(outcome for _, outcome in found))


def _variant(case: str, task: str) -> str:
    return case.removeprefix(task).removeprefix("-").replace("-over-", "/")
