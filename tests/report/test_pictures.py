"""Figures that are drawn before the report is written, and taken over by whoever writes it."""

from collections.abc import Collection
from pathlib import Path

import pytest
from drawn import WHERE, stored
from worlds import fill

from repro.report.drawing import figures as drawing
from repro.report.drawing.figures import draw
from repro.report.drawing.pictures import Ahead
from repro.runs.run import Job
from repro.runs.store import Store
from repro.verdicts.figures import FIGURES


def jobs(*numbers: int) -> set[Job]:
    """What a session that shows these figures plans."""
    curves = {curve for number in numbers for curve in FIGURES[number].curves}
    return {job for curve in curves for job in curve.jobs(WHERE)}


def drawn_ahead(folder: Path, numbers: Collection[int], store: Store, planned: Collection[Job]) -> Ahead:
    ahead = Ahead(folder / "ahead")
    ahead.draw(numbers, store, WHERE, planned)
    return ahead


def test_a_figure_that_was_drawn_ahead_is_the_one_that_would_be_drawn(tmp_path: Path) -> None:
    store, artifacts = stored(tmp_path / "store", FIGURES[9]), tmp_path / "artifacts"
    artifacts.mkdir()
    ahead = drawn_ahead(tmp_path, [9], store, jobs(9))
    taken = ahead.take(9, artifacts)
    assert taken is not None
    bytes_taken = taken.path.read_bytes()
    drawn = draw(FIGURES[9], store, WHERE, artifacts)
    assert taken == drawn
    assert bytes_taken == drawn.path.read_bytes()


def test_a_figure_waits_for_every_run_that_is_planned_and_for_no_other(tmp_path: Path) -> None:
    store = stored(tmp_path / "store", FIGURES[9])
    numbers, planned = [9, 13], jobs(9, 13)
    ahead = drawn_ahead(tmp_path, numbers, store, planned)
    assert ahead.take(9, tmp_path) is not None
    assert ahead.take(13, tmp_path) is None  # its lower half is of StdCNN
    lacking = {run for run, _ in planned if not store.trained(run)}
    last = lacking.pop()
    fill(store, lacking)
    ahead.draw(numbers, store, WHERE, planned)
    assert ahead.take(13, tmp_path) is None
    ahead.draw(numbers, store, WHERE, {job for job in planned if job[0] != last})  # not part of the session
    assert ahead.take(13, tmp_path) is not None


def test_no_figure_is_drawn_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, made, really = stored(tmp_path / "store", FIGURES[9]), [], drawing.draw
    monkeypatch.setattr(
        drawing, "draw", lambda figure, *rest, **how: made.append(figure.number) or really(figure, *rest, **how)
    )
    for _ in range(2):
        drawn_ahead(tmp_path, [9], store, jobs(9))
    assert made == [9]


def test_one_that_cannot_be_drawn_or_is_being_drawn_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = stored(tmp_path / "store", FIGURES[9])

    def breaking(*_: object) -> None:
        assert ahead.take(9, tmp_path) is None  # begun, not ended
        raise OSError("no space left")

    monkeypatch.setattr(drawing, "draw", breaking)
    ahead = Ahead(tmp_path / "ahead")
    ahead.draw([9], store, WHERE, jobs(9))
    assert ahead.take(9, tmp_path) is None
