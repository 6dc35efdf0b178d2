"""In which way a verdict came to "not seen": another trend, none, or one that is too small to matter."""

from collections.abc import Iterable
from typing import Final

from repro.statistics.estimands import Outcome, Side
from repro.verdicts.entry import PAPER, Entry

from .findings import equal_amount, estimate
from .tables import table

HEAD: Final = ("what the paper says", "on", "estimate", "in which way not", "at equal training amount")
SMALL: Final = "as said, by less than matters"
REVERSED: Final = "the other way round"
NONE: Final = "no clear trend, and none as said that would matter"
MOVES: Final = "there is a difference that matters"


def not_seen(entries: Iterable[Entry]) -> str:
    """A row for each test of what the paper says itself that came to "not seen"."""
    own = (entry for entry in entries if entry.standing == PAPER and entry.outcome is Outcome.FAILS)
    return table(HEAD, ((one.says, one.case, estimate(one), way(one), equal_amount(one)) for one in own))


def way(entry: Entry) -> str:
    """How the interval of a claim that fails lies; empty where no change of a size is claimed."""
    line, (low, high) = entry.number_line, entry.interval
    if line is None or line.unit not in ("points", "factor") or low is None or high is None:
        return ""
    if line.side in (Side.WITHIN, Side.NOT_BELOW):
        return MOVES
    if line.side is Side.OUTSIDE:
        return ""
    stated, other = (low > 0, high < 0) if line.side is Side.ABOVE else (high < 0, low > 0)
    return SMALL if stated else REVERSED if other else NONE
