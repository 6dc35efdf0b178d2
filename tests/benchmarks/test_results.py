"""How a benchmark's figures are stored and compared with those stored last."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import results
from benchmarks.results import Figure, Result, absolute, compared, ratio

RATIO = Figure(2.0, (1.9, 2.1))


def test_a_ratio_is_the_peers_over_ours_of_each_turn() -> None:
    found = ratio([1.0, 2.0, 1.0], [3.0, 4.0, 2.5], asked=3.0)
    assert (found.value, found.range) == (2.5, (2.0, 3.0))
    assert (found.ours, found.peer) == (1.0, 3.0)
    assert found.short


@pytest.mark.parametrize(
    ("now", "word"), [(2.0, ""), (1.81, ""), (1.7, " WORSE"), (2.19, ""), (2.4, " better"), (0.5, " WORSE")]
)
def test_a_ratio_that_fell_by_more_than_its_spread_is_marked(now: float, word: str) -> None:
    assert compared(replace(RATIO, value=now, range=(now - 0.1, now + 0.1)), RATIO, True) == f"2.00{word}"


def test_the_larger_spread_of_the_two_counts() -> None:
    noisy = Figure(1.5, (1.2, 1.9))
    assert compared(noisy, RATIO, True) == "2.00"
    assert compared(replace(noisy, range=(1.5, 1.5)), replace(RATIO, range=(1.6, 2.2)), True) == "2.00"
    assert compared(replace(noisy, range=(1.5, 1.5)), RATIO, True) == "2.00 WORSE"


def test_an_absolute_figure_is_worse_where_it_is_larger() -> None:
    last = absolute([10.0, 11.0, 10.5], "s", 15.0)
    assert (last.value, last.range, last.short) == (10.5, (10.0, 11.0), False)
    assert compared(absolute([16.0], "s", 15.0), last, True) == "10.5 s WORSE"
    assert compared(absolute([8.0], "s", 15.0), last, True) == "10.5 s better"
    assert absolute([16.0], "s", 15.0).short


@given(st.floats(0.1, 100), st.floats(0.1, 100))
def test_worse_one_way_is_better_the_other(a: float, b: float) -> None:
    one, other = Figure(a, (a, a)), Figure(b, (b, b))
    words = {compared(one, other, True).partition(" ")[2], compared(other, one, True).partition(" ")[2]}
    assert words == ({""} if a == b else {"WORSE", "better"})


def test_another_machine_is_not_judged_and_none_stored_is_said() -> None:
    assert compared(Figure(0.1, (0.1, 0.1)), RATIO, False) == "2.00 (another machine)"
    assert compared(RATIO, None, True) == "none"


def test_what_is_stored_is_read_back_with_its_machine(tmp_path: Path) -> None:
    figures = {"time": replace(RATIO, asked=3.0, ours=1.0, peer=2.0), "memory": absolute([0.5], "GiB", 1.0)}
    results.store("some", Result(figures, {"data": "published"}), ["pytest"], tmp_path)
    last = results.stored("some", tmp_path)
    assert last.figures == figures
    assert results.same_machine(last.hardware)
    assert not results.same_machine({**last.hardware, "cores": -1})
    content = json.loads((tmp_path / "some.json").read_text())
    assert content["facts"] == {"data": "published"}
    assert content["versions"]["pytest"] == pytest.__version__


def test_nothing_stored_has_no_figures(tmp_path: Path) -> None:
    assert results.stored("some", tmp_path).figures == {}


def test_every_stored_result_can_be_compared() -> None:
    for path in results.RESULTS.glob("*.json"):
        if path.stem != "gpu":  # a table of its own
            assert results.stored(path.stem).figures, path


def test_a_line_for_each_figure_names_what_was_asked_and_what_falls_short(tmp_path: Path) -> None:
    figures = {"time": replace(RATIO, asked=3.0, ours=1.0, peer=2.0), "products": replace(RATIO, asked=1.5, of="")}
    results.store("some", Result({"time": RATIO}), (), tmp_path)
    time, products = results.rows("some", Result(figures), results.stored("some", tmp_path))
    assert time.split() == ["some", "time", "2.00", "1.90", "-", "2.10", "1", "s", "2", "s", "3.00!", "2.00"]
    assert products.split() == ["some", "products", "2.00", "1.90", "-", "2.10", "1.50", "none"]
