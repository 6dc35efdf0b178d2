"""A workshop: what is made, in which order, and what it comes to when something breaks or the session ends."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ovens import CONDITIONS, FIRST, JOBS, READING, RUNS, Oven, breaks, put, workshop
from worlds import prepared

from repro.errors import ReproError
from repro.runs.rates import BUILT_IN, Timing
from repro.runs.store import Store
from repro.runs.workshop import Journal, StoppedError, Workshop


def test_every_wanted_run_is_made_once_and_then_stored(store: Store) -> None:
    oven = Oven()
    workshop(store, oven).obtain([*RUNS, *RUNS])
    assert sorted(oven.made, key=lambda run: run.seed) == RUNS
    assert all(store.has(*job) for job in JOBS)


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
        fresh = prepared(store.root / str(first.batch_size))
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
        oven, place = Oven(), prepared(store.root / str(id(work)))
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


def test_helping_out_makes_all_that_is_missing_but_what_others_make_or_what_breaks(store: Store) -> None:
    put(store, RUNS[0])
    oven = Oven({RUNS[2]: breaks})
    with store.claimed(RUNS[1]):
        workshop(store, oven, JOBS).help_out()
    assert sorted(run.seed for run in oven.made) == [2, 3, 4, 5, 6, 7]


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
