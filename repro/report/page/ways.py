"""In which way a claim fails: another trend than it says, none, or one that is too small to matter."""

from typing import Final

from ...statistics.estimands import Outcome, Side
from ...statistics.units import FACTOR, POINTS
from ...verdicts.entry import Entry, NumberLine

SMALL: Final = "as said, by less than matters"
REVERSED: Final = "the other way round"
NONE: Final = "no clear trend; one as said that would matter is ruled out"
MOVES: Final = "a difference that matters, where none is said"


def way(entry: Entry) -> str:
    """By where its interval lies; empty of a verdict that does not fail, or fails by something else than this."""
    line, (low, high) = entry.number_line, entry.interval
    if entry.outcome is not Outcome.FAILS or line is None or low is None or high is None:
        return ""
    return _lies(line, low, high) if line.unit in (POINTS.name, FACTOR.name) else ""


def straddles(entry: Entry) -> bool:
    """Whether its interval has values in it at which the claim would hold, and others at which it would not."""
    line, (low, high) = entry.number_line, entry.interval
    if line is None:
        return False
    ends = {
        Side.ABOVE: (line.margin,),
        Side.BELOW: (-line.margin,),
        Side.NOT_BELOW: (-line.margin,),
    }.get(line.side, (-line.margin, line.margin))
    return any((low is None or low < end) and (high is None or end < high) for end in ends)


def _lies(line: NumberLine, low: float, high: float) -> str:
    match line.side:
        case Side.ABOVE:
            return _short_of(line.margin, low, high)
        case Side.BELOW:
            return _short_of(line.margin, -high, -low)
        case Side.WITHIN | Side.NOT_BELOW if high < -line.margin:
            return MOVES
        case Side.WITHIN if low > line.margin:
            return MOVES
    return ""


def _short_of(margin: float, low: float, high: float) -> str:
    """Of an interval of the change as it is claimed; one that reaches beyond the margin is not why a claim fails."""
    if high > margin:
        return ""
    return SMALL if low > 0 else REVERSED if high < 0 else NONE
