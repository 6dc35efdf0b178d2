"""What goes out to workers when, and what becomes of it."""

import errno
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event
from unittest import mock

import pytest
from fleets import CONDITIONS, READING, Fleet, checkpoint, make, run, trains, transfers

from repro.cluster import ClusterError, LostError
from repro.cluster import far as far_module
from repro.cluster.far import AGAIN, FarWorkshop
from repro.cluster.parcels import Made, Parcel, unpack
from repro.runs import store as store_module
from repro.runs.integrity import RECORD
from repro.runs.run import Job
from repro.runs.store import Store, measures_name
from repro.runs.workshop import Journal, Session, StoppedError


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def shop(store: Store, fleet: Fleet, *jobs: Job, **further: object) -> FarWorkshop:
    """A workshop of these jobs, in a session that ends before a test that waits for ever holds up others."""
    cohort, ends = further.pop("cohort", lambda _: 1), time.monotonic() + 60
    further.setdefault("over", lambda: time.monotonic() > ends)
    return FarWorkshop(store, CONDITIONS, Session(jobs, **further), fleet, cohort=cohort)


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


def test_what_breaks_is_told_to_who_wants_it_and_to_who_wants_what_is_measured_on_it(
    store: Store, executor: Executor
) -> None:
    def does(work: Parcel) -> Made:
        made = make(work)
        broke = {job: "RuntimeError: out of memory" for job in work.jobs if job.run.seed == 1}
        return replace(made, broke=broke, contents={run: made.contents[run] for run in made.contents if run.seed != 1})

    fleet = Fleet(executor, does=does)
    jobs = [trains(), trains(1), transfers(), trains(2)]
    far = shop(store, fleet, *jobs)
    far.obtain([trains(), trains(2)])
    for wanted in (trains(1), transfers()):
        with pytest.raises(ClusterError, match=r"seed \d: RuntimeError: out of memory"):
            far.obtain([wanted])
    assert len(fleet.sent) == 3  # it is not tried by everyone who wants it


@pytest.mark.parametrize("times", [AGAIN, AGAIN + 1])
def test_what_the_connection_took_with_it_is_sent_again_a_stated_number_of_times(
    store: Store, executor: Executor, times: int
) -> None:
    lost = [LostError("the link")] * times

    def does(work: Parcel) -> Made:
        if lost:
            raise lost.pop()
        return make(work)

    fleet = Fleet(executor, does=does)
    far = shop(store, fleet, trains())
    if times > AGAIN:
        with pytest.raises(ClusterError, match="seed 0: the link"):
            far.obtain([trains()])
    else:
        far.obtain([trains()])
    assert fleet.sent == [(trains(),)] * (AGAIN + 1)


def test_each_run_of_a_cohort_that_is_sent_again_is_locked(store: Store, executor: Executor) -> None:
    lost, free = [LostError("the link")], list[bool]()

    def does(work: Parcel) -> Made:
        if lost:
            raise lost.pop()
        for job in work.jobs:
            with Store(store.root).claimed(job.run) as mine:
                free.append(mine)
        return make(work)

    jobs = [trains(), trains(1), trains(2)]
    shop(store, Fleet(executor, does=does), *jobs, cohort=lambda _: 3).obtain(jobs)
    assert free == [False] * 3


def test_what_cannot_be_stored_is_told_to_all_who_want_it(
    store: Store, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store_module, "_write", full)
    far = shop(store, Fleet(executor), trains(), checkpoint())
    for wanted in (trains(), checkpoint()):
        with pytest.raises(ClusterError, match=r"seed 0 could not be stored .No space left on device.*is whole$"):
            far.obtain([wanted])


def test_what_needs_weights_that_were_left_out_is_an_error_that_says_so_and_a_check_is_done_without(
    store: Store, executor: Executor
) -> None:
    further, told = Job(run(), replace(READING, pgd_steps=9)), list[str]()
    jobs = [trains(), trains(1)]
    shop(store, Fleet(executor), *jobs).obtain(jobs)
    store.weights(run()).unlink()
    fleet = Fleet(executor)
    far = shop(store, fleet, further, transfers(1), tell=told.append)
    for _ in range(2):
        with pytest.raises(ClusterError, match="seed 0: its weights are not in"):
            far.obtain([further])
        far.obtain([transfers(1)])
    assert len(told) == 1
    assert told[0].endswith("the check by transfer is not made")
    assert fleet.sent == []


def test_a_run_whose_weights_are_damaged_is_trained_anew_for_a_further_reading(
    store: Store, executor: Executor
) -> None:
    further = Job(run(), replace(READING, pgd_steps=9))
    shop(store, Fleet(executor), trains()).obtain([trains()])
    store.weights(run()).write_bytes(b"rotten")
    shop(store, Fleet(executor), further).obtain([further])
    assert store.whole(*further)
    assert store.weights(run()).read_bytes() == b"0"


