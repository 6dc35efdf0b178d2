"""A report is decided again where runs are gone or damaged, and where claims broke or are on one side only."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from recomputed import CASES, FIRST, SECOND, WHERE, again, made, measures_file, rewrite
from reports import broken, written
from worlds import READING

from repro.report.recompute import ReadOnce, Recomputed, recompute
from repro.runs.run import reading_key


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, Any]:
    return made(tmp_path)


def remove(folder: Path) -> None:
    shutil.rmtree(folder)


def unmeasure(folder: Path) -> None:
    (folder / f"measures-{reading_key(READING)}.json").unlink()


def damage(folder: Path) -> None:
    (folder / "run.json").write_text('{"steps": 3, "los')


@pytest.mark.parametrize("harm", [remove, unmeasure, damage])
def test_runs_that_the_store_lacks_are_named(
    tmp_path: Path, whole: dict[str, Any], harm: Callable[[Path], None]
) -> None:
    run = CASES[FIRST].runs(WHERE)[0]
    harm(tmp_path / "store" / "runs" / run.key)
    found = again(tmp_path, whole)
    assert found.missing == {FIRST: [f"{run} ({run.key})"]}
    assert found.agree == {SECOND}


def test_a_test_that_lacks_its_runs_and_stands_otherwise_among_all_takes_nothing_off_those_that_agree(
    tmp_path: Path, whole: dict[str, Any]
) -> None:
    for claim in whole["claims"]:
        claim["family_wise"] = True
    whole["claims"][0] |= {"outcome": "fails"}
    remove(tmp_path / "store" / "runs" / CASES[FIRST].runs(WHERE)[0].key)
    found = again(tmp_path, whole)
    assert (found.agree, [*found.missing], [*found.differ]) == ({SECOND}, [FIRST], [FIRST])


def test_a_damaged_file_is_left_where_it_is(tmp_path: Path, whole: dict[str, Any]) -> None:
    file = tmp_path / "store" / "runs" / CASES[FIRST].runs(WHERE)[0].key / "run.json"
    file.write_text("{")
    again(tmp_path, whole)
    assert file.read_text() == "{"


def test_measures_without_the_field_cannot_be_decided(tmp_path: Path, whole: dict[str, Any]) -> None:
    run = CASES[FIRST].runs(WHERE)[0]
    rewrite(measures_file(tmp_path, run), {"measures": {"test_accuracy": 0.9}})
    assert again(tmp_path, whole).differ == {FIRST: ["cannot be decided now: KeyError: 'fgsm_accuracy'"]}


def test_claims_that_are_on_one_side_only_are_named(tmp_path: Path, whole: dict[str, Any]) -> None:
    found = again(tmp_path, whole, {SECOND: CASES[SECOND], "claims/test_it.py::test_new": CASES[FIRST]})
    assert (found.agree, found.gone, found.new) == ({FIRST, SECOND}, [], [])  # moved or renamed, it is the same claim
    other = replace(CASES[FIRST], axes=("PGD",))
    found = again(tmp_path, whole, {SECOND: CASES[SECOND], "claims/test_it.py::test_new": other})
    assert (found.agree, found.gone, found.new) == ({SECOND}, [FIRST], ["claims/test_it.py::test_new"])


@pytest.mark.parametrize("about", ["the claim and its test", "its test alone", "the claim alone"])
def test_a_claim_that_broke_and_has_a_verdict_now_differs(tmp_path: Path, whole: dict[str, Any], about: str) -> None:
    del whole["claims"][0]
    (error,) = broken(["claims/test_old.py::test_old" if about == "the claim alone" else FIRST], CASES[FIRST])
    whole["errors"] = [{"test": FIRST, "error": error["error"]} if about == "its test alone" else error]
    found = again(tmp_path, whole)
    assert found.differ == {error["test"]: ["verdict: none in the report, for it broke; trend seen now"]}
    assert (found.agree, found.checked, found.new) == ({SECOND}, set(CASES), [])


def test_a_claim_that_broke_and_has_no_verdict_now_either_agrees(tmp_path: Path, whole: dict[str, Any]) -> None:
    del whole["claims"][0]
    whole["errors"] = broken([FIRST], CASES[FIRST])
    run = CASES[FIRST].runs(WHERE)[0]
    stored = json.loads(measures_file(tmp_path, run).read_text())
    stored["measures"]["instruments"] = {"disagreement": 0.5}  # an instrument that fails
    rewrite(measures_file(tmp_path, run), stored)
    assert again(tmp_path, whole) == Recomputed(agree=set(CASES), checked=set(CASES))


def test_a_claim_that_broke_before_its_runs_were_made_is_not_checked(tmp_path: Path, whole: dict[str, Any]) -> None:
    del whole["claims"][0]
    whole["errors"] = broken([FIRST], CASES[FIRST])
    remove(tmp_path / "store" / "runs" / CASES[FIRST].runs(WHERE)[0].key)
    assert again(tmp_path, whole) == Recomputed(agree={SECOND}, checked={SECOND})


def test_a_test_whose_end_broke_after_its_verdict_keeps_that(tmp_path: Path, whole: dict[str, Any]) -> None:
    whole["errors"] = broken([FIRST], CASES[FIRST])
    assert again(tmp_path, whole) == Recomputed(agree=set(CASES), checked=set(CASES))


def test_a_claim_counts_once_however_often_a_report_has_it(tmp_path: Path, whole: dict[str, Any]) -> None:
    whole["claims"] += [whole["claims"][0], {**whole["claims"][1], "test": "claims/test_it.py::test_twin"}]
    found = again(tmp_path, whole)
    assert list(found.differ) == [FIRST, "claims/test_it.py::test_twin"]
    assert (found.agree, found.checked) == ({FIRST, SECOND}, set(CASES))


@pytest.mark.parametrize("broke", [False, True])
def test_a_test_outside_the_checkout_stands_for_no_claim_of_it(
    tmp_path: Path, whole: dict[str, Any], broke: bool
) -> None:
    strange = "/elsewhere/test_a.py::test_a"
    first = whole["claims"].pop(0)
    if broke:
        whole["errors"] = broken([strange], CASES[FIRST])
    else:
        whole["claims"].append({**first, "test": strange})
    report = written(tmp_path / "artifacts", whole)
    found = recompute(report, CASES, ReadOnce(tmp_path / "store"), {strange})
    assert found == Recomputed(agree={SECOND}, checked={SECOND}, outside=[strange], new=[FIRST])
