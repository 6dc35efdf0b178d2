"""Several processes at one store: who waits for whom, and nobody makes what another one makes."""

import json
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from ovens import FIRST, JOBS, READING, RUNS, Oven, breaks, jobs, put, workshop

from repro.experiment.readings import Reading, transfer
from repro.runs.run import Job, Run
from repro.runs.store import Store
from repro.runs.workshop import Journal


def test_one_of_several_processes_makes_the_first_runs_of_the_session_before_those_it_wants(store: Store) -> None:
    slower = [replace(run, epochs=3 + run.seed) for run in RUNS]
    session = jobs([*slower[::-1], *RUNS])
    alone, among = Oven(), Oven()
    workshop(store, alone, session).obtain(JOBS[:1])
    assert alone.made == RUNS[:1]
    workshop(store, among, session, alone=False).obtain(JOBS[1:2])
    assert among.made[:8] == slower[::-1]
    assert RUNS[1] in among.made


def test_while_another_process_makes_the_wanted_run_a_missing_one_is_made_instead(store: Store) -> None:
    wanted, further = RUNS[0], RUNS[1]
    claim = store.claimed(wanted)  # as another process would hold it

    def other_process_is_done() -> None:
        put(store, wanted)
        claim.__exit__(None, None, None)

    oven = Oven({further: other_process_is_done})
    assert claim.__enter__()
    too_late = threading.Timer(10, other_process_is_done)
    too_late.start()
    workshop(store, oven, jobs([wanted, further])).obtain(jobs([wanted]))
    too_late.cancel()
    assert oven.made == [further]


def test_with_nothing_else_to_do_it_waits_for_the_other_process(store: Store) -> None:
    oven = Oven()
    with store.claimed(FIRST):
        timer = threading.Timer(0.3, put, (store, FIRST))
        timer.start()
        workshop(store, oven, JOBS[:1]).obtain(JOBS[:1])
        timer.join()
    assert oven.made == []


def test_a_run_that_breaks_is_no_concern_of_who_wants_another(store: Store) -> None:
    wanted, broken = RUNS[0], replace(FIRST, epochs=9)
    oven = Oven({broken: breaks})
    with store.claimed(wanted):
        timer = threading.Timer(0.5, put, (store, wanted))
        timer.start()
        workshop(store, oven, jobs([wanted, broken])).obtain(jobs([wanted]))
        timer.join()
    assert oven.made == [broken]  # once, however long the wait


def test_what_takes_the_network_of_another_seed_waits_until_that_is_trained(store: Store) -> None:
    """The other process trains the sibling while this one has nothing to do but wait for it."""
    sibling, together = FIRST.sibling, transfer(READING)
    made: list[tuple[Reading, bool]] = []

    def make(run: Run, reading: Reading, *_: Any) -> None:
        assert run == FIRST
        made.append((reading, store.trained(sibling)))
        put(store, run)
        store.put_measures(run, reading, {})

    wanted = [Job(FIRST, together), *jobs([FIRST, sibling])]
    with store.claimed(sibling):
        timer = threading.Timer(0.5, put, (store, sibling))
        timer.start()
        workshop(store, make, wanted).obtain(wanted)
        timer.join()
    assert made == [(READING, False), (together, True)]


def slow(run: Run, _reading: Reading, store: Store, *_: Any) -> None:
    time.sleep(0.1)
    put(store, run)


def obtain_all(root: Path, name: str, ready: Any) -> None:
    ready.wait()
    journal = Journal(root / "journal.jsonl", name)
    workshop(Store(root), slow, JOBS, journal=journal).obtain(JOBS)


def test_several_processes_share_the_work_and_make_no_run_twice(store: Store) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Barrier(3)
    processes = [spawn.Process(target=obtain_all, args=(store.root, name, ready)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    events = [json.loads(line) for line in (store.root / "journal.jsonl").read_text().splitlines()]
    begun = [event for event in events if event["event"] == "begin"]
    assert sorted(event["run"] for event in begun) == sorted(run.key for run in RUNS)
    assert {event["worker"] for event in begun} == set("abc")


def hold(root: Path, run: Run, held: Any) -> None:
    with Store(root).claimed(run):
        held.set()
        time.sleep(60)


def test_the_run_of_a_process_that_is_killed_is_taken_over(store: Store) -> None:
    spawn = multiprocessing.get_context("spawn")
    held = spawn.Event()
    process = spawn.Process(target=hold, args=(store.root, FIRST, held))
    process.start()
    assert held.wait(30)
    oven = Oven()
    killed = threading.Timer(0.3, os.kill, (process.pid, signal.SIGKILL))
    killed.start()
    workshop(store, oven, JOBS[:1]).obtain(JOBS[:1])
    process.join()
    assert oven.made == [FIRST]
