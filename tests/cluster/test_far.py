"""What goes out to workers when, and what becomes of it."""

import json
import time
from collections import Counter
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event
from unittest import mock

import pytest
from fleets import CONDITIONS, READING, Fleet, checkpoint, make, run, shop, trains, transfers

from repro.cluster import far as far_module
from repro.cluster.parcels import Made, Parcel, unpack
from repro.runs.run import Job
from repro.runs.store import Store
from repro.runs.workshop import Journal, StoppedError


def test_a_run_goes_out_with_its_checkpoints_and_comes_back_whole(store: Store, executor: Executor) -> None:
    fleet = Fleet(executor)
    shop(store, fleet, trains(), trains(1), checkpoint()).obtain([trains(), checkpoint()])
    assert fleet.sent[0] == (trains(), checkpoint())
    assert store.whole(*trains())
    assert store.whole(*checkpoint())
    assert store.weights(run()).read_bytes() == b"0"


def test_what_takes_two_networks_goes_out_when_both_are_stored_with_their_weights(
    store: Store, executor: Executor
) -> None:
    seen: dict[tuple[Job, ...], set[int]] = {}

    def does(work: Parcel) -> Made:
        seen[work.jobs] = {run.seed for run in work.stored}
        return make(work)

    jobs = [transfers(), transfers(1), trains(), trains(1)]
    shop(store, Fleet(executor, does=does), *jobs).obtain(jobs)
    assert seen[(transfers(),)] == seen[(transfers(1),)] == {0, 1}
    assert all(store.whole(*job) for job in jobs)


def test_a_reading_of_a_trained_run_goes_out_with_it_and_leaves_its_training_alone(
    store: Store, executor: Executor
) -> None:
    further = Job(run(), replace(READING, pgd_steps=9))
    shop(store, Fleet(executor), trains()).obtain([trains()])
    before = store.weights(run()).stat().st_ino
    shop(store, Fleet(executor), further).obtain([further])
    assert store.whole(*further)
    assert store.weights(run()).stat().st_ino == before


def test_no_more_is_out_than_workers_can_be_at(store: Store, executor: Executor) -> None:
    both = Barrier(2, timeout=30)  # each worker waits for the other, so that two are out at once

    def does(work: Parcel) -> Made:
        both.wait()
        return make(work)

    fleet = Fleet(executor, does=does)
    jobs = [trains(seed) for seed in range(30)]
    shop(store, fleet, *jobs).obtain(jobs)
    assert fleet.most_out == fleet.workers
    assert [sent[0] for sent in fleet.sent] == jobs  # and in the session's order


def test_runs_of_a_cohort_go_out_together(store: Store, executor: Executor) -> None:
    fleet = Fleet(executor)
    jobs = [trains(seed) for seed in range(5)]
    shop(store, fleet, *jobs, cohort=lambda _: 3).obtain(jobs)
    assert [len(sent) for sent in fleet.sent] == [3, 2]


def test_what_takes_a_network_that_another_session_made_goes_out_too(store: Store, executor: Executor) -> None:
    fleet, other = Fleet(executor), Store(store.root)
    with other.claimed(run(1)):
        far = shop(store, fleet, trains(), trains(1), transfers())
        far.obtain([trains()])
        work = Parcel((trains(1),), CONDITIONS, (), {})
        unpack(make(work), work.jobs, other)
    far.obtain([transfers()])
    assert fleet.sent == [(trains(),), (transfers(),)]


def test_what_another_session_makes_meanwhile_is_seen_though_all_workers_are_busy(
    store: Store, executor: Executor
) -> None:
    """A claim does not wait for a slot to find out that its run is stored."""
    done, free, other = Event(), list[bool](), Store(store.root)

    def does(work: Parcel) -> Made:
        if work.jobs == (trains(),):
            theirs = Parcel((trains(1),), CONDITIONS, (), {})
            with other.claimed(run(1)):
                unpack(make(theirs), theirs.jobs, other)
            done.wait(10)
            free.append(True)
        return make(work)

    fleet = Fleet(executor, workers=1, does=does)
    shop(store, fleet, trains(), trains(1)).obtain([trains(1)])
    assert fleet.sent == [(trains(),)]
    assert not free
    done.set()


def test_what_does_not_fit_into_the_time_is_not_sent(store: Store, executor: Executor) -> None:
    fleet = Fleet(executor)
    jobs = [trains(), checkpoint(), trains(1), trains(2)]
    far = shop(store, fleet, *jobs, fits=lambda *jobs: len(jobs) < 2 and trains(2) not in jobs)
    far.obtain([trains(1)])
    for wanted in ([trains(), checkpoint()], [trains(2)]):
        with pytest.raises(StoppedError, match=f"there was no time for {len(wanted)} missing measurement"):
            far.obtain(wanted)
    assert fleet.sent == [(trains(1),)]


def test_looks_take_a_small_part_of_the_time_however_much_is_missing(store: Store, executor: Executor) -> None:
    """Each run that is missing is looked for, which would leave no time to send any where thousands are."""
    looks, has = list[Job](), store.has

    def slow(*job: object) -> bool:
        looks.append(Job(*job))
        time.sleep(0.002)
        return has(*job)

    def does(work: Parcel) -> Made:
        time.sleep(0.04)
        return make(work)

    jobs = [trains(seed) for seed in range(40)]
    far = shop(store, Fleet(executor, does=does), *jobs)
    with mock.patch.object(far_module, "LOOK", 0.0), mock.patch.object(store, "has", slow):
        far.obtain(jobs)
    assert Counter(looks)[jobs[-1]] < 10


def test_runs_that_another_session_holds_wait_for_it(store: Store, executor: Executor) -> None:
    fleet, other = Fleet(executor), Store(store.root)
    with other.claimed(run()):
        far = shop(store, fleet, trains(), trains(1))
        far.obtain([trains(1)])
        assert fleet.sent == [(trains(1),)]
    far.obtain([trains()])
    assert fleet.sent == [(trains(1),), (trains(),)]


def test_a_session_that_is_over_makes_no_more(store: Store, executor: Executor) -> None:
    far = shop(store, Fleet(executor), trains(), over=lambda: True)
    with pytest.raises(StoppedError, match="1 run of this claim had not been made"):
        far.obtain([trains()])


def test_the_journal_says_which_worker_made_what_and_for_how_long(
    store: Store, executor: Executor, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journal.jsonl", "main")
    shop(store, Fleet(executor), trains(), journal=journal).obtain([trains()])
    begin, end = (json.loads(line) for line in journal.path.read_text().splitlines())
    assert (begin["worker"], begin["event"], end["event"]) == ("a worker", "begin", "end")
    assert end["time"] - begin["time"] == pytest.approx(0.5)
