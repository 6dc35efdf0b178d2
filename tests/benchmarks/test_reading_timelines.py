"""How a session's timeline is read."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.sessions import timeline
from benchmarks.sessions.timeline import Idle, Piece


def piece(name: str, worker: str, begin: float, end: float) -> Piece:
    return Piece(f"key of {name}", name, worker, begin, end)


LONG, SHORT = piece("A seed 0", "gw0", 0.0, 4.0), piece("B seed 0", "gw1", 0.0, 1.0)
LATE = piece("C seed 0", "gw1", 1.1, 3.0)


def test_events_are_paired_by_process_and_counted_from_the_first(tmp_path: Path) -> None:
    lines = [
        {"event": "begin", "run": "a", "name": "A", "worker": "gw0", "time": 100.0},
        {"event": "begin", "run": "b", "name": "B", "worker": "gw1", "time": 100.5},
        {"event": "end", "run": "b", "name": "B", "worker": "gw1", "time": 101.0},
        {"event": "begin", "run": "c", "name": "C", "worker": "gw1", "time": 101.0},
        {"event": "end", "run": "a", "name": "A", "worker": "gw0", "time": 102.0},
    ]
    path = tmp_path / "timeline.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert timeline.read(path) == [Piece("a", "A", "gw0", 0.0, 2.0), Piece("b", "B", "gw1", 0.5, 1.0)]


def test_a_run_that_is_made_twice_is_named() -> None:
    assert timeline.made_twice([LONG, SHORT, LATE]) == []
    assert timeline.made_twice([LONG, SHORT, piece("A seed 0", "gw1", 1.0, 5.0)]) == ["A seed 0"]


def test_a_checkpoint_is_another_piece_of_the_same_run() -> None:
    checkpoint = piece("A seed 0 to step 5", "gw0", 4.0, 4.1)
    assert checkpoint.whole == LONG.name
    assert timeline.made_twice([LONG, checkpoint]) == []


def test_slowest_first_is_all_pairs_in_order_and_fastest_first_is_none() -> None:
    lengths = [5.0, 4.0, 2.0, 1.0]
    down = [piece(f"{i}", "gw0", float(i), i + length) for i, length in enumerate(lengths)]
    up = [piece(f"{i}", "gw0", float(i), i + length) for i, length in enumerate(reversed(lengths))]
    assert timeline.in_order(down) == 1
    assert timeline.in_order(up) == 0
    assert timeline.in_order([*down, piece("0 to step 3", "gw0", 9.0, 99.0)]) == 1
    assert timeline.in_order([*down, piece("0 compressed to 3 steps", "gw0", 9.0, 99.0)]) == 1


def test_the_tail_is_from_the_first_process_that_is_done_to_the_last() -> None:
    assert timeline.tail([LONG, SHORT, LATE]) == 1.0


def test_a_process_that_waits_for_its_last_run_while_another_begins_nothing_is_not_idle() -> None:
    assert timeline.idle([LONG, SHORT, LATE]) == []


def test_a_gap_while_a_run_is_missing_is_idle() -> None:
    late = piece("C seed 0", "gw1", 2.5, 3.0)
    assert timeline.idle([LONG, SHORT, late]) == [Idle("gw1", 1.0, 1.5, "C seed 0")]
    assert timeline.idle([LONG, SHORT, late], longer_than=2.0) == []


def test_so_is_stopping_while_another_process_still_begins_runs() -> None:
    pieces = [piece("A", "gw0", 0.0, 4.0), piece("B", "gw1", 0.0, 1.0), piece("C", "gw0", 4.0, 5.0)]
    assert timeline.idle(pieces) == [Idle("gw1", 1.0, 3.0, "C")]


def test_a_late_start_is_idle() -> None:
    pieces = [piece("A", "gw0", 0.0, 4.0), piece("B", "gw1", 2.0, 4.0)]
    assert timeline.idle(pieces) == [Idle("gw1", 0.0, 2.0, "B")]


def test_a_checkpoint_whose_run_is_in_the_making_is_nobodys_to_take() -> None:
    checkpoint = piece("A seed 0 to step 5", "gw0", 4.05, 4.2)
    assert timeline.idle([LONG, SHORT, LATE, checkpoint]) == []
    late = piece("A seed 0 to step 5", "gw0", 4.5, 4.6)  # but half a second after its run it is
    assert [(wait.worker, wait.missing) for wait in timeline.idle([LONG, SHORT, LATE, late])] == [
        ("gw0", late.name),
        ("gw1", late.name),
    ]


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0.1, 5)), min_size=2, max_size=20))
def test_processes_that_go_on_at_once_are_never_idle(lengths: list[tuple[int, float]]) -> None:
    """Each takes the next of one queue as soon as it is done."""
    free = [0.0, 0.0]
    pieces = []
    for i, (_, length) in enumerate(lengths):
        worker = free.index(min(free))
        pieces.append(piece(f"run {i}", f"gw{worker}", free[worker], free[worker] + length))
        free[worker] += length
    assert timeline.idle(pieces, longer_than=1e-9) == []


def test_the_drawing_is_a_small_picture(tmp_path: Path) -> None:
    path = tmp_path / "timeline.png"
    timeline.draw([LONG, SHORT, LATE], path, "three runs")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size < 60_000
