"""In which way a claim fails follows from where its interval lies."""

import msgspec
import pytest

from published.failing import MOVES, NONE, REVERSED, SMALL, not_seen, way
from published.laptop import laptop
from repro.statistics.estimands import Outcome, Side
from repro.verdicts.entry import PAPER, Entry, NumberLine

ANY = laptop().report.claims[0]


def failing(side: Side, interval: tuple[float | None, float | None], unit: str = "points") -> Entry:
    return msgspec.structs.replace(ANY, number_line=NumberLine(side=side, unit=unit, margin=2.0), interval=interval)


@pytest.mark.parametrize(
    ("side", "interval", "says"),
    [
        *((Side.ABOVE, (0.1, 1.5), SMALL), (Side.ABOVE, (-3.0, -0.1), REVERSED), (Side.ABOVE, (-5.0, 0.5), NONE)),
        *((Side.BELOW, (-1.5, -0.1), SMALL), (Side.BELOW, (0.1, 3.0), REVERSED), (Side.BELOW, (-0.5, 5.0), NONE)),
        *((Side.WITHIN, (3.0, 4.0), MOVES), (Side.NOT_BELOW, (-4.0, -3.0), MOVES), (Side.OUTSIDE, (0.0, 1.0), "")),
        (Side.ABOVE, (None, None), ""),
    ],
)
def test_it_is_told_by_side_and_interval(side: Side, interval: tuple[float | None, float | None], says: str) -> None:
    assert way(failing(side, interval)) == says


def test_a_share_has_no_direction() -> None:
    assert way(failing(Side.ABOVE, (0.0, 0.0), unit="share")) == ""
    assert way(msgspec.structs.replace(ANY, number_line=None)) == ""


def test_each_test_of_the_paper_s_own_that_is_not_seen_has_a_row_that_says_so() -> None:
    claims = laptop().report.claims
    own = [one for one in claims if one.standing == PAPER and one.outcome is Outcome.FAILS]
    _, _, *rows = not_seen(claims).splitlines()
    assert [row.split(" | ")[1] for row in rows] == [one.case for one in own]
    assert all(row.split(" | ")[3] for row in rows)
