import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert
from msgspec.structs import replace
from reports import entry

from repro.experiment.trained_as import HE, SAYS
from repro.report.bundle import Report, Session
from repro.report.choices import Choice
from repro.report.page import markdown
from repro.report.scorecard import scorecard
from repro.statistics.estimands import Outcome
from repro.verdicts.entry import Broken, Entry, OtherReading


@dataclass(frozen=True)
class Drawn:
    number: int
    path: Path
    caption: str


PICTURES = [Drawn(9, Path("/somewhere/fig09.png"), "FGSM accuracy of M1."), Drawn(13, Path("/x/fig13.png"), "lambda1.")]


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
    return markdown(of, scorecard(of.told), PICTURES)


BROKEN = Broken(test="claims/test_it.py::test_it[C1]", error="DataError: CIFAR10 is not there")
SURROGATE = {"MNIST": {"kind": "surrogate", "text": "MNIST (SURROGATE: rendered glyphs, not the data set)"}}


def test_what_is_read_first_stands_first() -> None:
    text = page(bundle(entry(equal_amount=equal_amount()), errors=(BROKEN,)))
    parts = [
        "# On Adversarial",
        "1 verdict on what the paper says: 1 reproduced",
        "## Scorecard",
        "## Verdicts",
        "## Errors",
    ]
    parts += ["## At equal training amount", "## Evidence"]
    places = [text.index(part) for part in [*parts, "## Figures", "## Conditions"]]
    assert places == sorted(places)
    assert places[0] == 0


def test_verdicts_are_counted_by_their_words_and_errors_apart() -> None:
    words = ["reproduced", "not reproduced", "inconclusive", "reproduced"]
    text = page(bundle(*(entry(verdict=word) for word in words), errors=(BROKEN,)))
    assert "4 verdicts on what the paper says: 2 reproduced, 1 not reproduced, 1 inconclusive. 1 test broke." in text


def test_each_verdict_has_a_row_with_its_effect_margin_and_seeds() -> None:
    text = page(bundle(entry(), entry(case="M1-MNIST-PGD", verdict="inconclusive", undertrained=["LR, 256"])))
    effect = "-27.0 points [-30.0, -24.0] | a fall of more than 1 point `ba9876543210` | 5 | 0.012 | holds |"
    assert f"| it-drops | M1-MNIST-FGSM | **reproduced** | {effect}\n" in text
    assert "| it-drops | M1-MNIST-PGD | **inconclusive** (undertrained cells) |" in text


def test_verdicts_that_hold_are_counted_alone_and_all_together() -> None:
    alone = entry(case="M1-MNIST-PGD", p=0.04, family_wise=False)
    text = page(bundle(entry(), alone, entry(case="C1", outcome="fails", p=0.9, family_wise=False)))
    assert "of 3 at most 0.2 in expectation. Of the 2 that hold, 1 would if not one of all might be wrong" in text
    ends = [line.split(" | ")[-2:] for line in text.splitlines() if line.startswith("| it-drops | ")]
    assert ends == [["0.012", "holds |"], ["0.04", " |"], ["0.9", " |"]]


OLD = {
    "declared": "0123456789ab",
    "asked": "a fall of more than 3 points",
    "verdict": "not reproduced",
    "regime": "paper",
    "date": "2026-03-01T10:20:30+00:00",
    "changes": ["holds_if.at_least: 3 points -> 1 points"],
}


def test_the_hash_of_what_decides_a_claim_stands_beside_its_margin() -> None:
    text = page(bundle(entry(declared="ba9876543210", declared_before=[])))
    assert "| a fall of more than 1 point `ba9876543210` | 5 |" in text
    assert "differently" not in text


