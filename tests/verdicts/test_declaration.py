import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import case_of, conditions, same_examples
from worlds import declared as claim_tests

from repro.errors import ReproError
from repro.experiment.recipes import BENCHMARK, LR, LR_BS
from repro.experiment.tasks import M1_MNIST, STDCNN_MNIST
from repro.statistics.equivalence import Flat, NotWorse
from repro.statistics.estimands import Estimand
from repro.statistics.joint import Exists, Jointly
from repro.statistics.pairs import HigherOnAverage, LowerOnAverage, Mostly
from repro.statistics.trends import Drops, Rises
from repro.statistics.units import POINTS, Margin, factor, points
from repro.verdicts.claim import Always, Case
from repro.verdicts.curves import FGSM, LAMBDA1, Curve
from repro.verdicts.declaration import DIGITS, changes, declaration, digest
from repro.verdicts.entry import Standing

CASE = case_of(Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Flat(points(5)), id="it-is-flat", axes=("FGSM", "flat"))
CLAIM = CASE.claim
WHERE = conditions()


def decided_by(holds_if: Any, case: Case = CASE) -> Case:
    return replace(case, rule=Always(holds_if))


def on(*curves: Curve) -> Case:
    return replace(CASE, groups=(curves,))


def declared(case: Case) -> dict[str, Any]:
    return declaration(case, WHERE)


def hash_of(case: Case) -> str:
    return digest(declared(case))


def test_the_hash_is_sha256_of_canonical_json() -> None:
    text = '{"case":"a-case","curves":[{"measure":"lambda1"}],"under":{"rules":{"error":0.05,"version":1}}}'
    whole = {"under": {"rules": {"version": 1, "error": 0.05}}, "case": "a-case", "curves": [{"measure": "lambda1"}]}
    assert digest(whole) == hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
    assert DIGITS == 12


DECIDING: dict[str, Case] = {
    "the claim": replace(CASE, claim=replace(CLAIM, id="another")),
    "whose sentence it is": replace(CASE, standing=Standing.EXTENSION),
    "the case": replace(CASE, axes=("FGSM",)),
    "the margin": decided_by(Flat(points(5.001))),
    "the margin's unit": decided_by(Flat(Margin(5, factor(2).unit))),
    "the estimand": decided_by(NotWorse(points(5))),
    "the measure": on(Curve(M1_MNIST, LR_BS(), LAMBDA1)),
    "the recipe": on(Curve(M1_MNIST, LR(), FGSM)),
    "the momentum": on(Curve(M1_MNIST, LR_BS(0.9), FGSM)),
    "the task of a curve": on(Curve(STDCNN_MNIST, LR_BS(), FGSM)),
    "the floor of its measure": on(Curve(M1_MNIST, LR_BS(), replace(FGSM, floor=0.1))),
    "a further curve": on(*CASE.curves, Curve(M1_MNIST, BENCHMARK, FGSM)),
}


@pytest.mark.parametrize("case", DECIDING.values(), ids=DECIDING)
def test_whatever_decides_a_claim_is_hashed(case: Case) -> None:
    assert hash_of(case) != hash_of(CASE)


def test_the_order_of_curves_is_hashed() -> None:
    one, other = Curve(M1_MNIST, LR(), FGSM), Curve(M1_MNIST, LR_BS(), FGSM)
    assert hash_of(on(one, other)) != hash_of(on(other, one))


def test_which_curves_are_compared_with_each_other_is_hashed() -> None:
    one, other = Curve(M1_MNIST, LR(), FGSM), Curve(M1_MNIST, LR_BS(), FGSM)
    assert hash_of(replace(CASE, groups=((one, other),))) != hash_of(replace(CASE, groups=((one,), (other,))))


WORDS: dict[str, Case] = {
    "says": replace(CASE, claim=replace(CLAIM, says="It does not vary.")),
    "because": replace(CASE, claim=replace(CLAIM, because="of its width")),
    "section": replace(CASE, claim=replace(CLAIM, section="1, 3")),
    "lines": replace(CASE, claim=replace(CLAIM, lines=())),
    "label": on(Curve(M1_MNIST, LR_BS(), replace(FGSM, label="accuracy under FGSM"))),
}


@pytest.mark.parametrize("case", WORDS.values(), ids=WORDS)
def test_what_decides_nothing_may_be_put_better(case: Case) -> None:
    assert hash_of(case) == hash_of(CASE)


sizes = st.floats(0.01, 100) | st.integers(1, 100)
margins = st.builds(Margin, sizes, st.sampled_from([POINTS, factor(2).unit]))
singles: st.SearchStrategy[Estimand] = st.one_of(
    *(st.builds(kind, margins) for kind in (Flat, NotWorse, Drops, Rises)),
    st.builds(Exists, margins, margins),
    st.builds(HigherOnAverage, margins),
    st.builds(LowerOnAverage, margins),
    st.builds(Mostly, st.sampled_from(["higher", "lower"])),
)
estimands = singles | st.builds(Jointly, st.tuples(singles, singles))


