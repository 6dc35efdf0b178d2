"""A workshop: what is made, in which order, and what it comes to when something breaks or the session ends."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ovens import CONDITIONS, FIRST, JOBS, READING, RUNS, Oven, breaks, jobs, put, workshop
from worlds import prepared

from repro.errors import ReproError, WeightsError
from repro.experiment.readings import transfer
from repro.runs.run import Job
from repro.runs.store import Store
from repro.runs.workshop import Journal, Makers, Session, StoppedError, Workshop


def test_every_wanted_run_is_made_once_and_then_stored(store: Store) -> None:
    oven = Oven()
    workshop(store, oven).obtain([*JOBS, *JOBS])
    assert sorted(oven.made, key=lambda run: run.seed) == RUNS
    assert all(store.has(*job) for job in JOBS)


def test_a_run_that_breaks_while_helping_is_raised_where_it_is_wanted(store: Store) -> None:
    oven = Oven(on={RUNS[2]: breaks})
    here = workshop(store, oven, JOBS, alone=False)
    here.obtain(JOBS[:1])
    with pytest.raises(RuntimeError, match="out of memory"):
        here.obtain([JOBS[2]])


def test_what_is_stored_is_not_made_again(store: Store) -> None:
    put(store, RUNS[0])
    oven = Oven()
    workshop(store, oven).obtain(JOBS[:2])
    assert oven.made == [RUNS[1]]


def test_only_what_is_wanted_is_made_while_nobody_else_works(store: Store) -> None:
    oven = Oven()
    workshop(store, oven, JOBS).obtain(JOBS[:2])
    assert set(oven.made) == set(RUNS[:2])


def test_runs_are_begun_in_the_order_of_the_session_and_others_after_them(store: Store) -> None:
    session, other = jobs([RUNS[3], RUNS[1], RUNS[2]]), JOBS[0]
    for work in (lambda w: w.obtain([other, *reversed(session)]), lambda w: w.help_out()):
        oven, place = Oven(), prepared(store.root / str(id(work)))
        work(workshop(place, oven, session))
        assert oven.made[:3] == [RUNS[3], RUNS[1], RUNS[2]]
    assert len(oven.made) == 3  # nobody asked for the other run


def test_a_measure_that_is_missing_is_made(store: Store) -> None:
    store.put_run(FIRST, {}, lambda path: path.write_bytes(b"weights"))
    oven = Oven()
    workshop(store, oven).obtain(JOBS[:1])
    assert oven.made == [FIRST]


@pytest.mark.parametrize("name", ["run.json", "measures-*.json"])
def test_a_run_whose_file_is_damaged_is_made_anew_in_the_same_session(store: Store, name: str) -> None:
    put(store, FIRST)
    next(store.weights(FIRST).parent.glob(name)).write_text("{")
    oven = Oven()
    workshop(store, oven).obtain(JOBS[:1])
    assert oven.made == [FIRST]
    assert store.whole(FIRST, READING)


def test_a_run_that_breaks_is_raised_to_who_wants_it_and_can_be_tried_again(store: Store) -> None:
    oven = Oven({FIRST: breaks})
    shop = workshop(store, oven)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="out of memory"):
            shop.obtain(JOBS[:1])
    assert not store.has(FIRST, READING)
    oven.on.clear()
    shop.obtain(JOBS[:1])
    assert store.has(FIRST, READING)


def test_helping_out_makes_all_that_is_missing_but_what_others_make_or_what_breaks(store: Store) -> None:
    put(store, RUNS[0])
    oven = Oven({RUNS[2]: breaks})
    with store.claimed(RUNS[1]):
        workshop(store, oven, JOBS).help_out()
    assert sorted(run.seed for run in oven.made) == [2, 3, 4, 5, 6, 7]


def test_no_run_is_begun_once_the_session_is_over(store: Store) -> None:
    oven = Oven()
    shop = workshop(store, oven, JOBS, over=lambda: len(oven.made) >= 2)
    with pytest.raises(StoppedError, match="6 runs of this claim had not been made"):
        shop.obtain(JOBS)
    shop.help_out()
    assert len(oven.made) == 2


def test_what_is_stored_can_be_had_after_the_session_is_over(store: Store) -> None:
    put(store, FIRST)
    workshop(store, Oven(), over=lambda: True).obtain(JOBS[:1])


def test_an_error_of_the_shop_is_told_in_one_line() -> None:
    assert issubclass(StoppedError, ReproError)


def test_the_journal_tells_who_made_what_when(store: Store, tmp_path: Path) -> None:
    notified: list[int] = []
    journal = Journal(tmp_path / "journal.jsonl", "gw7", lambda: notified.append(1))
    oven = Oven({RUNS[1]: breaks})
    began = time.time()
    workshop(store, oven, JOBS[:2], journal=journal).help_out()
    events = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    told = {(event["event"], event["run"]) for event in events}
    assert told == {("begin", RUNS[0].key), ("end", RUNS[0].key), ("begin", RUNS[1].key)}
    assert all(event["worker"] == "gw7" and began <= event["time"] <= time.time() for event in events)
    assert len(notified) == len(events)


@pytest.mark.parametrize("alone", [True, False])
def test_what_does_not_fit_into_the_time_is_not_begun_and_what_is_stored_is_there(store: Store, alone: bool) -> None:
    put(store, RUNS[0])
    oven = Oven()
    fits = lambda job: len(oven.made) < 2 and job.run != RUNS[1]  # noqa: E731
    shop = Workshop(store, CONDITIONS, Session(JOBS, alone=alone, fits=fits), Makers(oven))
    with pytest.raises(StoppedError, match="there was no time for 1 missing measurement"):
        shop.obtain(JOBS[1:2])
    assert RUNS[1] not in oven.made
    shop.obtain(JOBS[:1])
    shop.help_out()
    assert len(oven.made) == 2
    assert not set(oven.made) & {RUNS[0], RUNS[1]}


def test_what_does_not_fit_here_and_is_being_made_elsewhere_is_waited_for(store: Store) -> None:
    oven = Oven()
    shop = Workshop(store, CONDITIONS, Session(JOBS, fits=lambda _: False), Makers(oven))
    begun = threading.Event()

    def elsewhere() -> None:
        with Store(store.root).claimed(FIRST):
            begun.set()
            time.sleep(0.5)
            put(store, FIRST)

    other = threading.Thread(target=elsewhere)
    other.start()
    begun.wait()
    shop.obtain(JOBS[:1])
    other.join()
    assert oven.made == []
    assert store.has(FIRST, READING)


def test_a_check_by_transfer_that_lacks_weights_is_done_without(store: Store) -> None:
    check = Job(FIRST, transfer(READING))
    for run in (FIRST, FIRST.sibling):
        put(store, run)
    told: list[str] = []

    def lacking(*_: Any) -> None:
        raise WeightsError("its weights are not there")

    shop = Workshop(store, CONDITIONS, Session([check], tell=told.append), Makers(lacking))
    shop.obtain([*JOBS[:1], check])
    assert told == ["its weights are not there: the check by transfer is not made"]
    assert not store.has(*check)
    with pytest.raises(WeightsError):
        Workshop(store, CONDITIONS, makers=Makers(lacking)).obtain([Job(FIRST, replace(READING, pgd_steps=9))])
