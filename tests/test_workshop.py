import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.conditions import Conditions
from repro.errors import ReproError
from repro.rates import BUILT_IN, Timing
from repro.regimes import QUICK
from repro.runs import Run
from repro.science.readings import Reading, transfer
from repro.science.recipes import SGD
from repro.science.sources import Source
from repro.science.tasks import STDCNN_MNIST, TASKS
from repro.store import Store
from repro.workshop import COHORT, Journal, StoppedError, Workshop, cohort_size

CONDITIONS = Conditions(QUICK, {"MNIST": Source("MNIST", "surrogate", Path())}, "cpu")
READING = QUICK.scale(STDCNN_MNIST).reading
FIRST = Run(STDCNN_MNIST, SGD(0.01, 0.0), 64, 0, 1, 100, "surrogate", "cpu")
RUNS = [replace(FIRST, seed=seed) for seed in range(8)]
JOBS = [(run, READING) for run in RUNS]


def put(store: Store, run: Run) -> None:
    store.put_run(run, {}, lambda path: path.write_bytes(b"weights"))
    store.put_measures(run, READING, {})


class Oven:
    """What makes runs here, and remembers which; ``on`` says what else happens when a run is made."""

    def __init__(self, on: dict[Run, Callable[[], Any]] | None = None) -> None:
        self.made: list[Run] = []
        self.told: dict[Run, str | None] = {}  # why it broke in a cohort
        self.on = on or {}

    def __call__(
        self, run: Run, reading: Reading, store: Store, conditions: Conditions, _: Sequence[Run], broke: str | None
    ) -> None:
        self.told[run] = broke
        assert reading == READING
        assert conditions is CONDITIONS
        self.made.append(run)
        self.on.get(run, lambda: None)()
        put(store, run)


def breaks() -> None:
    raise RuntimeError("out of memory")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "store")
    store.prepare()
    return store


def workshop(store: Store, oven: Oven, session: Any = (), **further: Any) -> Workshop:
    return Workshop(store, CONDITIONS, session, make=oven, **further)


def test_every_wanted_run_is_made_once_and_then_stored(store: Store) -> None:
    oven = Oven()
    workshop(store, oven).obtain([*RUNS, *RUNS])
    assert sorted(oven.made, key=lambda run: run.seed) == RUNS
    assert all(store.has(*job) for job in JOBS)


def test_one_of_several_processes_makes_the_sessions_slowest_runs_first(store: Store) -> None:
    slower = [replace(run, epochs=3 + run.seed) for run in RUNS]
    session = [(run, READING) for run in (*RUNS, *slower)]
    alone, among = Oven(), Oven()
    workshop(store, alone, session).obtain(RUNS[:1])
    assert alone.made == RUNS[:1]
    workshop(store, among, session, alone=False).obtain(RUNS[1:2])
    assert among.made[:8] == slower[::-1]
    assert RUNS[1] in among.made


def test_a_run_that_breaks_while_helping_is_raised_where_it_is_wanted(store: Store) -> None:
    oven = Oven(on={RUNS[2]: breaks})
    here = workshop(store, oven, JOBS, alone=False)
    here.obtain(RUNS[:1])
    with pytest.raises(RuntimeError, match="out of memory"):
        here.obtain([RUNS[2]])


def test_the_rates_of_the_machine_decide_what_is_slowest(store: Store) -> None:
    """On a machine whose small batches are dear, the same images at batch size 64 take longer than at 256."""
    small, large = RUNS[0], replace(FIRST, batch_size=256, train_images=103)
    step = Timing(((64, 1.0), (256, 1.001)))
    network = replace(BUILT_IN.networks["StdCNN"][64], step=step)
    rates = replace(BUILT_IN, networks={**BUILT_IN.networks, "StdCNN": {64: network}})
    for known, first in ((BUILT_IN, large), (rates, small)):
        oven = Oven()
        session = [(run, READING) for run in (small, large)]
        fresh = Store(store.root / str(first.batch_size))
        fresh.prepare()
        workshop(fresh, oven, session, rates=known).help_out()
        assert oven.made[0] == first


def test_what_is_stored_is_not_made_again(store: Store) -> None:
    put(store, RUNS[0])
    oven = Oven()
    workshop(store, oven).obtain(RUNS[:2])
    assert oven.made == [RUNS[1]]


def test_only_what_is_wanted_is_made_while_nobody_else_works(store: Store) -> None:
    oven = Oven()
    workshop(store, oven, JOBS).obtain(RUNS[:2])
    assert set(oven.made) == set(RUNS[:2])


def test_the_slowest_run_is_begun_first(store: Store) -> None:
    runs = [replace(FIRST, epochs=epochs) for epochs in (2, 5, 1, 4, 3)]
    for work in (lambda w: w.obtain(runs), lambda w: w.help_out()):
        oven, place = Oven(), Store(store.root / str(id(work)))
        place.prepare()
        work(workshop(place, oven, [(run, READING) for run in runs]))
        assert [run.epochs for run in oven.made] == [5, 4, 3, 2, 1]


def test_a_measure_that_is_missing_is_made(store: Store) -> None:
    store.put_run(FIRST, {}, lambda path: path.write_bytes(b"weights"))
    oven = Oven()
    workshop(store, oven).obtain([FIRST])
    assert oven.made == [FIRST]


