"""The order of a session, over all of the paper's claims: it may be cut short anywhere."""

from functools import cache
from itertools import groupby
from pathlib import Path

import pytest
from worlds import conditions, declared, prepared, under

from repro.experiment.regimes import LAPTOP, PAPER, QUICK
from repro.runs.costs import Costs, makespan
from repro.runs.run import Run
from repro.runs.store import Store
from repro.verdicts.finishing import CENTRAL, finishing, in_turn
from repro.verdicts.plan import Plan, make_plan

WHERE = conditions(batch_sizes=(64, 256), seeds=3)
REGIMES = {regime.name: regime for regime in (QUICK, LAPTOP, PAPER)}
CASES = [case for test in declared() for case in test.cases]


def test_what_is_begun_is_finished_before_anything_else_and_central_lines_come_first(store: Store) -> None:
    plan = make_plan(CASES, WHERE, prepared(store.root), Costs())
    jobs = finishing(plan, WHERE, 1)
    assert len(jobs) == len(plan.jobs)
    assert {*jobs} == {*plan.jobs}
    begun = [run for run, _ in groupby(jobs, key=lambda job: job.run.whole)]
    assert len(begun) == len({*begun})  # none is left and come back to
    for run, of_run in groupby(jobs, key=lambda job: job.run.whole):
        kinds = [job.kind for job in of_run if job.run == run]
        assert kinds == sorted(kinds, key=["train", "measure", "transfer"].index)
        assert kinds[0] == "train"
    central = {curve for case in CASES if all(c.recipe in CENTRAL for c in case.curves) for curve in case.curves}
    runs = {run for curve in central for run in curve.runs(WHERE)}
    assert {*begun[: len(runs)]} == runs
    assert 0 < len(runs) < len(begun)


def test_a_session_that_is_cut_short_at_a_quarter_of_its_way_has_claims_whole(store: Store) -> None:
    plan = make_plan(CASES, WHERE, prepared(store.root), Costs())
    jobs = finishing(plan, WHERE, 1)
    needed = {case: {*case.jobs(WHERE)} for case in CASES}
    whole = [sum(of_case <= {*jobs[:count]} for of_case in needed.values()) for count in range(0, len(jobs) + 1, 25)]
    assert whole[0] == 0
    assert whole[len(whole) // 4] > len(CASES) / 20
    assert sum(of_case <= {*jobs} for of_case in needed.values()) == len(CASES)


def test_two_seeds_that_a_check_by_transfer_takes_stand_side_by_side(store: Store) -> None:
    plan = make_plan(CASES, WHERE, prepared(store.root), Costs())
    begun = [run for run, _ in groupby(finishing(plan, WHERE, 1), key=lambda job: job.run.whole)]
    place = {run: number for number, run in enumerate(begun)}
    apart = [abs(place[run] - place[run.sibling]) for run in begun if run.sibling in place]
    assert apart
    assert sorted(apart)[len(apart) * 9 // 10] <= 2


@cache
def planned(name: str) -> Plan:
    return make_plan(CASES, under(REGIMES[name]), Store(Path("a folder that is not there")), Costs())


@pytest.mark.parametrize("name", REGIMES)
def test_it_takes_hardly_longer_than_beginning_with_the_slowest(name: str) -> None:
    plan = planned(name)
    for processes in (2, 4, 8):
        ordered = {job: plan.missing[job] for job in finishing(plan, under(REGIMES[name]), processes)}
        assert makespan(ordered, processes) <= 1.05 * makespan(plan.missing, processes)


@pytest.mark.parametrize("processes", [2, 64])
def test_a_slow_run_is_begun_before_what_is_left_would_end_without_it(processes: int) -> None:
    plan = planned("laptop")
    jobs = finishing(plan, under(LAPTOP), processes)
    assert {*jobs} == {*plan.jobs}
    begun, seconds = [*dict.fromkeys(job.run.whole for job in jobs)], plan.lacking
    left = sum(seconds.values())
    for place, run in enumerate(begun):
        slowest = max(seconds[other] for other in begun[place:])
        assert seconds[run] == slowest or slowest * processes < left * (1 + 1e-9)
        left -= seconds[run]


def test_claims_take_turns_in_the_order_in_which_their_runs_are_made() -> None:
    begun = [*dict.fromkeys(job.run.whole for job in finishing(planned("quick"), under(QUICK), 1))]
    cases = in_turn(CASES, under(QUICK))
    assert len(cases) == len({*cases}) == len(CASES)
    needed: dict[Run, None] = {}
    for case in cases:
        needed |= {job.run.whole: None for job in case.jobs(under(QUICK))}
        assert {*needed} == {*begun[: len(needed)]}
