"""A verdict as a number line."""

import re
from typing import Any

import pytest
from reports import entry

from repro.report.page.numberline import LEFT, RIGHT, Line
from repro.statistics.estimands import Side


def line(side: str = "above", **changes: Any) -> Line:
    told = {"side": side, "unit": "points", "margin": 5.0, "critical": 8.0}
    numbers = {"estimate": 10.0, "interval": [7.0, 13.0], "number_line": told} | changes
    found = Line.of(entry(**numbers))
    assert found is not None
    return found


def drawn(found: Line, name: str) -> list[float]:
    """How far to the right the marks of a name are."""
    return [float(x) for x in re.findall(rf'class="{name}" d="M([\d.]+)', str(found.svg("said")))]


@pytest.mark.parametrize(
    ("side", "margins"),
    [("above", [5]), ("below", [-5]), ("not below", [-5]), ("within", [-5, 5]), ("outside", [-5, 5])],
)
def test_the_margin_stands_where_the_claim_begins_to_hold(side: str, margins: list[int]) -> None:
    found = line(side)
    assert drawn(found, "margin") == [pytest.approx(found.place(m), abs=0.1) for m in margins]
    assert drawn(found, "critical") == [pytest.approx(found.place(m * 1.6), abs=0.1) for m in margins]


@pytest.mark.parametrize("side", list(Side))
def test_what_holds_is_shaded_and_what_does_not_is_not(side: Side) -> None:
    found = line(str(side))
    areas = re.findall(r'class="held" x="([\d.]+)" y="\d+" width="([\d.]+)"', str(found.svg("")))
    inside = [any(float(x) <= found.place(v) <= float(x) + float(w) for x, w in areas) for v in (-7, 0, 7)]
    assert (
        inside
        == {
            Side.ABOVE: [False, False, True],
            Side.BELOW: [True, False, False],
            Side.WITHIN: [False, True, False],
            Side.NOT_BELOW: [False, True, True],
            Side.OUTSIDE: [True, False, True],
        }[side]
    )


def test_estimate_and_ends_of_the_interval_stand_in_their_order() -> None:
    found = line()
    assert LEFT < found.place(0) < found.place(5) < found.place(7) < found.place(10) < found.place(13) < RIGHT


@pytest.mark.parametrize("interval", [[None, 13.0], [-4000.0, 13.0]])
def test_an_interval_that_goes_on_ends_in_an_arrow_at_the_edge(interval: list[float | None]) -> None:
    found = str(line(interval=interval).svg(""))
    assert f"L{LEFT:.1f} 34L" in found
    assert f"L{RIGHT:.1f} 34L" not in found


def test_factors_are_told_as_factors() -> None:
    told = {"side": "above", "unit": "factor", "margin": 0.6931471805599453}
    text = str(line(number_line=told, estimate=1.2, interval=[1.0, 1.4]).svg(""))
    assert "\u00d72.00" in text
    assert "\u00d73.32" in text


POINTS = {"side": "above", "unit": "points", "margin": 5.0}


@pytest.mark.parametrize(
    "changes", [{"number_line": None}, {"estimate": None}, {"number_line": {**POINTS, "unit": "ells"}}]
)
def test_without_a_margin_or_an_estimate_there_is_none(changes: dict[str, Any]) -> None:
    assert Line.of(entry(number_line=POINTS)) is not None
    assert Line.of(entry(**{"number_line": POINTS, **changes})) is None


def test_what_it_shows_is_said_in_words_and_cannot_end_them() -> None:
    assert 'aria-label="a &#34;rise&#34; &lt;b&gt;"' in str(line().svg('a "rise" <b>\x1b[0m'))