def test_a_claim_that_was_declared_differently_before_says_so_in_its_row_and_how_at_its_evidence() -> None:
    text = page(bundle(entry(declared="ba9876543210", declared_before=[OLD]), entry(case="M1-MNIST-PGD")))
    table, _, evidence = text.partition("## Evidence")
    assert "| **reproduced** (declared differently before) |" in table
    (first, second) = evidence.partition("## Figures")[0].split("### ")[1:]
    assert "**Declared differently before** (now `ba9876543210`)" in first
    line = "- `0123456789ab`, a fall of more than 3 points: not reproduced on 2026-03-01 (paper regime); "
    assert f"{line}changed since: holds_if.at_least: 3 points -> 1 points\n\nRerun: " in first
    assert "differently" not in second


def test_each_claim_has_its_sentence_evidence_figures_and_rerun_command() -> None:
    text = page(bundle(entry()))
    _, _, evidence = text.partition("## Evidence")
    assert "It drops. (Section 2.1; [figure 9](fig09.png), [figure 13](fig13.png))" in evidence
    assert "```text\nthe table\n    64  82.0%\n```" in evidence
    assert "Rerun: `pytest 'claims/test_it.py::test_it[M1-MNIST-FGSM]'`" in evidence


def test_every_link_is_to_a_picture_beside_the_page() -> None:
    links = re.findall(r"\]\(([^)]+)\)", page(bundle(entry())))
    assert set(links) == {picture.path.name for picture in PICTURES}


def test_pictures_stand_with_their_captions() -> None:
    assert "![Figure 9](fig09.png)\n\n*Figure 9. FGSM accuracy of M1.*" in page(bundle(entry()))


def test_without_pictures_there_is_no_part_for_them() -> None:
    of = bundle(entry(figures=[]))
    assert "## Figures" not in markdown(of, scorecard(of.told), [])


@pytest.mark.parametrize(
    ("session", "warning"),
    [
        ({"regime": {"name": "quick", "reduced": True}}, "**quick regime: reduced data and training."),
        ({"regime": {"name": "custom", "reduced": True}}, "says nothing of the paper's scale.**"),
        ({"data": SURROGATE}, "**MNIST (SURROGATE: rendered glyphs, not the data set)**"),
    ],
)
def test_what_limits_the_verdicts_is_said_before_them(session: dict[str, Any], warning: str) -> None:
    text = page(bundle(entry(), **session))
    assert 0 < text.index(warning) < text.index("1 verdict on what")
    assert warning not in page(bundle(entry()))


def test_a_precision_other_than_float32_stands_before_the_verdicts() -> None:
    session = {"precision": "bfloat16", "trained_as": [HE], "data": SURROGATE}
    text = page(bundle(entry(), **session))
    assert 0 < text.index("**Trained in bfloat16**: ") < text.index("1 verd")
    assert "Trained in" not in page(bundle(entry()))


def test_how_training_departs_is_said_before_the_verdicts() -> None:
    text = page(bundle(entry(), trained_as=[HE]))
    assert 0 < text.index(f"**Trained with {HE}**: {SAYS[HE]}.") < text.index("1 verd")
    assert "Trained with" not in page(bundle(entry()))


def equal_amount(**changes: Any) -> dict[str, Any]:
    return {
        "amount": "T = 54",
        "verdict": "reproduced",
        "outcome": "holds",
        "shown": "-26.0 points [-29.0, -23.0]",
        "trained_less": True,
    } | changes


FLIPPED = equal_amount(verdict="not reproduced", outcome="fails", shown="+0.1 points [-0.2, +0.4]")


def section(of: Report) -> str:
    _, _, after = page(of).partition("## At equal training amount")
    return after.partition("## ")[0]


def test_verdicts_that_change_at_equal_training_amount_are_listed_with_both() -> None:
    same, compares_none = entry(equal_amount=equal_amount()), entry(equal_amount=None)
    alike = entry(equal_amount=equal_amount(trained_less=False))
    text = section(bundle(entry(case="M1-MNIST-PGD", equal_amount=FLIPPED), same, alike, compares_none))
    assert "3 claims compare batch sizes or recipes. The runs of 1 had come to the\nsame T anyway; of the other" in text
    assert "of the other 2, 1 verdicts change." in text
    assert [line for line in text.splitlines() if line.startswith("| it-drops")] == [
        "| it-drops | M1-MNIST-PGD | reproduced, -27.0 points [-30.0, -24.0] | "
        "not reproduced, +0.1 points [-0.2, +0.4] | T = 54 |"
    ]


