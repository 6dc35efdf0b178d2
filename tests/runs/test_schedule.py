import itertools
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import READING, same_examples

from repro.experiment.readings import of_checkpoints, transfer
from repro.experiment.recipes import LR
from repro.experiment.tasks import M1_MNIST
from repro.runs.run import Run
from repro.runs.schedule import Schedule, Work, simulate, work_of

WORKERS = st.integers(1, 9)
SECONDS = st.floats(0.01, 100)


@st.composite
def sweeps(draw: st.DrawFn, *, linked: bool) -> list[Work]:
    """Work of a few runs; where ``linked``, some of it waits for work that stands before or behind it."""
    pieces = draw(st.lists(st.tuples(st.integers(0, 5), SECONDS), max_size=20))
    order = draw(st.permutations(range(len(pieces))))
    found = []
    for i, (of, seconds) in enumerate(pieces):
        earlier = [name for name in range(len(pieces)) if order[name] < order[i]]
        after = draw(st.lists(st.sampled_from(earlier), max_size=2)) if linked and earlier else []
        found.append(Work(i, seconds, of, tuple(after)))
    return found


def apart(sweep: list[Work]) -> list[Work]:
    """The same, every piece of a run of its own."""
    return [replace(work, of=work.name) for work in sweep]


@given(sweep=sweeps(linked=False), workers=WORKERS)
@same_examples
def test_the_makespan_lies_between_the_lower_bound_and_graham_s(sweep: list[Work], workers: int) -> None:
    for found in (simulate(sweep, workers), simulate(apart(sweep), workers)):
        bound = found.lower_bound
        assert bound * (1 - 1e-9) <= found.makespan <= (2 - 1 / workers) * bound * (1 + 1e-9)


@given(sweep=sweeps(linked=True), workers=WORKERS)
@same_examples
def test_all_work_is_done_once_and_no_worker_does_two_things_at_a_time(sweep: list[Work], workers: int) -> None:
    found = simulate(sweep, workers)
    assert sorted(slot.work.name for slot in found.slots) == sorted(work.name for work in sweep)  # type: ignore[type-var]
    for worker in range(workers):
        line = found.timeline(worker)
        assert all(a.end <= b.begin for a, b in itertools.pairwise(line))
    assert all(slot.end == slot.begin + slot.work.seconds for slot in found.slots)
    assert sum(len(found.timeline(worker)) for worker in range(workers)) == len(sweep)


@given(sweep=sweeps(linked=True), workers=WORKERS)
@same_examples
def test_a_run_is_worked_on_by_one_worker_at_a_time_and_what_waits_comes_after(sweep: list[Work], workers: int) -> None:
    found = simulate(sweep, workers)
    runs = defaultdict(list)
    for slot in found.slots:
        runs[slot.work.of].append(slot)
    assert all(a.end <= b.begin for line in runs.values() for a, b in itertools.pairwise(line))
    ends = {slot.work.name: slot.end for slot in found.slots}
    assert all(ends[name] <= slot.begin for slot in found.slots for name in slot.work.after)


@given(sweep=sweeps(linked=True), workers=WORKERS)
@same_examples
def test_no_worker_is_idle_while_work_could_begin(sweep: list[Work], workers: int) -> None:
    found = simulate(sweep, workers)
    ends = {slot.work.name: slot.end for slot in found.slots}
    moments = sorted({0.0, *ends.values()})
    for begun, ended in itertools.pairwise(moments):
        now = (begun + ended) / 2
        running = [slot for slot in found.slots if slot.begin < now < slot.end]
        if len(running) < workers and begun < now < ended:
            busy = {slot.work.of for slot in running}
            could = [
                slot
                for slot in found.slots
                if slot.begin > now and slot.work.of not in busy and all(ends[name] < now for name in slot.work.after)
            ]
            assert not could


@given(sweep=sweeps(linked=True))
@same_examples
def test_one_worker_takes_the_sum_and_is_never_idle(sweep: list[Work]) -> None:
    found = simulate(sweep, 1)
    assert found.makespan == pytest.approx(sum(work.seconds for work in sweep))
    assert found.idle == pytest.approx(0, abs=1e-9)


@given(sweep=sweeps(linked=False))
@same_examples
def test_with_a_worker_for_each_run_the_longest_run_decides(sweep: list[Work]) -> None:
    found = simulate(sweep, 6)
    assert found.makespan == pytest.approx(found.longest)


def spans(found: Schedule) -> list[tuple[object, int, float, float]]:
    return [(slot.work.name, slot.worker, slot.begin, slot.end) for slot in found.slots]


def test_a_schedule_worked_out_by_hand() -> None:
    """Two workers; b belongs to a's run, and d waits for c."""
    sweep = [Work("a", 4, 1), Work("b", 2, 1), Work("d", 1, 3, ("c",)), Work("c", 3, 2), Work("e", 2, 4)]
    found = simulate(sweep, 2)
    assert spans(found) == [("a", 0, 0, 4), ("c", 1, 0, 3), ("d", 1, 3, 4), ("b", 0, 4, 6), ("e", 1, 4, 6)]
    assert (found.makespan, found.work, found.longest, found.lower_bound, found.idle) == (6, 12, 6, 6, 0)


def test_the_idle_share_is_of_all_workers_time() -> None:
    found = simulate([Work("a", 4, 1), Work("b", 2, 2)], 3)
    assert found.idle == pytest.approx(1 - 6 / 12)
    assert found.lower_bound == 4


def test_nothing_takes_no_time() -> None:
    found = simulate([], 3)
    assert (found.makespan, found.lower_bound, found.idle) == (0, 0, 0)


@pytest.mark.parametrize(
    ("sweep", "workers", "line"),
    [
        ([], 0, "workers=0"),
        ([Work("a", 1, 1), Work("a", 1, 2)], 1, "no two pieces"),
        ([Work("a", 1, 1, ("b",))], 1, "a: waits for work"),
        ([Work("a", 1, 1, ("b",)), Work("b", 1, 2, ("a",))], 1, "a: waits for work"),
    ],
)
def test_what_cannot_be_scheduled_is_refused(sweep: list[Work], workers: int, line: str) -> None:
    with pytest.raises(ValueError, match=line):
        simulate(sweep, workers)


RUN = Run(M1_MNIST, LR().sgd(64), 64, 1, 2, 1024, "published", "cpu")
CHECKPOINT, SIBLING = replace(RUN, steps=4), replace(RUN, seed=0)
WHOLE, EARLIER = (RUN, READING), (CHECKPOINT, of_checkpoints(READING))
OTHER, TOGETHER = (RUN, replace(READING, parts=("curvature",))), (RUN, transfer(READING))


def test_readings_checkpoints_and_transfers_follow_the_trainings_they_need() -> None:
    jobs = [TOGETHER, EARLIER, OTHER, WHOLE, (SIBLING, READING)]
    found = {work.name: work for work in work_of(jobs, dict.fromkeys(jobs, 2.0))}
    assert list(found) == jobs
    assert {work.of for work in found.values()} == {RUN, SIBLING}
    assert found[WHOLE].after == ()
    assert found[OTHER].after == found[EARLIER].after == (WHOLE,)
    assert found[TOGETHER].after == (WHOLE, (SIBLING, READING))
    assert simulate(list(found.values()), 4).makespan == 8


def test_what_needs_no_training_now_waits_for_none() -> None:
    """The run and its sibling are stored; each of the rest can begin."""
    jobs = [TOGETHER, EARLIER]
    assert [work.after for work in work_of(jobs, dict.fromkeys(jobs, 1.0))] == [(), ()]