@same_examples
@given(estimands, estimands)
def test_two_estimands_have_one_hash_exactly_if_they_are_equal(one: Estimand, other: Estimand) -> None:
    assert (hash_of(decided_by(one)) == hash_of(decided_by(other))) == (one == other)


@same_examples
@given(st.integers(1, 10**6))
def test_a_whole_number_is_hashed_as_the_float_that_equals_it(size: int) -> None:
    assert hash_of(decided_by(Flat(points(size)))) == hash_of(decided_by(Flat(points(float(size)))))


@same_examples
@given(estimands)
def test_a_declaration_is_the_same_after_a_stay_in_a_file(estimand: Estimand) -> None:
    found = declared(decided_by(estimand))
    again = json.loads(json.dumps(found, indent=1, allow_nan=False))
    assert digest(again) == digest(found)
    assert changes(again, found) == []


def test_every_case_of_the_paper_has_a_hash_of_its_own() -> None:
    cases = [case for test in claim_tests() for case in test.cases]
    assert len({hash_of(case) for case in cases}) == len(cases)
    assert len(cases) >= 246  # of what the paper says none may get lost


@dataclass(frozen=True)
class Own:
    """An estimand of a user's own."""

    part: Any
    margin: Margin = CASE.holds_if.margin

    def decide(self, *_: Any) -> Any:
        raise AssertionError("nothing here is decided")


class Plain:
    """One that is no dataclass."""

    margin = points(1)

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def decide(self, *_: Any) -> Any:
        raise AssertionError("nothing here is decided")


def half(value: float) -> float:
    return value / 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Own(half), Own(math.sqrt)),
        (Own({"a": 1}), Own({"a": 2})),
        (Own(math.inf), Own(-math.inf)),
        (Own(math.nan), Own(math.inf)),
        (Own(None), Own(False)),
        (Plain(1), Plain(2)),
    ],
    ids=["function", "mapping", "infinite", "no number", "nothing", "no dataclass"],
)
def test_an_estimand_of_ones_own_is_hashed_by_what_it_holds(one: Estimand, other: Estimand) -> None:
    assert hash_of(decided_by(one)) != hash_of(decided_by(other))
    assert hash_of(decided_by(one)) == hash_of(decided_by(one))


def test_an_estimand_of_ones_own_that_has_the_name_of_another_has_a_hash_of_its_own() -> None:
    same = type("Flat", (Flat,), {"sides": (-1,)})
    assert hash_of(decided_by(same(points(5)))) != hash_of(decided_by(Flat(points(5))))


def test_what_cannot_be_hashed_is_told_in_one_line() -> None:
    with pytest.raises(ReproError, match=r"it-is-flat: holds_if = Own.*cannot be hashed: a (object|set)") as raised:
        declared(decided_by(Own({1, 2})))
    assert "\n" not in str(raised.value)


Change = tuple[Callable[[], Case], list[str]]
CHANGES: dict[str, Change] = {
    "a margin": (lambda: decided_by(Flat(points(2))), ["holds_if.within: 5 points -> 2 points"]),
    "a margin that is a factor": (
        lambda: decided_by(Flat(factor(1.25))),
        ["holds_if.within: 5 points -> a factor of 1.25"],
    ),
    "an estimand": (lambda: decided_by(NotWorse(points(5))), ["holds_if.kind: Flat -> NotWorse"]),
    "a curve": (
        lambda: on(Curve(M1_MNIST, LR_BS(0.9), FGSM)),
        ["curves.1.recipe.2: 0 -> 0.9"],
    ),
    "nothing": (lambda: CASE, []),
}


@pytest.mark.parametrize(("after", "phrases"), CHANGES.values(), ids=CHANGES)
def test_what_changed_between_two_declarations_is_said(after: Callable[[], Case], phrases: list[str]) -> None:
    assert changes(declared(CASE), declared(after())) == phrases


@pytest.mark.parametrize(
    "margin", [{"size": "x", "unit": "points"}, {"size": 5, "unit": [1]}, {"size": 1e9, "unit": "factor"}]
)
def test_what_is_no_margin_in_a_stranger_s_declaration_is_compared_all_the_same(margin: dict[str, Any]) -> None:
    found = changes({"within": margin}, {"within": {"size": 2.0, "unit": "points"}})
    assert "within: none -> 2 points" in found
    assert any(line.startswith("within.size: ") for line in found)


def test_what_is_in_one_declaration_only_is_said() -> None:
    further = declared(decided_by(Exists(points(5), factor(2))))
    assert "holds_if.within: 5 points -> none" in changes(declared(CASE), further)
    assert "holds_if.second: none -> a factor of 2" in changes(declared(CASE), further)
