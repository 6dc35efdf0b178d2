import json
import multiprocessing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as forgetful
from worlds import READING, case_of, conditions, fill

from repro.experiment.recipes import LR_BS
from repro.experiment.tasks import M1_MNIST
from repro.runs.store import Store
from repro.statistics.equivalence import Flat
from repro.statistics.units import points
from repro.verdicts import history as decided
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, Curve
from repro.verdicts.deciding import judge
from repro.verdicts.entry import Entry
from repro.verdicts.history import remember

PROCESSES = 8


def case(margin: float, claim: str = "it-is-flat", axes: tuple[str, ...] = ("FGSM",)) -> Case:
    return case_of(Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Flat(points(margin)), id=claim, axes=axes)


def session(root: Path, *cases: Case, seeds: int = 3, regime: str = "quick", pgd_steps: int = 4) -> list[Entry]:
    """A session that decides these cases; their entries."""
    where, store = conditions(seeds=seeds), Store(root)
    reading = replace(READING, pgd_steps=pgd_steps)
    where = replace(where, regime=where.regime.overridden(reading=reading))
    fill(store, {run for case in cases for run in case.runs(where)}, reading=reading)
    entries = [judge(case, store, where).entry() for case in cases]
    found = remember(store, entries, regime)
    assert entries == [forgetful(entry, declared_before=()) for entry in found]
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Days that pass with every session."""
    days = iter(range(1, 29))
    real = decided.datetime

    class Clock:
        @staticmethod
        def now(zone: Any) -> Any:
            return real(2026, 3, next(days), tzinfo=zone)

    monkeypatch.setattr(decided, "datetime", Clock)
    return Clock


def test_a_first_declaration_has_none_before_it(tmp_path: Path) -> None:
    assert [entry.declared_before for entry in session(tmp_path, case(5), case(5, "other"))] == [(), ()]


@pytest.mark.usefixtures("clock")
def test_a_margin_that_was_moved_shows_with_what_it_was(tmp_path: Path) -> None:
    (first,) = session(tmp_path, case(5))
    (second,) = session(tmp_path, case(2))
    (before,) = second.declared_before
    assert before.declared == first.declared != second.declared
    assert before.asked == "every two batch sizes within 5 points of each other"
    assert before.date == "2026-03-01T00:00:00+00:00"
    assert (before.verdict, before.regime) == (first.verdict, "quick")
    assert before.changes == ("holds_if.within: 5 points -> 2 points",)


@pytest.mark.usefixtures("clock")
def test_a_margin_that_was_moved_back_shows_too_and_each_declaration_once(tmp_path: Path) -> None:
    for margin in (5, 2, 3, 2):
        session(tmp_path, case(margin))
    (entry,) = session(tmp_path, case(5))
    found = [(old.date[:10], [*old.changes]) for old in entry.declared_before]
    assert found == [
        ("2026-03-02", ["holds_if.within: 2 points -> 5 points"]),
        ("2026-03-03", ["holds_if.within: 3 points -> 5 points"]),
    ]


def test_only_the_same_claim_and_case_count(tmp_path: Path) -> None:
    session(tmp_path, case(5), case(5, "other"))
    found = session(tmp_path, case(2), case(5, "other"), case(2, "third"), case(2, axes=("PGD",)))
    assert [len(entry.declared_before) for entry in found] == [1, 0, 0, 0]


def test_a_session_that_only_adds_seeds_is_no_change(tmp_path: Path) -> None:
    session(tmp_path, case(5), seeds=2)
    (entry,) = session(tmp_path, case(5), seeds=3)
    assert entry.declared_before == ()


def test_better_words_are_no_change(tmp_path: Path) -> None:
    session(tmp_path, case(5))
    old = case(5)
    (entry,) = session(tmp_path, replace(old, claim=replace(old.claim, says="It hardly varies.", because="as usual")))
    assert entry.declared_before == ()


def test_another_reading_in_the_same_regime_shows(tmp_path: Path) -> None:
    session(tmp_path, case(5), pgd_steps=8)
    (entry,) = session(tmp_path, case(5), pgd_steps=40)
    assert [old.changes for old in entry.declared_before] == [("M1-MNIST.reading.pgd_steps: 8 -> 40",)]


@pytest.mark.usefixtures("clock")
def test_two_regimes_are_not_held_against_each_other(tmp_path: Path) -> None:
    session(tmp_path, case(5), regime="paper")
    session(tmp_path, case(2), pgd_steps=40)
    (entry,) = session(tmp_path, case(2), regime="paper")
    assert [[*old.changes] for old in entry.declared_before] == [["holds_if.within: 5 points -> 2 points"]]
    assert [old.regime for old in entry.declared_before] == ["paper"]
    (entry,) = session(tmp_path, case(5), pgd_steps=40)  # which another regime has declared so before
    assert [old.date[:10] for old in entry.declared_before] == ["2026-03-02"]


def test_terms_that_claims_share_are_left_in_the_store_once(tmp_path: Path) -> None:
    session(tmp_path, *(case(margin, f"claim-{margin}") for margin in range(1, 9)))
    (file,) = (tmp_path / "decided").iterdir()
    record = json.loads(file.read_text())
    assert len(record["terms"]) == len(record["decided"][0]["declaration"]["under"]) == 4
    assert file.read_text().count("pgd_steps") == 1


def test_another_store_knows_nothing(tmp_path: Path) -> None:
    session(tmp_path / "one", case(5))
    (entry,) = session(tmp_path / "other", case(2))
    assert entry.declared_before == ()


def test_a_session_that_declares_nothing_new_leaves_no_file(tmp_path: Path) -> None:
    for _ in range(3):
        session(tmp_path, case(5))
    assert len([*(tmp_path / "decided").iterdir()]) == 1


@pytest.mark.usefixtures("clock")
def test_a_declaration_that_two_sessions_left_counts_once_with_the_first_date(tmp_path: Path) -> None:
    """As two sessions at once leave it, or two stores that were put together."""
    for name in ("earlier", "store"):
        session(tmp_path / name, case(5))
    (file,) = (tmp_path / "earlier" / "decided").iterdir()  # of the first of March
    file.rename(tmp_path / "store" / "decided" / file.name)
    (entry,) = session(tmp_path / "store", case(2))
    assert [old.date[:10] for old in entry.declared_before] == ["2026-03-01"]


@pytest.mark.parametrize("damage", [b"", b'{"decided": [{"cl', b"[]", b'{"else": 1}', b'{"decided": [{"id": 3}]}'])
def test_a_damaged_file_forgets_what_it_held_and_no_more(tmp_path: Path, damage: bytes) -> None:
    session(tmp_path, case(5))
    (file,) = (tmp_path / "decided").iterdir()
    session(tmp_path, case(4))
    file.write_bytes(damage)
    (entry,) = session(tmp_path, case(2))
    assert [[*old.changes] for old in entry.declared_before] == [["holds_if.within: 4 points -> 2 points"]]


def _at_once(root: Path, margin: float, barrier: Any, results: Any) -> None:
    where, store = conditions(), Store(root)
    entry = judge(case(margin), store, where).entry()
    barrier.wait()
    (found,) = remember(store, [entry], "quick")
    results.put([old.changes[0] for old in found.declared_before])


def test_of_sessions_at_once_none_is_forgotten_and_one_sees_all_others(tmp_path: Path) -> None:
    fill(Store(tmp_path), case(5).runs(conditions()))
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(PROCESSES), context.Queue()
    children = [
        context.Process(target=_at_once, args=(tmp_path, margin, barrier, results))
        for margin in range(1, PROCESSES + 1)
    ]
    for child in children:
        child.start()
    seen = [results.get(timeout=60) for _ in children]
    for child in children:
        child.join()
    assert max(map(len, seen)) == PROCESSES - 1
    (entry,) = session(tmp_path, case(20))
    assert len(entry.declared_before) == PROCESSES
