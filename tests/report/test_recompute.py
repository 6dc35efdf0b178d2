"""A report's verdicts are decided again from the stored measures, and whatever it asserts is compared."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert, structs, to_builtins
from recomputed import CASES, FIRST, SECOND, WHERE, again, made, measures_file, rewrite
from reports import plainly, written

from repro.experiment.regimes import QUICK
from repro.report.bundle import Report, session_of, told_once
from repro.report.recompute import COMPARED, ReadOnce, Recomputed, recompute
from repro.report.together import taken_together
from repro.runs.decided import put_decided
from repro.runs.store import Store
from repro.statistics.equivalence import Flat
from repro.statistics.units import points
from repro.verdicts.claim import Always
from repro.verdicts.deciding import judge
from repro.verdicts.entry import Entry
from repro.verdicts.history import Note, Notes, decided, looks_before, remember


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, Any]:
    return made(tmp_path)


def test_a_report_that_nothing_happened_to_agrees(tmp_path: Path, whole: dict[str, Any]) -> None:
    assert again(tmp_path, whole) == Recomputed(agree=set(CASES), checked=set(CASES))


TAMPERED: dict[str, tuple[Any, str]] = {
    "verdict": ("reproduced", "verdict: reproduced in the report, trend seen now"),
    "outcome": ("fails", "outcome: fails in the report, holds now"),
    "estimate": (0.5, "estimate: 0.5 in the report, "),
    "interval": ([-1.0, 1.0], "interval: [-1, 1] in the report, ["),
    "level": (0.5, "level: 0.5 in the report, 0.9 now"),
    "margin": (50, "margin: 50 in the report, 5 now"),
    "unit": ("shares", "unit: shares in the report, percentage points now"),
    "seeds": (30, "seeds: 30 in the report, 3 now"),
    "runs": (["abc"], "runs: the report's 1 and the 9 of now are not the same"),
}


def test_every_compared_field_is_tampered_with() -> None:
    assert {*TAMPERED} == {*COMPARED, "runs"}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_field_that_was_changed_is_named_with_both_values(tmp_path: Path, whole: dict[str, Any], name: str) -> None:
    value, line = TAMPERED[name]
    whole["claims"][0][name] = value
    found = again(tmp_path, whole)
    (lines,) = (found.differ[FIRST],)
    assert len(lines) == 1
    assert lines[0].startswith(line)
    assert (found.agree, list(found.differ)) == ({SECOND}, [FIRST])


@pytest.mark.parametrize("name", ["estimate", "level"])
@pytest.mark.parametrize(("change", "differs"), [(1e-12, False), (1e-7, True)])
def test_only_rounding_is_no_difference(
    tmp_path: Path, whole: dict[str, Any], name: str, change: float, differs: bool
) -> None:
    """The last digits differ between versions of the libraries."""
    whole["claims"][1][name] *= 1 + change
    assert bool(again(tmp_path, whole).differ) is differs


def test_a_number_that_is_gone_is_a_difference(tmp_path: Path, whole: dict[str, Any]) -> None:
    whole["claims"][0]["estimate"] = None
    assert again(tmp_path, whole).differ[FIRST][0].startswith("estimate: none in the report, ")


def test_an_instrument_that_fails_now_is_named(tmp_path: Path, whole: dict[str, Any]) -> None:
    run = CASES[FIRST].runs(WHERE)[0]
    file = measures_file(tmp_path, run)
    stored = json.loads(file.read_text())
    stored["measures"]["instruments"] = {"disagreement": 0.5}
    rewrite(file, stored)
    (line,) = again(tmp_path, whole).differ[FIRST]
    assert line.startswith(f"cannot be decided now: InstrumentError: check same-logits failed on {run}: ")


def test_a_measure_that_was_changed_shows_in_the_verdict(tmp_path: Path, whole: dict[str, Any]) -> None:
    for run in CASES[FIRST].runs(WHERE):
        if run.batch_size == 256:
            file = measures_file(tmp_path, run)
            stored = json.loads(file.read_text())
            stored["measures"]["fgsm_accuracy"] -= 0.4
            rewrite(file, stored)
    found = again(tmp_path, whole)
    assert "verdict: trend seen in the report, trend not seen now" in found.differ[FIRST]
    assert list(found.differ) == [FIRST]


def test_a_margin_that_was_moved_since_is_named(tmp_path: Path, whole: dict[str, Any]) -> None:
    moved = replace(CASES[FIRST], rule=Always(Flat(points(2))))
    lines = again(tmp_path, whole, {**CASES, FIRST: moved}).differ[FIRST]
    assert lines[0] == "margin: 5 in the report, 2 now"
    (line,) = (line for line in lines if line.startswith("declared"))
    assert line.endswith("now (holds_if.within: 5 points -> 2 points)")


def test_a_verdict_under_another_reading_is_compared_too(tmp_path: Path, whole: dict[str, Any]) -> None:
    whole["claims"][0]["sound"]["verdict"] = "trend not seen"
    (line,) = again(tmp_path, whole).differ[FIRST]
    assert line.startswith("under sound-attack: trend not seen, ")
    whole["claims"][0]["sound"] = None
    (line,) = again(tmp_path, whole).differ[FIRST]
    assert line.startswith("under sound-attack: no verdict in the report, trend seen, ")


def test_words_may_be_put_better(tmp_path: Path, whole: dict[str, Any]) -> None:
    for name in ("because", "evidence", "reason", "rerun"):
        whole["claims"][0][name] = "put otherwise"
    for name in ("asked", "effect", "shown"):
        whole["claims"][0][name] = f"put otherwise, {whole['claims'][0][name]}"
    assert again(tmp_path, whole).agree == {FIRST, SECOND}


ASSERTED: dict[str, Callable[[dict[str, Any]], object]] = {
    "p": lambda claim: claim.update(p=claim["p"] / 2),
    "says": lambda claim: claim.update(says="It is as flat as can be."),
    "section": lambda claim: claim.update(section="3"),
    "standing": lambda claim: claim.update(standing="extension"),
    "figures": lambda claim: claim.update(figures=[1, 2]),
    "undertrained": lambda claim: claim.update(undertrained=["all of them"]),
    "margins": lambda claim: claim.update(margins=["2 points"]),
    "asked": lambda claim: claim.update(asked=claim["asked"].replace("5", "2")),
    "shown": lambda claim: claim.update(shown=claim["shown"].replace(".", ".9", 1)),
    "flips_at": lambda claim: claim.update(flips_at="9.9 points"),
    "instruments": lambda claim: claim["instruments"].update(checks=1),
    "notes": lambda claim: claim.update(notes=["left out: M1-MNIST"]),
    "further": lambda claim: claim.update(
        further={"seeds": 1, "seconds": 1.0, "text": "1 further seed would decide it", "level": 0.01}
    ),
    "at equal training amount, verdict": lambda claim: claim["equal_amount"].update(verdict="reproduced"),
    "at equal training amount, estimate": lambda claim: claim["equal_amount"].update(estimate=7.0),
    "at equal training amount, shown": lambda claim: claim["equal_amount"].update(shown="+7.0 points"),
    "at equal training amount, trained_less": lambda claim: claim["equal_amount"].update(
        trained_less=not claim["equal_amount"]["trained_less"]
    ),
    "at equal training amount": lambda claim: claim.update(equal_amount=None),
}


@pytest.mark.parametrize("name", ASSERTED)
def test_whatever_a_report_asserts_of_a_verdict_is_compared(tmp_path: Path, whole: dict[str, Any], name: str) -> None:
    ASSERTED[name](whole["claims"][0])
    found = again(tmp_path, whole)
    assert found.agree == {SECOND}
    (line,) = found.differ[FIRST]
    assert line.startswith(f"{name}: ")


def test_a_look_at_an_error_that_none_may_spend_is_not_believed(tmp_path: Path, whole: dict[str, Any]) -> None:
    whole["claims"][0]["looks"][0]["level"] = 0.5
    (line,) = again(tmp_path, whole).differ[FIRST]
    assert line.startswith("cannot be decided now: ReproError: looks at 3 seeds at 50% are said to have been made")


def test_a_look_that_the_store_remembers_is_not_left_out(tmp_path: Path, whole: dict[str, Any]) -> None:
    """Who looked at two seeds before decides at a fifth of the error with the third."""
    store = Store(tmp_path / "store")
    entry = judge(CASES[FIRST], store, WHERE.with_seeds(2)).entry()
    undecided = structs.replace(entry, looks=(structs.replace(entry.looks[0], decided=False),))
    remember(store, [undecided], "quick")
    (before,) = looks_before(decided(store), CASES[FIRST], WHERE)
    assert (before.seeds, before.level) == (2, 0.05)
    (line,) = again(tmp_path, whole).differ[FIRST]
    assert line.startswith("cannot be decided now: ReproError: looks at 2 seeds at 5%, 3 seeds at 5% are said")


@pytest.mark.parametrize("index", [0, 1])
def test_what_stands_if_not_one_of_all_might_be_wrong_is_compared(
    tmp_path: Path, whole: dict[str, Any], index: int
) -> None:
    found = taken_together([convert(claim, Entry) for claim in whole["claims"]])
    for claim, entry in zip(whole["claims"], found, strict=True):
        claim["family_wise"] = entry.family_wise
    assert again(tmp_path, whole).agree == {FIRST, SECOND}
    whole["claims"][index]["family_wise"] = not whole["claims"][index]["family_wise"]
    (line,) = again(tmp_path, whole).differ[[FIRST, SECOND][index]]
    assert line.startswith("family_wise: ")
    whole["claims"][index]["family_wise"] = None  # which is no way out either
    (line,) = again(tmp_path, whole).differ[[FIRST, SECOND][index]]
    assert line.startswith("family_wise: none in the report")


def test_a_declaration_that_the_store_remembers_is_not_left_out(tmp_path: Path, whole: dict[str, Any]) -> None:
    store = Store(tmp_path / "store")
    entry = judge(CASES[FIRST], store, WHERE).entry()
    title = WHERE.regime.title
    for number, declared in enumerate(("another", entry.declared)):
        note = Note(
            id=entry.id,
            case=entry.case,
            declared=declared,
            declaration={},
            asked="",
            verdict="",
            regime=title,
            date=f"2026-01-0{number + 1}",
        )
        put_decided(store, to_builtins(Notes(decided=(note,))))
    (line,) = again(tmp_path, whole).differ[FIRST]
    assert line == "declared_before: the store was decided from under another, too, before this"


SESSIONS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "the paper's name": (lambda told: told["regime"].update(name="paper"), "regime: 'paper' is not the name"),
    "not reduced": (lambda told: told["regime"].update(reduced=False), "reduced: False in the report, True now"),
    "a figure that is not there": (lambda told: told.update(figures=[3]), "figure 3: there is no fig03.png beside"),
}


@pytest.mark.parametrize("change", SESSIONS)
def test_what_a_report_says_of_its_session_is_checked(tmp_path: Path, whole: dict[str, Any], change: str) -> None:
    harm, line = SESSIONS[change]
    harm(whole["session"])
    found = again(tmp_path, whole)
    assert [told[: len(line)] for told in found.session] == [line]


def test_a_built_in_regimes_name_stands_over_its_own_scales(tmp_path: Path, whole: dict[str, Any]) -> None:
    quick = to_builtins(session_of(replace(WHERE, regime=QUICK.overridden(seeds=2)), command="", seconds=1.0))
    whole["session"]["regime"] = plainly(quick["regime"])
    assert again(tmp_path, whole).session == []
    whole["session"]["regime"]["name"] = "laptop"
    assert len(again(tmp_path, whole).session) == 1


def test_a_declaration_of_another_kind_is_a_difference(tmp_path: Path, whole: dict[str, Any]) -> None:
    whole["claims"][0]["declaration"] = {"claim": 3}
    whole["claims"][0]["declared"] = "0123456789ab"
    assert list(again(tmp_path, whole).differ) == [FIRST]


def test_a_declaration_that_does_not_come_to_its_hash_is_a_difference(tmp_path: Path, whole: dict[str, Any]) -> None:
    whole["claims"][0]["declaration"]["under"]["rules"]["trained"] = 0.1
    (line,) = again(tmp_path, whole).differ[FIRST]
    assert line.startswith(f"declared: {whole['claims'][0]['declared']} in the report, whose own declaration comes to ")
    assert line.endswith("(rules.trained: 0.1 -> 0.85)")


def test_terms_that_were_told_once_are_checked_as_those_of_every_claim(tmp_path: Path, whole: dict[str, Any]) -> None:
    short = plainly(to_builtins(told_once(convert(whole, Report))))
    assert len(json.dumps(short)) < len(json.dumps(whole))
    assert again(tmp_path, short) == Recomputed(agree=set(CASES), checked=set(CASES))
    (rules,) = {claim["declaration"]["under"]["rules"] for claim in short["claims"]}
    short["terms"][rules]["trained"] = 0.1
    assert [*again(tmp_path, short).differ] == [FIRST, SECOND]
    del short["terms"][rules]
    assert [*again(tmp_path, short).differ] == [FIRST, SECOND]


def test_a_file_is_read_once_however_many_claims_rest_on_it(
    tmp_path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = {**whole["claims"][0], "test": "claims/test_it.py::test_twin"}
    report = written(tmp_path / "artifacts", {**whole, "claims": [*whole["claims"], twin]})
    read: list[str] = []
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: read.append(str(path)) or real(path, *rest))
    twins = {**CASES, "claims/test_it.py::test_twin": CASES[FIRST]}
    assert recompute(report, twins, ReadOnce(tmp_path / "store")).agree == {*twins}
    read = [path for path in read if "/runs/" in path]
    runs = {run for case in CASES.values() for run in case.runs(WHERE)}
    assert len(read) == len(set(read)) == 2 * len(runs) + len(CASES[FIRST].runs(WHERE))  # attacked ones twice measured


def test_a_curve_that_is_another_is_told(tmp_path: Path, whole: dict[str, Any]) -> None:
    curve = whole["claims"][0]["curves"][0]
    curve["points"][0]["values"][0] += 1.0
    assert again(tmp_path, whole).differ[FIRST] == ["curves: the report's values and those of now are not the same"]


def test_a_number_line_that_is_another_is_told(tmp_path: Path, whole: dict[str, Any]) -> None:
    whole["claims"][0]["number_line"]["critical"] = 77.0
    (line,) = again(tmp_path, whole).differ[FIRST]
    assert line.startswith("number_line: the report's margin, or the one at which it would flip")


def test_a_report_of_an_earlier_version_has_neither_and_agrees(tmp_path: Path, whole: dict[str, Any]) -> None:
    for claim in whole["claims"]:
        del claim["curves"], claim["number_line"]
    assert again(tmp_path, whole).differ == {}
