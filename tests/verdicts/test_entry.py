"""What a report holds of a verdict: the names in its JSON, and that it is read back as it was."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import convert, to_builtins
from worlds import conditions, declared, fill

from repro.runs.store import Store
from repro.statistics.estimands import Outcome
from repro.statistics.joint import Jointly
from repro.verdicts.claim import Case
from repro.verdicts.deciding import judge
from repro.verdicts.entry import Broken, Entry, json_of

WHERE = conditions(batch_sizes=(64, 256), seeds=2)
# What programs read from report.json by name.
NAMES = (
    *("test", "id", "case", "section", "says", "task", "standing", "figures", "verdict", "outcome", "effect", "asked"),
    *(
        "shown",
        "estimate",
        "interval",
        "level",
        "p",
        "further",
        "margin",
        "margins",
        "flips_at",
        "notes",
        "number_line",
    ),
    *(
        "unit",
        "because",
        "declared",
        "declaration",
        "reason",
        "lacks",
        "compares",
        "seeds",
        "compared_seeds",
        "looks",
        "undertrained",
        "runs",
        "evidence",
        "curves",
    ),
    *("instruments", "equal_amount", "sound", "readings", "rerun", "declared_before", "family_wise"),
)
# The least that a report of this format has ever held of a verdict.
OLDEST = {
    "test": "claims/test_it.py::test_it[M1-MNIST]",
    "id": "it-drops",
    "case": "M1-MNIST",
    "task": "M1-MNIST",
    "verdict": "trend seen",
    "outcome": "holds",
    "shown": "-27.0 points [-30.0, -24.0]",
    "declared": "ba9876543210",
    "declaration": {"claim": "it-drops"},
    "interval": [-30, None],
    "estimate": -27,
}
EVERY = [case for test in declared() for case in test.cases]
JOINT = [case for case in EVERY if isinstance(case.holds_if, Jointly)]


def entry(folder: Path, case: Case) -> Entry:
    return judge(case, fill(Store(folder), case.runs(WHERE)), WHERE).entry()


def test_the_names_in_the_json_of_a_verdict_are_these_in_this_order(tmp_path: Path) -> None:
    assert tuple(to_builtins(entry(tmp_path, EVERY[0]))) == NAMES


@pytest.mark.parametrize("case", EVERY[::19], ids=lambda case: f"{case.claim.id}-{case.id}")
def test_a_verdict_is_read_back_as_it_was(tmp_path: Path, case: Case) -> None:
    before = entry(tmp_path, case)
    assert convert(json.loads(json_of(before)), Entry) == before


@pytest.mark.parametrize("case", JOINT[:2], ids=lambda case: f"{case.claim.id}-{case.id}")
def test_a_joint_claim_reports_every_margin_it_was_declared_with(tmp_path: Path, case: Case) -> None:
    found, margins = entry(tmp_path, case), case.holds_if.margins
    assert len(margins) > 1
    assert found.margins == tuple(map(str, margins))
    assert found.margin == margins[0].size


def test_what_an_older_report_lacks_has_a_default() -> None:
    found = convert(OLDEST, Entry)
    assert (found.outcome, found.estimate, found.interval) == (Outcome.HOLDS, -27.0, (-30.0, None))
    assert (found.readings, found.further, found.declared_before, found.family_wise) == ((), None, (), None)


@pytest.mark.parametrize("name", [name for name in OLDEST if name != "test"])
def test_a_verdict_that_lacks_what_all_have_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}`"):
        convert({key: value for key, value in OLDEST.items() if key != name}, Entry)


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"equal_amount": {"amount": 3}}, "equal_amount"),
        ({"further": {"seeds": 1.5, "seconds": 1, "text": ""}}, "further.seeds"),
        ({"readings": [{"name": "sound-attack"}]}, r"readings\[0\]"),
        ({"declared_before": [3]}, r"declared_before\[0\]"),
    ],
)
def test_a_part_of_another_kind_is_refused_by_its_place(part: dict[str, Any], path: str) -> None:
    with pytest.raises(ValueError, match=path):
        convert(OLDEST | part, Entry)


def test_a_number_that_is_not_finite_is_never_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_of(convert(OLDEST | {"level": float("nan")}, Entry))


def test_a_test_that_broke_says_of_a_claim_only_what_it_is_about() -> None:
    own = Broken(test="tests/test_own.py::test_own", error="AssertionError")
    assert to_builtins(own) == {"test": "tests/test_own.py::test_own", "error": "AssertionError"}
    about = {"claim": "it-drops", "case": "M1-MNIST", "task": "M1-MNIST"}
    assert to_builtins(Broken(test="a", error="b", **about)) == {"test": "a", **about, "error": "b"}
