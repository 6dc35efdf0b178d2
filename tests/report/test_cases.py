"""What a page says of a single verdict."""

import re
from pathlib import Path
from typing import Any

import pytest
from pages import written
from reports import entry

from repro.report.bundle import load
from repro.report.page.cases import Case
from repro.report.page.claims import cards, filters, sentences
from repro.report.scorecard import scorecard
from repro.report.text import unique
from repro.statistics.reasons import Lack

FURTHER = {"seeds": 3, "seconds": 60.0, "text": "3 further seeds would decide it"}


ACROSS = {"interval": [-3.0, 1.0], "number_line": {"side": "below", "unit": "points", "margin": 1.0}}


def case(**changes: Any) -> Case:
    told = {"effect": "difference of batch size 256 to 64", **changes}
    return Case(entry(**told), "it")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {},
            "It holds: the difference of batch size 256 to 64 is -27.0 points [-30.0, -24.0]; the claim asks for: a "
            "fall of more than 1 point.",
        ),
        ({"outcome": "fails"}, "It fails: the difference of batch size 256 to 64 is -27.0 points"),
        ({"outcome": "undecided", **ACROSS}, "more than 1 point. The interval leaves both possible."),
        ({"outcome": "undecided"}, "more than 1 point."),
        (
            {"outcome": "undecided", "reason": "one batch size shows no trend"},
            "Undecided: one batch size shows no trend.",
        ),
        ({"outcome": "undecided", "estimate": None}, "Undecided: there is no estimate."),
        (
            {"outcome": "not learnt", "reason": "2 of 4 networks have less than 85% training accuracy"},
            "Not tested: 2 of 4 networks have less than 85% training accuracy, and such networks say nothing",
        ),
        (
            {"effect": "one x2.00; other +3.0 points"},
            "It holds: the one is x2.00, and the other is +3.0 points; the claim asks for: a",
        ),
    ],
)
def test_why_a_verdict_is_so_is_one_plain_sentence(changes: dict[str, Any], why: str) -> None:
    assert why in case(**changes).why


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"further": FURTHER, "outcome": "undecided"}, "3 further seeds would decide it."),
        ({"flips_at": "6.2 points"}, "The verdict would be another one at a margin of 6.2 points."),
        ({"flips_at": "6.2 points", "outcome": "undecided"}, "It would be decided at a margin of 6.2 points."),
        (
            {"outcome": "not learnt"},
            "More training, or more training images, until the networks fit their training data.",
        ),
        ({}, ""),
        ({"outcome": "undecided", "reason": "one without a name"}, ""),
    ],
)
def test_what_would_decide_or_turn_it(changes: dict[str, Any], says: str) -> None:
    assert case(**changes).decider == says


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        (Lack.IMAGES, "It takes lambda1 of more images"),
        (Lack.NUMBERS, "It takes others' numbers"),
        (Lack.ROOM_BELOW, "further from the floor"),
        (Lack.ROOM_ABOVE, "further from the ceiling"),
    ],
)
def test_where_seeds_are_not_what_is_lacking_it_says_what_is(lacks: Lack, says: str) -> None:
    assert says in case(outcome="undecided", lacks=lacks).decider


def test_effects_of_several_measures_are_told_with_their_measures(tmp_path: Path) -> None:
    cases = {c.slug: c for s in sentences(load(written(tmp_path).parent).report.claims) for c in s.cases}
    why = cases["counter-example--stdcnn-fashionmnist-fgsm"].why
    assert re.search(r"the difference of batch size 256 to 64 is \+[\d.]+ points \(FGSM accuracy\), and the diff", why)
    assert re.search(r"is x[\d.]+ \(lambda1\); the claim asks for", why)


def test_readings_that_turn_it_are_told_from_those_that_do_not() -> None:
    equal = {"amount": "T = 54", "verdict": "no", "outcome": "fails", "shown": "+0.1", "trained_less": True}
    other = {"name": "epsilon-in-pixels", "says": "", "verdict": "yes", "outcome": "holds", "shown": "-20"}
    found = case(equal_amount=equal, sound={**other, "name": "sound-attack"}, readings=[other])
    assert [reading.name for reading in found.readings] == ["strongest attack", "equal training", "epsilon-in-pixels"]
    assert [reading.name for reading in found.turned] == ["equal training"]


def test_runs_that_depart_have_a_star_on_the_scorecard() -> None:
    assert case(verdict="trend seen (surrogate, tf32)").short == "trend seen*"
    assert case(verdict="trend seen (surrogate, tf32)").departs == "surrogate, tf32"
    assert case(verdict="trend seen").short == "trend seen"


def test_what_the_paper_states_and_what_goes_beyond_have_scorecards_of_their_own() -> None:
    beyond = entry(standing="extension", case="C1-CIFAR10-FGSM", task="C1-CIFAR10")
    own, other = cards(sentences([entry(), beyond]))
    assert (own.title, own.tasks) == ("What the paper states", ("M1-MNIST",))
    assert (other.title, other.tasks) == ("Beyond the paper's text", ("C1-CIFAR10",))
    assert [card.title for card in cards(sentences([beyond]))] == ["Beyond the paper's text"]
    twins = [entry(), entry(test="claims/test_it.py::test_it[M1-MNIST-FGSM-by night]")]
    (card,) = cards(sentences(twins))
    assert [row.variant for _, rows in card.groups for row in rows] == ["FGSM", "FGSM, by night"]
    assert [row.variant for row in scorecard(twins).rows] == ["FGSM", "FGSM, by night"]


def test_two_verdicts_of_one_name_have_two_addresses() -> None:
    (found,) = sentences([entry(), entry()])
    assert [one.slug for one in found.cases] == ["it-drops--m1-mnist-fgsm", "it-drops--m1-mnist-fgsm-2"]
    assert unique(["a", "a-2", "a", "a"]) == ["a", "a-2", "a-3", "a-4"]


def test_a_filter_offers_what_there_is_and_none_stands_with_a_single_choice() -> None:
    other = entry(outcome="fails", verdict="no", section="3, 4", says="It rises.")
    assert {one.name: one.options for one in filters(sentences([entry(), other]))} == {
        "verdict": (("holds", "reproduced"), ("fails", "no")),
        "section": (("2.1", "2.1"), ("3", "3"), ("4", "4")),
    }
