"""Two reports are compared claim by claim: what was decided otherwise, what moved, what only one has."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from comparing import CASES, EMPTY, FIRST, SECOND, Compared, comparison, first, made
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import convert, to_builtins
from reports import Content, broken, entry, written
from worlds import conditions, same_examples

from repro.report.bundle import Loaded, Report, Session, session_of
from repro.report.compare import compare


@pytest.fixture
def whole(tmp_path: Path) -> Content:
    return made(tmp_path)


@pytest.fixture
def compared(tmp_path: Path, whole: Content) -> Compared:
    return comparison(tmp_path, whole)


def nothing(_: Content) -> None:
    pass


def test_nothing_differs_between_a_report_and_itself(compared: Compared) -> None:
    assert compared(nothing) == EMPTY
    assert EMPTY.same


PASSING: dict[str, Any] = {
    "command": "other",
    "seconds": 77.0,
    "figures": [9],
    "partial": ["2 claim tests deselected"],
}


@pytest.mark.parametrize(("name", "other"), PASSING.items())
def test_how_long_a_session_took_and_what_it_left_out_is_no_difference(
    compared: Compared, name: str, other: object
) -> None:
    assert compared(lambda whole: whole["session"].update({name: other})) == EMPTY


def test_a_verdict_that_changed_is_told_with_both_sides(compared: Compared) -> None:
    found = compared(first(outcome="fails", verdict="trend not seen", shown="-9.0 points [-9.5, -8.5]"))
    (change,) = found.changed
    assert (change.name, change.verdicts) == (FIRST, ("trend seen", "trend not seen"))
    assert change.shown[1] == "-9.0 points [-9.5, -8.5]"
    assert not found.same
    assert found.moved == ()  # said once


def test_a_claim_that_broke_on_one_side_is_a_verdict_that_changed(compared: Compared) -> None:
    def change(whole: Content) -> None:
        del whole["claims"][0]
        whole["errors"] = broken(["test[M1-MNIST-FGSM]"], CASES["test[M1-MNIST-FGSM]"])

    found = compared(change)
    assert [(v.name, v.verdicts) for v in found.changed] == [(FIRST, ("trend seen", "error"))]
    assert found.changed[0].shown[1] == "RuntimeError: the oven is cold"
    assert (found.only_first, found.only_second) == ((), ())


def test_the_same_outcome_in_other_words_is_no_other_verdict(compared: Compared) -> None:
    assert compared(first(verdict="reproduced")) == EMPTY


def test_a_test_that_was_renamed_is_the_same_claim(compared: Compared) -> None:
    assert compared(first(test="other/test_it.py::test_renamed[M1-MNIST-FGSM]@group")) == EMPTY


def test_a_claim_is_compared_with_itself_under_the_same_further_parameters(tmp_path: Path, whole: Content) -> None:
    whole["claims"].append({**whole["claims"][0], "test": "test[M1-MNIST-FGSM-by night]"})
    other = copy.deepcopy(whole)
    other["claims"][0].update(outcome="fails", verdict="trend not seen")
    found = compare(written(tmp_path / "a", whole), written(tmp_path / "b", other))
    assert (found.common, [v.name for v in found.changed]) == (3, [FIRST])
    other["claims"][2]["test"] = "test[by day-M1-MNIST-FGSM]"
    found = compare(written(tmp_path / "a", whole), written(tmp_path / "b", other))
    assert (found.only_first, found.only_second) == ((f"{FIRST} by night",), (f"{FIRST} by day",))


def test_claims_on_one_side_only_are_told(compared: Compared) -> None:
    assert compared(lambda whole: whole["claims"].pop()).only_first == (SECOND,)
    found = compared(first(id="another"))
    assert (found.only_first, found.only_second) == ((FIRST,), ("another [M1-MNIST-FGSM]",))
    assert (found.common, found.same) == (1, False)


def estimate(value: float | None, low: float | None, high: float | None) -> Callable[[Content], object]:
    return first(estimate=value, interval=[low, high], effect="change")


Moved = tuple[tuple[Any, Any, Any], tuple[Any, Any, Any], bool]


MOVED: dict[str, Moved] = {
    "apart": ((0, -1, 1), (5, 4, 6), True),
    "touching intervals": ((0, -3, 3), (5, 2, 8), True),
    "one within the other's": ((0, -1, 1), (5, -10, 20), False),
    "the other within the one's": ((0, -10, 10), (5, 4, 6), False),
    "unbounded": ((0, -1, 1), (5, None, None), False),
    "unbounded above": ((0, -1, 1), (5, 4, None), True),
    "no estimate": ((0, -1, 1), (None, None, None), False),
    "on the end": ((0, -5, 5), (5, 4, 6), False),
}


@pytest.mark.parametrize(("one", "other", "moved"), MOVED.values(), ids=MOVED)
@pytest.mark.parametrize("turned", [False, True])
def test_an_estimate_moved_if_each_lies_outside_the_others_interval(
    tmp_path: Path, whole: Content, one: Any, other: Any, moved: bool, turned: bool
) -> None:
    reports = []
    for name, side in zip("ba" if turned else "ab", (one, other), strict=True):
        estimate(*side)(whole)
        reports.append(written(tmp_path / name, whole))
    found = compare(*reports)
    assert [v.name for v in found.moved] == ([FIRST] if moved else [])
    assert found.same is not moved


numbers = st.floats(-10, 10)


triples = st.tuples(numbers, numbers, numbers).map(sorted)


@same_examples
@given(triples, triples)
def test_moved_is_symmetric_and_needs_more_than_overlap(one: list[float], other: list[float]) -> None:
    assume(one != other)
    session = to_builtins(session_of(conditions()))

    def report(low: float, middle: float, high: float) -> Loaded:
        claim = entry(unit="points", estimate=middle, interval=[low, high])
        return Loaded(Path("x"), Report(session=convert(session, Session), claims=(claim,), errors=()), session)

    there, back = compare(report(*one), report(*other)).moved, compare(report(*other), report(*one)).moved
    assert len(there) == len(back)
    inside = one[0] <= other[1] <= one[2] or other[0] <= one[1] <= other[2]
    assert bool(there) is not inside


def test_estimates_of_different_effects_are_told_apart_and_not_compared(compared: Compared) -> None:
    far = {"estimate": 90.0, "interval": [89.0, 91.0]}
    for other in ({"effect": "difference of batch size 128 to 64"}, {"unit": "natural logarithm of a factor"}):
        found = compared(first(**far, **other))
        assert ([v.name for v in found.apart], found.moved) == ([FIRST], ())
        assert found.same


def test_an_effect_in_other_words_is_still_compared(compared: Compared) -> None:
    words = {"effect": "change of batch size 256 to 64 in the mean"}
    found = compared(first(estimate=90.0, interval=[89.0, 91.0], **words))
    assert ([v.name for v in found.moved], found.apart) == ([FIRST], ())


def test_a_comparison_is_plain_json(compared: Compared) -> None:
    found = json.loads(json.dumps(compared(first(outcome="fails", verdict="no")).plain(), allow_nan=False))
    assert found["same"] is False
    assert found["changed"][0]["verdicts"] == ["trend seen", "no"]


def unlike(outcome: str) -> str:
    return "fails" if outcome == "holds" else "holds"


BESIDE: dict[str, Callable[[dict[str, Any]], object]] = {
    "under sound-attack": lambda claim: claim["sound"].update(outcome=unlike(claim["sound"]["outcome"])),
    "at equal training amount": lambda claim: claim["equal_amount"].update(
        outcome=unlike(claim["equal_amount"]["outcome"])
    ),
    "among all verdicts": lambda claim: claim.update(family_wise=not claim["family_wise"]),
}


@pytest.mark.parametrize("name", BESIDE)
def test_what_stands_beside_a_verdict_and_changed_is_told(whole: Content, compared: Compared, name: str) -> None:
    """They are two of the three columns in which results are told."""
    whole["claims"][0]["family_wise"] = True
    found = compared(lambda other: BESIDE[name](other["claims"][0]))
    assert [row.name for row in found.beside] == [f"{FIRST}, {name}"]
    assert not found.same


def test_what_only_one_report_tells_beside_a_verdict_is_no_change(compared: Compared) -> None:
    assert compared(first(sound=None, equal_amount=None)) == EMPTY
