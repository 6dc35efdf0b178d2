"""The order of a session that may be cut short, over all of the paper's claims."""

from itertools import groupby

from worlds import conditions, declared, prepared

from repro.runs.costs import Costs
from repro.runs.store import Store
from repro.verdicts.finishing import CENTRAL, finishing
from repro.verdicts.plan import make_plan

WHERE = conditions(batch_sizes=(64, 256), seeds=3)
CASES = [case for test in declared() for case in test.cases]


def test_what_is_begun_is_finished_before_anything_else_and_central_lines_come_first(store: Store) -> None:
    plan = make_plan(CASES, WHERE, prepared(store.root), Costs())
    jobs = finishing(plan, WHERE)
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


def test_a_session_that_is_cut_short_anywhere_leaves_no_more_than_one_claim_in_parts(store: Store) -> None:
    plan = make_plan(CASES, WHERE, prepared(store.root), Costs())
    jobs = finishing(plan, WHERE)
    needed = {case: {*case.jobs(WHERE)} for case in CASES}
    whole = [sum(of_case <= {*jobs[:count]} for of_case in needed.values()) for count in range(0, len(jobs) + 1, 25)]
    assert whole[0] == 0
    assert whole[len(whole) // 4] > len(CASES) / 20
    assert sum(of_case <= {*jobs} for of_case in needed.values()) == len(CASES)


def test_two_seeds_that_a_check_by_transfer_takes_stand_side_by_side(store: Store) -> None:
    plan = make_plan(CASES, WHERE, prepared(store.root), Costs())
    begun = [run for run, _ in groupby(finishing(plan, WHERE), key=lambda job: job.run.whole)]
    place = {run: number for number, run in enumerate(begun)}
    apart = [abs(place[run] - place[run.sibling]) for run in begun if run.sibling in place]
    assert apart
    assert sorted(apart)[len(apart) * 9 // 10] <= 2
