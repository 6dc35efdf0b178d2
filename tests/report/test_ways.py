"""In which way a claim fails follows from where its interval lies."""

from typing import Any

import pytest
from reports import entry

from repro.report.page.cases import Case
from repro.report.page.ways import MOVES, NONE, REVERSED, SMALL, straddles, way
from repro.statistics.estimands import Side
from repro.verdicts.entry import Entry

Interval = tuple[float | None, float | None]


def failing(side: Side, interval: Interval, unit: str = "points", **changes: Any) -> Entry:
    line = {"side": side, "unit": unit, "margin": 2.0}
    return entry(**{"outcome": "fails", "number_line": line, "interval": interval, **changes})


@pytest.mark.parametrize(
    ("side", "interval", "says"),
    [
        *((Side.ABOVE, (0.1, 1.5), SMALL), (Side.ABOVE, (-3.0, -0.1), REVERSED), (Side.ABOVE, (-5.0, 0.5), NONE)),
        *((Side.BELOW, (-1.5, -0.1), SMALL), (Side.BELOW, (0.1, 3.0), REVERSED), (Side.BELOW, (-0.5, 5.0), NONE)),
        *((Side.WITHIN, (3.0, 4.0), MOVES), (Side.WITHIN, (-4.0, -3.0), MOVES), (Side.NOT_BELOW, (-4.0, -3.0), MOVES)),
    ],
)
def test_it_is_told_by_side_and_interval(side: Side, interval: Interval, says: str) -> None:
    assert way(failing(side, interval)) == way(failing(side, interval, unit="factor")) == says
    assert Case(failing(side, interval), "it").why.endswith(f". This is {says}.")


@pytest.mark.parametrize(
    ("side", "interval", "changes"),
    [
        (Side.ABOVE, (-1.0, 0.5), {"outcome": "holds"}),
        (Side.ABOVE, (-1.0, 0.5), {"outcome": "undecided"}),
        (Side.ABOVE, (-1.0, 0.5), {"unit": "share"}),
        (Side.NOT_BELOW, (-4.0, -3.0), {"unit": "correlation"}),
        (Side.ABOVE, (None, None), {}),
        (Side.ABOVE, (-1.0, 0.5), {"number_line": None}),
        (Side.ABOVE, (1.0, 3.0), {}),  # it fails by another measure that is claimed with it
        (Side.BELOW, (-3.0, -1.0), {}),
        (Side.WITHIN, (-1.0, 1.0), {}),
        (Side.NOT_BELOW, (3.0, 4.0), {}),
        (Side.OUTSIDE, (-1.0, 1.0), {}),
    ],
)
def test_nothing_is_said_where_the_interval_does_not_say_it(side: Side, interval: Interval, changes: Any) -> None:
    assert way(failing(side, interval, **changes)) == ""
    assert "This is" not in Case(failing(side, interval, **changes), "it").why


@pytest.mark.parametrize(
    ("side", "interval", "both"),
    [
        *((Side.ABOVE, (1.0, 3.0), True), (Side.ABOVE, (-3.0, 1.9), False), (Side.ABOVE, (None, None), True)),
        *((Side.BELOW, (-3.0, -1.0), True), (Side.BELOW, (-1.9, 3.0), False)),
        *((Side.NOT_BELOW, (-3.0, 9.0), True), (Side.NOT_BELOW, (-1.9, 9.0), False)),
        *((Side.WITHIN, (-3.0, 1.0), True), (Side.WITHIN, (1.0, 3.0), True), (Side.WITHIN, (-1.0, 1.9), False)),
    ],
)
def test_an_interval_leaves_both_possible_where_it_has_values_of_both(
    side: Side, interval: Interval, both: bool
) -> None:
    undecided = failing(side, interval, outcome="undecided")
    assert straddles(undecided) is both
    assert Case(undecided, "it").why.endswith("The interval leaves both possible.") is both