@pytest.mark.parametrize("name", ["run.json", "measures-*.json"])
def test_a_run_whose_file_is_damaged_is_made_anew_in_the_same_session(store: Store, name: str) -> None:
    put(store, FIRST)
    next(store.weights(FIRST).parent.glob(name)).write_text("{")
    oven = Oven()
    workshop(store, oven).obtain([FIRST])
    assert oven.made == [FIRST]
    assert store.whole(FIRST, READING)


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
    workshop(store, oven, [(wanted, READING), (further, READING)]).obtain([wanted])
    too_late.cancel()
    assert oven.made == [further]


def test_with_nothing_else_to_do_it_waits_for_the_other_process(store: Store) -> None:
    oven = Oven()
    with store.claimed(FIRST):
        timer = threading.Timer(0.3, put, (store, FIRST))
        timer.start()
        workshop(store, oven, [(FIRST, READING)]).obtain([FIRST])
        timer.join()
    assert oven.made == []


def test_a_run_that_breaks_is_raised_to_who_wants_it_and_can_be_tried_again(store: Store) -> None:
    oven = Oven({FIRST: breaks})
    shop = workshop(store, oven)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="out of memory"):
            shop.obtain([FIRST])
    assert not store.has(FIRST, READING)
    oven.on.clear()
    shop.obtain([FIRST])
    assert store.has(FIRST, READING)


def test_a_run_that_breaks_is_no_concern_of_who_wants_another(store: Store) -> None:
    wanted, broken = RUNS[0], replace(FIRST, epochs=9)
    oven = Oven({broken: breaks})
    with store.claimed(wanted):
        timer = threading.Timer(0.5, put, (store, wanted))
        timer.start()
        workshop(store, oven, [(wanted, READING), (broken, READING)]).obtain([wanted])
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

    jobs = [(FIRST, together), (FIRST, READING), (sibling, READING)]
    with store.claimed(sibling):
        timer = threading.Timer(0.5, put, (store, sibling))
        timer.start()
        Workshop(store, CONDITIONS, jobs, make=make).obtain_jobs(jobs)
        timer.join()
    assert made == [(READING, False), (together, True)]


def test_helping_out_makes_all_that_is_missing_but_what_others_make_or_what_breaks(store: Store) -> None:
    put(store, RUNS[0])
    oven = Oven({RUNS[2]: breaks})
    with store.claimed(RUNS[1]):
        workshop(store, oven, JOBS).help_out()
    assert sorted(run.seed for run in oven.made) == [2, 3, 4, 5, 6, 7]


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


def cohorts(store: Store, oven: Oven, kiln: Kiln, jobs: Any, size: int = 3) -> Workshop:
    return Workshop(store, CONDITIONS, jobs, make=oven, cohort=lambda _: size, together=kiln)


def test_missing_runs_of_one_cohort_are_trained_together_and_each_is_measured(store: Store) -> None:
    put(store, RUNS[1])
    strangers = [replace(FIRST, batch_size=32), replace(FIRST, device="cuda"), replace(FIRST, precision="bfloat16")]
    kin = replace(FIRST, sgd=SGD(0.02, 0.9))
    jobs = [(run, READING) for run in (*RUNS[:4], *strangers, kin)]
    oven, kiln = Oven(), Kiln()
    with store.claimed(RUNS[2]):  # another process is at it
        cohorts(store, oven, kiln, jobs).help_out()
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
    cohorts(store, oven, kiln, JOBS[:4], size=4).obtain(RUNS[:4])
    assert len(kiln.trained) == 1
    assert sorted(run.seed for run in oven.made) == [0, 1, 2, 3]
    assert oven.told == {**dict.fromkeys(RUNS[:4], "RuntimeError: out of memory"), kiln.trained[0][0]: None}


def test_no_run_is_begun_once_the_session_is_over(store: Store) -> None:
    oven = Oven()
    shop = workshop(store, oven, JOBS, over=lambda: len(oven.made) >= 2)
    with pytest.raises(StoppedError, match="6 runs were missing"):
        shop.obtain(RUNS)
    shop.help_out()
    assert len(oven.made) == 2


def test_what_is_stored_can_be_had_after_the_session_is_over(store: Store) -> None:
    put(store, FIRST)
    workshop(store, Oven(), over=lambda: True).obtain([FIRST])


def test_an_error_of_the_shop_is_told_in_one_line() -> None:
    assert issubclass(StoppedError, ReproError)


def test_the_journal_tells_who_made_what_when(store: Store, tmp_path: Path) -> None:
    notified: list[int] = []
    journal = Journal(tmp_path / "journal.jsonl", "gw7", lambda: notified.append(1))
    oven = Oven({RUNS[1]: breaks})
    began = time.time()
    Workshop(store, CONDITIONS, JOBS[:2], journal, oven).help_out()
    events = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    told = {(event["event"], event["run"]) for event in events}
    assert told == {("begin", RUNS[0].key), ("end", RUNS[0].key), ("begin", RUNS[1].key)}
    assert all(event["worker"] == "gw7" and began <= event["time"] <= time.time() for event in events)
    assert len(notified) == len(events)


def slow(run: Run, _reading: Reading, store: Store, *_: Any) -> None:
    time.sleep(0.1)
    put(store, run)


def obtain_all(root: Path, name: str, ready: Any) -> None:
    ready.wait()
    journal = Journal(root / "journal.jsonl", name)
    Workshop(Store(root), CONDITIONS, JOBS, journal, slow).obtain(RUNS)


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
    workshop(store, oven, JOBS[:1]).obtain([FIRST])
    process.join()
    assert oven.made == [FIRST]
