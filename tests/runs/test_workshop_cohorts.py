"""Cohorts: which runs a process trains together, and what becomes of those that break."""

from collections.abc import Sequence
from dataclasses import replace

from ovens import FIRST, JOBS, RUNS, Oven, jobs, put, workshop

from repro.experiment.recipes import SGD
from repro.experiment.tasks import TASKS
from repro.runs.conditions import Conditions
from repro.runs.run import Job, Run
from repro.runs.store import Store
from repro.runs.workshop import COHORT, Workshop, cohort_size


class Kiln:
    """What trains runs together, and remembers which; ``breaking`` are not stored, and why; ``falls`` breaks it all.

    It falls when the first of its runs is stored.
    """

    def __init__(self, breaking: dict[Run, str] | None = None, falls: bool = False) -> None:
        self.trained: list[list[Run]] = []
        self.breaking, self.falls = breaking or {}, falls

    def __call__(self, members: Sequence[tuple[Run, Sequence[Run]]], store: Store, _: Conditions) -> dict[Run, str]:
        runs = [run for run, _ in members]
        self.trained.append(runs)
        for run in runs:
            with store.claimed(run) as free:  # all of them are locked while they are trained
                assert not free
        for run in runs:
            if run not in self.breaking:
                store.put_run(run, {}, lambda path: path.write_bytes(b"weights"))
            if self.falls:
                raise RuntimeError("out of\nmemory")
        return {run: why for run, why in self.breaking.items() if run in runs}


def cohorts(store: Store, oven: Oven, kiln: Kiln, session: Sequence[Job], size: int = 3) -> Workshop:
    return workshop(store, oven, session, cohort=lambda _: size, together=kiln)


def test_missing_runs_of_one_cohort_are_trained_together_and_each_is_measured(store: Store) -> None:
    put(store, RUNS[1])
    strangers = [replace(FIRST, batch_size=32), replace(FIRST, device="cuda"), replace(FIRST, precision="bfloat16")]
    kin = replace(FIRST, sgd=SGD(0.02, 0.9))
    oven, kiln = Oven(), Kiln()
    with store.claimed(RUNS[2]):  # another process is at it
        cohorts(store, oven, kiln, jobs([*RUNS[:4], *strangers, kin])).help_out()
    assert len(kiln.trained) == 1
    assert set(kiln.trained[0]) == {FIRST, RUNS[3], kin}
    assert set(oven.made) == {FIRST, RUNS[3], kin, *strangers}
    assert len(oven.made) == 6


def test_a_cohort_is_as_large_as_its_size_and_on_a_cpu_each_run_is_trained_by_itself(store: Store) -> None:
    oven, kiln = Oven(), Kiln()
    cohorts(store, oven, kiln, JOBS).help_out()
    assert [len(members) for members in kiln.trained] == [3, 3, 2]
    assert sorted(run.seed for run in oven.made) == list(range(8))
    assert cohort_size(FIRST) == 1
    assert {cohort_size(replace(FIRST, device="cuda", task=task)) for task in TASKS.values()} == set(COHORT.values())


def test_a_cohort_is_no_larger_than_there_is_time_for(store: Store) -> None:
    oven, kiln = Oven(), Kiln()
    workshop(store, oven, JOBS, cohort=lambda _: 8, together=kiln, fits=lambda *asked: len(asked) <= 3).help_out()
    assert [len(members) for members in kiln.trained] == [3, 3, 2]


def test_runs_that_break_in_a_cohort_are_made_by_themselves(store: Store) -> None:
    why = {RUNS[0]: "OSError: no space left on device", RUNS[1]: "RuntimeError: shape"}
    oven, kiln = Oven(), Kiln(why)
    cohorts(store, oven, kiln, JOBS[:4], size=4).help_out()
    assert len(kiln.trained) == 1
    assert sorted(run.seed for run in oven.made) == [0, 1, 2, 3]
    assert oven.told == {**dict.fromkeys(RUNS[:4]), **why}


def test_a_cohort_that_breaks_as_a_whole_leaves_its_runs_to_be_made_one_by_one(store: Store) -> None:
    """And whoever makes them is told why, but of the one that was stored before."""
    oven, kiln = Oven(), Kiln(falls=True)
    cohorts(store, oven, kiln, JOBS[:4], size=4).obtain(JOBS[:4])
    assert len(kiln.trained) == 1
    assert sorted(run.seed for run in oven.made) == [0, 1, 2, 3]
    assert oven.told == {**dict.fromkeys(RUNS[:4], "RuntimeError: out of memory"), kiln.trained[0][0]: None}
