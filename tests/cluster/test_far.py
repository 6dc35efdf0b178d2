"""What goes out to workers when, and what becomes of it."""

import json
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
from fleets import CONDITIONS, READING, Fleet, checkpoint, make, run, trains, transfers

from repro.cluster import ClusterError, LostError
from repro.cluster.far import AGAIN, FarWorkshop
from repro.cluster.parcels import Made, Parcel
from repro.runs.integrity import RECORD
from repro.runs.run import Job
from repro.runs.store import Store
from repro.runs.workshop import Journal, Session, StoppedError


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def shop(store: Store, fleet: Fleet, *jobs: Job, **further: object) -> FarWorkshop:
    cohort = further.pop("cohort", lambda _: 1)
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


def test_what_arrives_damaged_is_an_error_of_the_machine(store: Store, executor: Executor) -> None:
    def does(work: Parcel) -> Made:
        made = make(work)
        damaged = json.dumps(json.loads(made.contents[run()][RECORD]) | {"steps": 2}).encode()
        return replace(made, contents={run(): {**made.contents[run()], RECORD: damaged}})

    with pytest.raises(ClusterError, match=r"seed 0: .*checksum"):
        shop(store, Fleet(executor, does=does), trains()).obtain([trains()])
    assert not store.trained(run())


def test_a_cluster_that_is_gone_ends_it_and_what_is_stored_is_there(store: Store, executor: Executor) -> None:
    class Gone(Fleet):
        def slots(self) -> int:
            if self.sent:
                raise LostError("the scheduler is lost")
            return 1

    far = shop(store, Gone(executor), trains(), trains(1), trains(2), trains(3))
    with pytest.raises(LostError, match="the scheduler is lost"):
        far.obtain([trains(3)])
    far.help_out()  # ends, too


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
