"""What breaks, is lost, arrives damaged or cannot be stored, and who is told of it."""

import errno
import json
import os
import shutil
from concurrent.futures import Executor
from dataclasses import replace

import pytest
from fleets import READING, Fleet, checkpoint, make, run, shop, trains, transfers

from repro.cluster import ClusterError, LostError
from repro.cluster import far as far_module
from repro.cluster.far import AGAIN
from repro.cluster.parcels import Made, Parcel
from repro.files.regular import checksum
from repro.runs import store as store_module
from repro.runs.integrity import RECORD
from repro.runs.run import Job
from repro.runs.store import Store, measures_name


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


def test_what_came_and_was_lost_since_is_made_again(store: Store, executor: Executor) -> None:
    """What this session stored is not read back, but whoever asks for it again finds it, or has it made."""
    fleet = Fleet(executor)
    far = shop(store, fleet, trains())
    far.obtain([trains()])
    shutil.rmtree(store.weights(run()).parent)
    far.obtain([trains()])
    assert store.whole(*trains())
    assert fleet.sent == [(trains(),)] * 2


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


def test_a_cluster_that_is_gone_ends_it(store: Store, executor: Executor) -> None:
    class Gone(Fleet):
        def slots(self) -> int:
            if self.sent:
                raise LostError("the scheduler is lost")
            return 1

    far = shop(store, Gone(executor), trains(), trains(1), trains(2), trains(3))
    with pytest.raises(LostError, match="the scheduler is lost"):
        far.obtain([trains(3)])


def test_a_file_that_is_damaged_is_made_anew(store: Store, executor: Executor) -> None:
    fleet = Fleet(executor)
    far = shop(store, fleet, trains())
    far.obtain([trains()])
    next(store.weights(run()).parent.glob("measures-*.json")).write_text("{")
    again = shop(Store(store.root), fleet, trains())
    again.obtain([trains()])
    assert len(fleet.sent) == 2
    assert Store(store.root).whole(*trains())


def test_a_file_that_cannot_be_read_breaks_what_needs_it_in_one_line_and_nothing_else(
    store: Store, executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(*_: object) -> Parcel:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

    far = shop(store, Fleet(executor), trains())
    with monkeypatch.context() as patched:
        patched.setattr(far_module, "parcel", stale)
        with pytest.raises(ClusterError, match="Stale file handle"):
            far.obtain([trains()])
    with pytest.raises(ClusterError, match="Stale file handle"):  # and not "there was no time"
        far.obtain([trains()])


def test_a_training_of_before_there_were_checksums_comes_back_where_the_worker_had_to_train_anew(
    store: Store, executor: Executor
) -> None:
    further = Job(run(), replace(READING, pgd_steps=9))
    shop(store, Fleet(executor), trains()).obtain([trains()])
    for path in store.weights(run()).parent.glob("*.json"):
        content = json.loads(path.read_text())
        path.write_text(json.dumps({name: v for name, v in content.items() if name not in ("checksum", "weights")}))
    store.weights(run()).write_bytes(b"another processor's")
    anew = Store(store.root)
    shop(anew, Fleet(executor), further).obtain([further])
    assert anew.whole(*further)
    assert anew.checksum_of_weights(run()) == checksum(anew.weights(run()))