def test_where_no_verdict_changes_at_equal_training_amount_there_is_no_table() -> None:
    text = section(bundle(entry(equal_amount=equal_amount())))
    assert "of the other 1, 0 verdicts change." in text
    assert "|" not in text


def test_without_a_claim_that_compares_batch_sizes_nothing_is_said_of_the_training_amount() -> None:
    assert "At equal training amount" not in page(bundle(entry(equal_amount=None)))
    assert "At equal training amount" not in page(bundle(errors=(BROKEN,)))


def test_errors_are_told_to_say_nothing_of_the_paper() -> None:
    text = page(bundle(entry(), errors=(BROKEN,)))
    errors = text.partition("## Errors")[2].partition("## ")[0]
    assert "They say nothing of the paper." in errors
    assert "- `claims/test_it.py::test_it[C1]`: DataError: CIFAR10 is not there" in errors
    assert "## Errors" not in page(bundle(entry()))


@pytest.mark.parametrize(
    ("session", "line"),
    [
        ({}, "- command: `pytest claims --gpu`, 2.0 hours"),
        ({}, "- commit: abc123\n"),
        ({"dirty": True}, "- commit: abc123 with uncommitted changes\n"),
        ({"commit": None, "dirty": None}, "- commit: none\n"),
        ({}, "- device: cuda; a processor, 8 cores, 31.3 GiB"),
        ({}, "- versions: python 3.11.2, torch 2.14"),
        ({"trained_on": ["A (3 runs)", "B (1 run)"]}, "- trained on mixed hardware: A (3 runs); B (1 run)\n"),
        ({}, "- data: MNIST (published files in /data)"),
        ({}, "| the loss | cross-entropy | as usual |"),
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


def test_a_session_in_which_everything_broke_has_a_page() -> None:
    assert "1 test broke." in page(bundle(errors=(BROKEN,)))


def test_a_line_with_backquotes_can_be_copied_from_the_page_as_it_is() -> None:
    line = "cd /x && pytest 'a.py::test[``a` b]'"
    (shown,) = (row for row in page(bundle(entry(rerun=line))).splitlines() if row.startswith("Rerun: "))
    assert shown == f"Rerun: ``` {line} ```"


def test_a_part_of_the_claims_is_said_to_be_one_before_any_verdict() -> None:
    text = page(bundle(entry(), partial=["5 claim tests deselected", "claims/a.py::test"]))
    head = text.partition("## Scorecard")[0]
    assert "**A part of the claims** (5 claim tests deselected; claims/a.py::test): " in head
    assert "part of the claims" not in page(bundle(entry(), partial=[])) + page(bundle(entry()))


def test_what_the_paper_says_is_counted_apart_from_what_is_asked_beyond_it() -> None:
    own, beyond = entry(), entry(standing="extension", verdict="not reproduced", outcome="fails")
    text = page(bundle(own, beyond))
    assert "1 verdict on what the paper says: 1 reproduced. 1 verdict beyond that, on other tasks" in text
    assert "of a sentence about all: 1 not reproduced." in text


def test_a_verdict_that_a_sound_attack_does_not_share_is_told_in_a_section_of_its_own() -> None:
    sound = OtherReading(
        name="sound-attack", says="by all", verdict="not reproduced", outcome=Outcome.FAILS, shown="-40 points"
    )
    alike = replace(sound, verdict="reproduced", outcome=Outcome.HOLDS)
    text = page(bundle(replace(entry(), sound=sound), replace(entry(case="other"), sound=alike)))
    section = text.partition("## By a sound attack")[2].partition("\n## ")[0]
    assert "2 claims on robustness: 1 verdict would be another one." in section
    assert "| not reproduced, -40 points |" in section
    assert "## By a sound attack" not in page(bundle(entry()))
