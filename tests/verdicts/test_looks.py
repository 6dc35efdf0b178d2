"""Looks at a claim in one session after another, on one store: each is counted, and none twice."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import case_of, conditions, fill, is_of, same_examples

from repro.experiment.recipes import LR_BS
from repro.experiment.tasks import M1_MNIST
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.pairs import Mostly
from repro.statistics.sequential import ERROR, LOOKED_FURTHER, REST
from repro.statistics.trends import Drops
from repro.statistics.units import points
from repro.verdicts import terms
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, Curve
from repro.verdicts.deciding import judge
from repro.verdicts.entry import Entry, Look
from repro.verdicts.history import decided, looks_before, remember
from repro.verdicts.looks import error, schedule
from repro.verdicts.verdict import Verdict

DROPS = case_of(Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Drops(points(1)))
OTHER = case_of(Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Drops(points(2)))

Slope = Callable[[int], float]


def unsure(seed: int) -> float:
    """A seed that shows no fall among those that do: no few of them are sure of it."""
    return 0.0 if seed == 1 else 0.1


def sure(_: int) -> float:
    return 0.1


def session(
    root: Path, seeds: int, slope: Slope = unsure, case: Case = DROPS, where: Conditions | None = None
) -> Entry:
    """A session with so many seeds on a store; the entry of its report."""
    store, where = Store(root), where or conditions(seeds=seeds)
    most = replace(where, until_decided=None).with_seeds(max(where.looks(M1_MNIST)))

    def results(run: Run) -> dict[str, float]:
        assert is_of(run, LR_BS())
        return {"fgsm_accuracy": 0.9 - slope(run.seed) * (run.batch_size / 256)}

    fill(store, [run for run in case.runs(most) if store.record(run) is None], results)
    before = looks_before(decided(store), case, where)
    (entry,) = remember(store, [judge(case, store, where, before=before).entry()], "quick")
    return entry


def adding(cap: int, seeds: int = 3) -> Conditions:
    return replace(conditions(seeds=seeds), until_decided=cap)


def made(entry: Entry) -> list[tuple[int, float, bool]]:
    return [(look.seeds, round(look.level, 6), look.decided) for look in entry.looks]


def test_a_first_and_only_look_decides_at_5_percent_and_says_nothing_of_looks(tmp_path: Path) -> None:
    entry = session(tmp_path, 3)
    assert (entry.level, made(entry)) == (pytest.approx(0.9), [(3, 0.05, False)])
    assert "look " not in entry.evidence.replace("further look", "")


def test_a_later_session_with_more_seeds_decides_at_a_fifth_and_says_so(tmp_path: Path) -> None:
    first = session(tmp_path, 3)
    second = session(tmp_path, 8)
    assert first.further is not None
    assert first.further.level == pytest.approx(REST * ERROR)
    assert second.level == pytest.approx(0.98)
    assert made(second) == [(3, 0.05, False), (8, 0.01, second.outcome == "holds")]
    words = (
        "look 2 of this claim: decided at 1%, after 3 seeds at 5%; together they are wrong in at most 6% of all cases"
    )
    assert f"\n  {words}\n" in second.evidence


def test_the_same_seeds_again_are_no_new_look_and_give_the_identical_verdict(tmp_path: Path) -> None:
    found = {seeds: session(tmp_path, seeds) for seeds in (3, 5, 8)}
    assert [len(entry.looks) for entry in found.values()] == [1, 2, 3]
    for seeds in (8, 3, 5, 5, 8):
        again = session(tmp_path, seeds)
        told = {"looks", "evidence", "further"}  # what looks since then add
        same = [name for name in again.__struct_fields__ if seeds == 8 or name not in told]
        assert [getattr(again, name) for name in same] == [getattr(found[seeds], name) for name in same]


def test_a_verdict_on_fewer_seeds_tells_what_more_of_them_came_to_since(tmp_path: Path) -> None:
    """Three seeds that held once hold again; that eight took it back has to be said, and a further look comes after."""
    before = session(tmp_path, 3, sure)
    after = session(tmp_path, 8, lambda seed: 0.1 * (-1) ** seed)
    again = session(tmp_path, 3)
    assert (before.outcome, after.outcome, again.outcome) == ("holds", "undecided", "holds")
    words = "8 seeds of this claim were looked at since, which left it undecided, at 5%"
    assert words in again.evidence
    assert words not in before.evidence + after.evidence
    assert [look.seeds for look in again.looks] == [3, 8]


def test_a_further_look_is_priced_after_the_last_that_was_made(tmp_path: Path) -> None:
    session(tmp_path, 3)
    last = session(tmp_path, 5)
    again = session(tmp_path, 3)
    assert (again.further is None) is (last.further is None)
    assert again.further is not None
    assert again.further.level == pytest.approx(REST**2 * ERROR)


def test_fewer_seeds_than_were_looked_at_are_no_look_and_decide_nothing(tmp_path: Path) -> None:
    session(tmp_path, 8, lambda seed: unsure(seed) if seed < 5 else 0.1 * (-1) ** seed)
    entry = session(tmp_path, 5)
    alone = session(tmp_path / "alone", 5)
    assert alone.outcome != "undecided" or alone.further is not None
    assert (entry.outcome, entry.reason, entry.further) == ("undecided", LOOKED_FURTHER, None)
    assert entry.estimate == alone.estimate
    assert "8 seeds of this claim were looked at before: fewer decide nothing" in entry.evidence
    assert made(session(tmp_path, 10))[0] == (8, 0.05, False)
    assert len(session(tmp_path, 10).looks) == 2


def test_more_seeds_check_a_decision_at_its_own_level_and_at_no_cost(tmp_path: Path) -> None:
    assert made(session(tmp_path, 3, sure)) == [(3, 0.05, True)]
    entry = session(tmp_path, 6, sure)
    assert made(entry) == [(3, 0.05, True), (6, 0.05, True)]
    assert "together they are wrong in at most 5% of all cases" in entry.evidence


def test_a_decision_can_be_taken_back(tmp_path: Path) -> None:
    noisy = lambda seed: 0.1 if seed < 3 else (-0.1 if seed % 3 else 0.3)  # noqa: E731
    assert session(tmp_path, 3, noisy).outcome == "holds"
    later = session(tmp_path, 8, noisy)
    assert (later.outcome, made(later)[1]) == ("undecided", (8, 0.05, False))
    assert made(session(tmp_path, 10, noisy))[2][1] == 0.01


MOSTLY = case_of(Curve(M1_MNIST, LR_BS(), FGSM), Curve(M1_MNIST, LR_BS(0.9), FGSM), holds_if=Mostly("higher"))


def test_seeds_that_could_decide_nothing_were_not_looked_at(tmp_path: Path) -> None:
    """Four that all agree are no evidence by the sign test: the look at five is the first, at the whole error."""

    def higher(run: Run) -> dict[str, float]:
        return {"fgsm_accuracy": 0.5 + 0.1 * run.sgd.momentum + 0.001 * run.seed}

    def judged(seeds: int, before: Sequence[Look]) -> Verdict:
        where = conditions(seeds=seeds)
        return judge(MOSTLY, fill(Store(tmp_path), MOSTLY.runs(where), higher), where, before=before)

    few = judged(4, ())
    assert (few.inconclusive, few.looks) == (True, ())
    assert few.further is not None
    assert (few.further.seeds, few.further.level) == (1, ERROR)
    for before in ((), (Look(seeds=4, level=ERROR, decided=False, data=""),)):
        enough = judged(5, before)
        assert (enough.reproduced, [(look.seeds, look.level) for look in enough.looks]) == (True, [(5, ERROR)])


def test_a_look_under_earlier_rules_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session(tmp_path, 3)
    monkeypatch.setattr(terms, "RULES", terms.RULES + 1)
    entry = session(tmp_path, 8)
    assert made(entry)[0] == (3, ERROR, False)
    assert entry.declared_before


@pytest.mark.parametrize("other", ["declaration", "batch sizes", "store"])
def test_only_looks_at_the_same_data_under_the_same_declaration_count(tmp_path: Path, other: str) -> None:
    session(tmp_path, 3)
    where = conditions(seeds=8, batch_sizes=(64, 256)) if other == "batch sizes" else None
    case = OTHER if other == "declaration" else DROPS
    entry = session(tmp_path / "other" if other == "store" else tmp_path, 8, case=case, where=where)
    assert [look.level for look in entry.looks] == [ERROR]


def test_going_on_until_decided_begins_where_the_last_session_ended(tmp_path: Path) -> None:
    back_and_forth = lambda seed: 0.1 * (-1) ** seed  # noqa: E731
    session(tmp_path, 5, back_and_forth)
    entry = session(tmp_path, 0, back_and_forth, where=adding(12))
    assert [look.seeds for look in entry.looks] == [5, 8, 12]
    assert entry.looks[0].level == ERROR
    assert sum(look.level for look in entry.looks[1:]) == pytest.approx(REST * ERROR)
    again = session(tmp_path, 0, back_and_forth, where=adding(12))
    assert again == entry


def test_planned_looks_leave_their_last_ones_fifth(tmp_path: Path) -> None:
    back_and_forth = lambda seed: 0.1 * (-1) ** seed  # noqa: E731
    planned = session(tmp_path, 0, back_and_forth, where=adding(8))
    assert [look.seeds for look in planned.looks] == [3, 5, 8]
    assert error(planned.looks) == pytest.approx(ERROR)
    later = session(tmp_path, 12, back_and_forth)
    assert later.looks[-1].level == pytest.approx(REST * planned.looks[-1].level)


def test_what_has_no_estimate_was_not_looked_at(tmp_path: Path) -> None:
    where = conditions(seeds=3, batch_sizes=(64,))
    assert session(tmp_path, 3, where=where).looks == ()


looks = st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=0, max_size=6, unique_by=lambda found: found[0])


@same_examples
@given(looks, st.sets(st.integers(1, 30), min_size=1, max_size=5))
def test_no_sequence_of_sessions_is_wrong_in_more_than_5_percent_and_a_quarter_of_it(
    sessions: list[tuple[int, bool]], wanted: set[int]
) -> None:
    """Sessions in any order, of one look each, and then one that goes on until it is decided."""
    before: tuple[Look, ...] = ()
    for seeds, settled in sessions:
        (((at,), level),) = schedule(before, [(seeds,)])
        if level and at not in {look.seeds for look in before}:
            before = (*before, Look(seeds=at, level=level, decided=settled, data=""))
    assert [look.seeds for look in before] == sorted(look.seeds for look in before)
    planned = [(seeds, level) for (seeds,), level in schedule(before, [(seeds,) for seeds in sorted(wanted)])]
    assert [seeds for seeds, _ in planned] == sorted({seeds for seeds, _ in planned})
    for seeds, level in planned:
        known = next((look for look in before if look.seeds == seeds), None)
        if known is not None and known.decided:
            break
        if known is None and level:
            before = (*before, Look(seeds=seeds, level=level, decided=False, data=""))
    assert error(before) <= ERROR / (1 - REST) + 1e-12
