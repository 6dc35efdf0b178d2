import math

import numpy as np
import pytest

from repro.statistics.units import CORRELATION, FACTOR, POINTS, SHARE, Margin, Unit, factor, points


def test_points_are_percentages_and_keep_their_shape() -> None:
    shares = np.array([[0.0, 0.125], [0.5, 1.0]])
    assert POINTS.scaled(shares).tolist() == [[0.0, 12.5], [50.0, 100.0]]


def test_factors_are_natural_logarithms() -> None:
    assert FACTOR.scaled(np.array([1.0, math.e, 0.5])) == pytest.approx([0.0, 1.0, -math.log(2)])


@pytest.mark.parametrize("value", [0.0, -3.0, math.nan])
def test_an_eigenvalue_that_is_not_positive_has_no_logarithm(value: float) -> None:
    scaled = FACTOR.scaled(np.array([value, 2.0]))
    assert math.isnan(scaled[0])
    assert scaled[1] == pytest.approx(math.log(2))


@pytest.mark.parametrize("unit", [POINTS, FACTOR])
def test_scaling_leaves_its_argument_as_it_was(unit: Unit) -> None:
    values = np.array([0.5, 1.0])
    unit.scaled(values)
    assert values.tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (POINTS.level(97.25), "97.2%"),
        (POINTS.difference(2.04), "+2.0 points"),
        (POINTS.difference(-2.06), "-2.1 points"),
        (POINTS.difference(-0.04), "+0.0 points"),
        (POINTS.interval(-1.0, 2.5), "[-1.0, +2.5]"),
        (POINTS.interval(-0.02, 0.04), "[+0.0, +0.0]"),
        (CORRELATION.difference(-0.001), "+0.00"),
        (FACTOR.level(math.log(1234.5)), "1.23e+03"),
        (FACTOR.difference(math.log(1.5)), "x1.50"),
        (FACTOR.difference(-math.log(2)), "x0.50"),
        (FACTOR.interval(-math.log(2), math.log(3)), "[x0.50, x3.00]"),
        (POINTS.spread(1.25), "1.2"),
        (FACTOR.spread(math.log(1.5)), "x1.50"),
        (SHARE.difference(0.75), "0.75"),
        (SHARE.interval(0.5, 1.0), "[0.50, 1.00]"),
        (CORRELATION.difference(math.atanh(0.25)), "+0.25"),
        (CORRELATION.interval(-9.0, math.atanh(0.5)), "[-1.00, +0.50]"),
        (str(points(0.5)), "0.5 points"),
        (str(points(1)), "1 point"),
        (str(points(5)), "5 points"),
        (str(factor(1.25)), "a factor of 1.25"),
        (str(factor(2)), "a factor of 2"),
    ],
)
def test_texts(text: str, expected: str) -> None:
    assert text == expected


@pytest.mark.parametrize("unit", [POINTS, FACTOR, SHARE, CORRELATION])
def test_what_is_not_there_is_a_dash(unit: Unit) -> None:
    assert (unit.spread(math.nan), unit.level(math.nan)) == ("-", "-")
    assert "-" not in (unit.spread(0.5), unit.level(0.5))


@pytest.mark.parametrize("unit", [POINTS, FACTOR, SHARE, CORRELATION])
@pytest.mark.parametrize("bounds", [(-math.inf, math.inf), (-math.inf, 1.0), (1.0, math.inf)])
def test_an_unbounded_interval_is_told_as_such(unit: Unit, bounds: tuple[float, float]) -> None:
    assert unit.interval(*bounds) == "[unbounded]"


def test_margins_stand_on_their_units_scale() -> None:
    assert points(5) == Margin(5, POINTS)
    assert factor(2) == Margin(math.log(2), FACTOR)
    assert factor(1).size == 0


@pytest.mark.parametrize("size", [0.99, 0.0, -2.0])
def test_a_factor_below_one_is_refused(size: float) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        factor(size)


def test_an_interval_of_factors_that_no_number_can_have_has_no_ends() -> None:
    """At two seeds and an error that hundreds of tests share, t is in the thousands."""
    assert FACTOR.interval(-900.0, 900.0) == "[unbounded]"
    assert FACTOR.possible(-60.0, 1.0) == (-math.inf, 1.0)
    assert POINTS.possible(-260.0, 1.0) == (-100.0, 1.0)


def test_a_share_on_a_scale_of_factors_comes_in_steps_that_are_widest_at_its_smallest_value() -> None:
    assert FACTOR.step(0.001, np.array([[0.02, 0.2]])) == pytest.approx(0.05)
    assert POINTS.step(0.001, np.array([[0.02, 0.2]])) == pytest.approx(0.1)