def test_a_check_that_a_worker_does_without_is_done_without(store: Store, executor: Executor) -> None:
    def does(work: Parcel) -> Made:
        made = make(work)
        return replace(made, contents={}) if transfers() in work.jobs else made

    told: list[str] = []
    far = shop(store, Fleet(executor, does=does), trains(), trains(1), transfers(), tell=told.append)
    for _ in range(2):
        far.obtain([trains(), trains(1), transfers()])
    assert len(told) == 1


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


def test_what_came_and_was_lost_since_is_made_again(store: Store, executor: Executor) -> None:
    """What this session stored is not read back, but whoever asks for it again finds it, or has it made."""
    fleet = Fleet(executor)
    far = shop(store, fleet, trains())
    far.obtain([trains()])
    shutil.rmtree(store.weights(run()).parent)
    far.obtain([trains()])
    assert store.whole(*trains())
    assert fleet.sent == [(trains(),)] * 2


def test_what_does_not_fit_into_the_time_is_not_sent(store: Store, executor: Executor) -> None:
    fleet = Fleet(executor)
    jobs = [trains(), checkpoint(), trains(1), trains(2)]
    far = shop(store, fleet, *jobs, fits=lambda *jobs: len(jobs) < 2 and trains(2) not in jobs)
    far.obtain([trains(1)])
    for wanted in ([trains(), checkpoint()], [trains(2)]):
        with pytest.raises(StoppedError, match=f"there was no time for {len(wanted)} missing measurement"):
            far.obtain(wanted)
    assert fleet.sent == [(trains(1),)]


def test_what_arrives_damaged_is_an_error_of_the_machine(store: Store, executor: Executor) -> None:
    def does(work: Parcel) -> Made:
        made = make(work)
        damaged = json.dumps(json.loads(made.contents[run()][RECORD]) | {"steps": 2}).encode()
        return replace(made, contents={run(): {**made.contents[run()], RECORD: damaged}})

    with pytest.raises(ClusterError, match=r"seed 0: .*checksum"):
        shop(store, Fleet(executor, does=does), trains()).obtain([trains()])
    assert not store.trained(run())


def test_measures_that_arrive_damaged_leave_the_training_that_came_with_them(store: Store, executor: Executor) -> None:
    def does(work: Parcel) -> Made:
        made = make(work)
        return replace(made, contents={run(): {**made.contents[run()], measures_name(READING): b"{"}})

    with pytest.raises(ClusterError, match="seed 0: it is no JSON"):
        shop(store, Fleet(executor, does=does), trains()).obtain([trains()])
    assert store.trained(run())
    assert not store.has(*trains())


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


def test_a_cluster_that_is_gone_ends_it(store: Store, executor: Executor) -> None:
    class Gone(Fleet):
        def slots(self) -> int:
            if self.sent:
                raise LostError("the scheduler is lost")
            return 1

    far = shop(store, Gone(executor), trains(), trains(1), trains(2), trains(3))
    with pytest.raises(LostError, match="the scheduler is lost"):
        far.obtain([trains(3)])


def test_runs_that_another_session_holds_wait_for_it(store: Store, executor: Executor) -> None:
    fleet, other = Fleet(executor), Store(store.root)
    with other.claimed(run()):
        far = shop(store, fleet, trains(), trains(1))
        far.obtain([trains(1)])
        assert fleet.sent == [(trains(1),)]
    far.obtain([trains()])
    assert fleet.sent == [(trains(1),), (trains(),)]


def test_a_file_that_is_damaged_is_made_anew(store: Store, executor: Executor) -> None:
    fleet = Fleet(executor)
    far = shop(store, fleet, trains())
    far.obtain([trains()])
    next(store.weights(run()).parent.glob("measures-*.json")).write_text("{")
    again = shop(Store(store.root), fleet, trains())
    again.obtain([trains()])
    assert len(fleet.sent) == 2
    assert Store(store.root).whole(*trains())


def test_a_session_that_is_over_makes_no_more(store: Store, executor: Executor) -> None:
    far = shop(store, Fleet(executor), trains(), over=lambda: True)
    with pytest.raises(StoppedError, match="1 runs were missing"):
        far.obtain([trains()])


def test_the_journal_says_which_worker_made_what_and_for_how_long(
    store: Store, executor: Executor, tmp_path: Path
) -> None:
    journal = Journal(tmp_path / "journal.jsonl", "main")
    shop(store, Fleet(executor), trains(), journal=journal).obtain([trains()])
    begin, end = (json.loads(line) for line in journal.path.read_text().splitlines())
    assert (begin["worker"], begin["event"], end["event"]) == ("a worker", "begin", "end")
    assert end["time"] - begin["time"] == pytest.approx(0.5)
