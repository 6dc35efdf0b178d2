import re
from typing import Any

import pytest
from msgspec import convert, to_builtins
from msgspec.structs import replace
from reports import entry

from repro.experiment.regimes import PAPER, QUICK
from repro.experiment.trained_as import HE, SAYS
from repro.report.bundle import Report, Session
from repro.report.choices import Choice
from repro.report.summary import markdown
from repro.statistics.estimands import Outcome
from repro.verdicts.entry import Broken, Entry, EqualAmount


def bundle(*claims: Entry, errors: tuple[Broken, ...] = (), **session: Any) -> Report:
    facts: dict[str, Any] = {
        "regime": {"name": "paper", "reduced": False},
        "data": {"MNIST": {"kind": "published", "text": "MNIST (published files in /data)"}},
        "trained_as": [],
        "precision": "float32",
        "command": "pytest claims --gpu",
        "seconds": 7300,
        "commit": "abc123",
        "dirty": False,
        "device": "cuda",
        "versions": {"python": "3.11.2", "torch": "2.14"},
        "hardware": {"processor": "a processor", "cores": 8, "memory_gib": 31.3},
    } | session
    facts["regime"] = {"tasks": {}, **facts["regime"]}
    open_points = (Choice("the loss", "cross-entropy", "as usual", "here"),)
    return Report(session=convert(facts, Session), claims=claims, errors=errors, choices=open_points)


def page(of: Report) -> str:
    return markdown(of, QUICK if of.session.regime.reduced else PAPER)


BROKEN = Broken(test="claims/test_it.py::test_it[C1]", error="DataError: CIFAR10 is not there")
SURROGATE = {"MNIST": {"kind": "surrogate", "text": "MNIST (SURROGATE: rendered glyphs, not the data set)"}}


def test_what_is_read_first_stands_first() -> None:
    text = page(bundle(entry(), errors=(BROKEN,)))
    parts = ["# On Adversarial", "## The answer", "## The claims", "## 1 test broke", "## Scorecard", "## Conditions"]
    places = [text.index(part) for part in [*parts, "## Read further"]]
    assert places == sorted(places)
    assert places[0] == 0


def test_each_claim_is_a_sentence_with_its_counts() -> None:
    equal = EqualAmount(amount="T = 1", verdict="no", outcome=Outcome.FAILS, shown="", trained_less=True)
    other = entry(case="M1-MNIST-PGD", equal_amount=None)
    of = bundle(entry(equal_amount=to_builtins(equal)), other, entry(id="it-rises", says="It rises.", outcome="fails"))
    assert "| It drops. | 2.1 | 2 | 0 | 0 | 0 | 1 of 2 | - |\n| It rises. | 2.1 | 0 | 1 | 0 | 0 | 1 of 1 | - |" in page(
        of
    )


def test_verdicts_that_other_readings_turn_are_counted_by_the_reading() -> None:
    sound = {"name": "sound-attack", "says": "by all", "verdict": "no", "outcome": "fails", "shown": "-40 points"}
    pixels = {**sound, "name": "epsilon-in-pixels"}
    text = page(bundle(entry(sound=sound, readings=[{**pixels, "outcome": "holds"}]), entry(readings=[pixels])))
    assert "come out otherwise: by the strongest attack 1 of 1; under epsilon-in-pixels 1 of 2." in text


@pytest.mark.parametrize(
    ("session", "warning"),
    [
        ({"regime": {"name": "quick", "reduced": True}}, "**quick regime**: reduced data and training."),
        ({"data": SURROGATE}, "**Surrogate data**: MNIST (SURROGATE: rendered glyphs, not the data set)"),
        ({"precision": "bfloat16"}, "**Trained in bfloat16**: "),
        ({"trained_as": [HE]}, f"**Trained with {HE}**: {SAYS[HE]}."),
        ({"partial": ["5 claim tests deselected", "a.py::t"]}, "**A part of the claims**: 5 claim tests deselected; a"),
    ],
)
def test_what_limits_the_verdicts_is_said_before_them(session: dict[str, Any], warning: str) -> None:
    text = page(bundle(entry(), **session))
    assert 0 < text.index(warning) < text.index("## The answer")
    assert warning not in page(bundle(entry()))


def test_errors_are_told_to_say_nothing_of_the_paper() -> None:
    text = page(bundle(entry(), errors=(BROKEN,)))
    errors = text.partition("## 1 test broke")[2].partition("## ")[0]
    assert "That says nothing of the paper." in errors
    assert "- `claims/test_it.py::test_it[C1]`: DataError: CIFAR10 is not there" in errors
    assert "broke" not in page(bundle(entry()))


@pytest.mark.parametrize(
    ("session", "line"),
    [
        ({}, "- command: `pytest claims --gpu`, 2.0 hours"),
        ({}, "- commit: abc123\n"),
        ({"dirty": True}, "- commit: abc123 with uncommitted changes\n"),
        ({"commit": None, "dirty": None}, "- commit: none\n"),
        ({}, "- device: cuda; a processor, 8 cores"),
        ({}, "- data: MNIST (published files in /data)"),
        ({"command": "pytest 'a.py::test[``a` b]'"}, "- command: ``` pytest 'a.py::test[``a` b]' ```, "),
    ],
)
def test_conditions_say_where_it_was_made(session: dict[str, Any], line: str) -> None:
    assert line in page(bundle(entry(), **session)).partition("## Conditions")[2]


def test_the_scorecard_has_a_row_for_a_claim_and_a_column_for_a_task() -> None:
    other = entry(case="C1-CIFAR10-FGSM", task="C1-CIFAR10", verdict="not reproduced", outcome="fails")
    text = page(bundle(entry(), other)).partition("## Scorecard")[2].partition("## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows == [
        "| claim | M1-MNIST | C1-CIFAR10 |",
        "| --- | --- | --- |",
        "| it-drops (FGSM) | reproduced | not reproduced |",
    ]


def test_it_has_150_lines_at_most_whatever_was_asked_and_broke() -> None:
    many = [entry(id=f"claim-{i}", says=f"Sentence {i}.", case=f"M1-MNIST-{i}") for i in range(200)]
    broken = tuple(replace(BROKEN, test=f"test[{i}]", error="a\nb\nc") for i in range(50))
    text = page(bundle(*many, errors=broken, data=SURROGATE, partial=["a part"], trained_as=[HE]))
    assert len(text.splitlines()) <= 150
    assert "and 170 more claims" in text
    assert re.search(r"and \d+ rows more, in report.html", text)
    assert "- and 42 more" in text


def test_a_session_in_which_everything_broke_has_a_page() -> None:
    text = page(bundle(errors=(BROKEN,)))
    assert "## 1 test broke" in text
    assert "There is no verdict." in text


def test_texts_break_no_table_and_begin_no_tag() -> None:
    text = page(bundle(entry(says="a | b <script>alert(1)</script> \x1b[31mred\x1b[0m\nnext")))
    assert r"| a \| b &lt;script>alert(1)&lt;/script> red next | 2.1 |" in text
