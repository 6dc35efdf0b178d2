"""What is counted of PyHessian's searches for lambda1, from its estimate after each product."""

import pytest

from benchmarks.speed.eigenvalue import NEAR, fewest, own_stop, products
from benchmarks.speed.power_iteration import stop

TRUE = 5.0
SLOW, FAST = [1.0, 4.0, 4.9, 4.99, 4.999, 5.0, 5.0], [4.0, 4.99, 5.0, 5.0, 5.0, 5.0, 5.0]


def test_it_stops_where_two_estimates_in_turn_are_alike_and_gives_the_first_of_them() -> None:
    assert stop([1.0, 2.0, 2.1, 2.101, 2.101], 0.1) == (3, 2.0)
    assert stop([1.0, 2.0, 2.1, 2.101, 2.101], 1e-2) == (4, 2.1)
    assert stop([1.0, 2.0, 2.1], 1e-3) == (3, 2.1)  # its limit


def test_it_is_given_the_start_and_the_fewest_products_that_come_near_the_truth() -> None:
    assert fewest([SLOW, FAST], TRUE) == (1, 3, True)
    assert fewest([[4.0, 4.1]], TRUE) == (0, 100, False)


def test_an_estimate_is_near_on_either_side() -> None:
    assert fewest([[TRUE * (1 + 2 * NEAR), TRUE * (1 + NEAR / 2)]], TRUE) == (0, 2, True)


@pytest.mark.parametrize(
    ("traces", "expected"),
    [
        ([FAST, FAST], (1e-3, 4, True)),
        ([FAST, SLOW], (1e-3, 5, True)),
        # every start, not most: within 1e-3 of its last, this one is still too small
        ([FAST, [4.98, 4.981, 4.985, 5.0, 5.0]], (1e-4, 4.5, True)),
        ([[4.0, 4.0]], (1e-6, 2, False)),
    ],
)
def test_its_own_stop_has_the_loosest_tolerance_that_is_near_from_every_start(
    traces: list[list[float]], expected: tuple[float, float, bool]
) -> None:
    assert own_stop(traces, TRUE) == expected


def test_products_are_told_as_a_ratio() -> None:
    figure = products(4.0, 10.0)
    assert (figure.value, figure.ours, figure.peer) == (2.5, 4.0, 10.0)
    assert not figure.short
    assert products(4.0, 7.0).short
