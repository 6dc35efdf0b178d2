import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import convert, to_builtins
from reports import Content, broken, content, entry, written
from worlds import case_of, conditions, same_examples

from repro.experiment.recipes import LR_BS
from repro.experiment.tasks import M1_MNIST, STDCNN_MNIST
from repro.report.bundle import Loaded, Report, Session, session_of
from repro.report.compare import Change, Comparison, compare
from repro.runs.run import Run
from repro.statistics.equivalence import Flat
from repro.statistics.units import factor, points
from repro.verdicts.curves import FGSM, LAMBDA1, Curve
from repro.verdicts.declaration import digest

CASES = {
    "test[M1-MNIST-FGSM]": case_of(
        Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Flat(points(5)), id="it-is-flat", axes=("FGSM",), says="It is flat."
    ),
    "test[StdCNN-MNIST]": case_of(
        Curve(STDCNN_MNIST, LR_BS(), LAMBDA1),
        holds_if=Flat(factor(2)),
        id="its-curvature-is",
        axes=(),
        says="It is flat.",
    ),
}
FIRST, SECOND = "it-is-flat [M1-MNIST-FGSM]", "its-curvature-is [StdCNN-MNIST]"
CIRCUMSTANCES = {
    "commit": "abc",
    "dirty": False,
    "versions": {"torch": "2.14", "numpy": "2.1"},
    "hardware": {"processor": "a processor", "cores": 8},
}


def spreading(run: Run) -> dict[str, float]:
    """Accuracy whose spread over seeds grows with the batch size, so that the largest decides."""
    return {"fgsm_accuracy": 0.6 + run.seed * run.batch_size / 1e6}


@pytest.fixture
def whole(tmp_path: Path) -> Content:
    found = content(CASES, conditions(), tmp_path / "store", spreading)
    found["session"] |= CIRCUMSTANCES
    return found


Compared = Callable[[Callable[[Content], object]], Comparison]


@pytest.fixture
def compared(tmp_path: Path, whole: Content) -> Compared:
    """The report compared with itself after a change."""

    def run(change: Callable[[Content], object]) -> Comparison:
        other = copy.deepcopy(whole)
        change(other)
        return compare(written(tmp_path / "a", whole), written(tmp_path / "b", other))

    return run


def first(**changes: Any) -> Callable[[Content], object]:
    return lambda whole: whole["claims"][0].update(changes)


def nothing(_: Content) -> None:
    pass


EMPTY = Comparison(2, (), (), (), (), (), (), (), ())


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


def test_a_margin_that_was_declared_differently_is_told(compared: Compared) -> None:
    def change(whole: Content) -> None:
        declared = whole["claims"][0]["declaration"]
        declared["holds_if"]["within"]["size"] = 2.0
        whole["claims"][0]["declared"] = digest(declared)

    found = compared(change)
    (moved,) = found.declared
    assert moved.name == f"{FIRST} (holds_if.within: 5 points -> 2 points)"
    assert moved.before != moved.after
    assert not found.same


def test_a_term_that_claims_share_is_told_once_however_many_were_decided_under_it(compared: Compared) -> None:
    def change(whole: Content) -> None:
        for claim in whole["claims"]:
            claim["declaration"]["under"]["rules"]["trained"] = 0.1
            claim["declared"] = digest(claim["declaration"])

    found = compared(change)
    assert found.declared == (Change("rules.trained", "0.85", "0.1"),)
    assert not found.same


def test_how_a_task_is_studied_is_told_among_the_settings_alone(compared: Compared) -> None:
    def change(whole: Content) -> None:
        for claim in whole["claims"]:
            claim["declaration"]["under"][claim["task"]]["reading"]["pgd_steps"] = 40.0
            claim["declared"] = digest(claim["declaration"])

    term = [Change(f"{task}.reading.pgd_steps", "4", "40") for task in ("M1-MNIST", "StdCNN-MNIST")]
    assert [*compared(change).declared] == term

    def with_settings(whole: Content) -> None:
        change(whole)
        for scale in whole["session"]["regime"]["tasks"].values():
            scale["reading"]["pgd_steps"] = 40

    found = compared(with_settings)
    assert (found.declared, found.settings) == ((), (Change("all tasks, reading, pgd_steps", 4, 40),))


def tasks(**changes: Any) -> Callable[[Content], object]:
    def change(whole: Content) -> None:
        for scale in whole["session"]["regime"]["tasks"].values():
            scale.update(changes)

    return change


def one_task(whole: Content) -> None:
    tasks(epochs=9)(whole)
    whole["session"]["regime"]["tasks"]["M1-MNIST"].update(batch_sizes=[64, 512])
    whole["session"]["regime"]["tasks"]["M1-MNIST"]["reading"].update(pgd_steps=9)


SETTINGS_THAT_DIFFER: dict[str, tuple[Callable[[Content], object], tuple[Change, ...]]] = {
    "every task": (tasks(epochs=9), (Change("all tasks, epochs", 2, 9),)),
    "one task beside": (
        one_task,
        (
            Change("all tasks, epochs", 2, 9),
            Change("M1-MNIST, batch_sizes", [64, 128, 256], [64, 512]),
            Change("M1-MNIST, reading, pgd_steps", 4, 9),
        ),
    ),
    "the regime's name": (
        lambda whole: whole["session"]["regime"].update(name="own"),
        (Change("regime, name", "quick", "own"),),
    ),
    "data": (
        lambda whole: whole["session"]["data"]["MNIST"].update(kind="surrogate"),
        (Change("data, MNIST", "published", "surrogate"),),
    ),
    "readings": (
        lambda whole: whole["session"].update(readings=["lambda1-test"]),
        (Change("readings", ["sound-attack"], ["lambda1-test"]),),
    ),
    "something new": (
        lambda whole: whole["session"].update(colour="blue"),
        (Change("colour", None, "blue"),),
    ),
}


@pytest.mark.parametrize(("change", "settings"), SETTINGS_THAT_DIFFER.values(), ids=SETTINGS_THAT_DIFFER)
def test_settings_are_compared_field_by_field(
    compared: Compared, change: Callable[[Content], object], settings: tuple[Change, ...]
) -> None:
    found = compared(change)
    assert found.settings == settings
    assert not found.same


def test_the_folder_that_data_lay_in_is_no_setting(compared: Compared) -> None:
    assert compared(lambda whole: whole["session"]["data"]["MNIST"].update(text="elsewhere")) == EMPTY


def test_circumstances_are_told_and_are_of_themselves_no_change(compared: Compared) -> None:
    def change(whole: Content) -> None:
        whole["session"].update(commit="def", dirty=True, device="cuda")
        whole["session"]["versions"] |= {"torch": "2.15", "new": "1"}
        whole["session"]["hardware"] |= {"cores": 4}

    found = compared(change)
    assert set(found.circumstances) == {
        Change("commit", "abc", "def"),
        Change("dirty", False, True),
        Change("device", "cpu", "cuda"),
        Change("versions, torch", "2.14", "2.15"),
        Change("versions, new", None, "1"),
        Change("hardware, cores", 8, 4),
    }
    assert found.same


def test_a_comparison_is_plain_json(compared: Compared) -> None:
    found = json.loads(json.dumps(compared(first(outcome="fails", verdict="no")).plain(), allow_nan=False))
    assert found["same"] is False
    assert found["changed"][0]["verdicts"] == ["trend seen", "no"]
