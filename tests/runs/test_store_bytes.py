"""A run that comes as bytes, from a worker say, is stored as any other, and each of its files is opened once."""

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from repro.errors import ReproError
from repro.experiment.readings import Reading
from repro.experiment.recipes import SGD
from repro.experiment.tasks import STDCNN_MNIST
from repro.runs.run import Run
from repro.runs.store import Store

RUN = Run(STDCNN_MNIST, SGD(0.01, 0.0), 64, 0, 1, 100, "surrogate", "cpu")
READING, FURTHER = Reading(100, 10, 5, 10), Reading(100, 10, 6, 10)
RECORD = {"steps": 3}
MEASURES = {"measures": {"lambda1": 1 / 3}}


def files(store: Store, run: Run = RUN) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in store.weights(run).parent.iterdir()}


def test_it_is_the_same_files_as_those_of_a_run_made_here(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    other.prepare()
    other.put_run(RUN, RECORD, lambda path: path.write_bytes(b"weights"))
    for reading in (READING, FURTHER):
        other.put_measures(RUN, reading, MEASURES)
    store.put_run(RUN, RECORD, b"weights", [(READING, MEASURES), (FURTHER, MEASURES)])
    assert files(store) == files(other)
    assert all(Store(store.root).whole(RUN, reading) for reading in (READING, FURTHER))


def test_its_files_are_opened_once_each_and_none_is_read_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, made = [], []
    open_, io_open, mkdir = os.open, io.open, os.mkdir
    monkeypatch.setattr(os, "open", lambda path, *further: opened.append(Path(path).name) or open_(path, *further))
    monkeypatch.setattr(io, "open", lambda path, *further: opened.append(str(path)) or io_open(path, *further))
    monkeypatch.setattr(os, "mkdir", lambda path, *further: made.append(path) or mkdir(path, *further))
    with store.claimed(RUN):
        store.put_run(RUN, RECORD, b"weights", [(READING, MEASURES)])
    monkeypatch.undo()
    begins = [f"{RUN.key}.lock", ".writing-weights.", ".writing-run.json", ".writing-measures-"]
    assert len(opened) == len(begins), opened
    assert all(name.startswith(begin) for name, begin in zip(opened, begins, strict=True)), opened
    assert made.count(store.weights(RUN).parent) == 1


def test_a_disk_that_fills_leaves_the_run_that_was_there(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put_run(RUN, RECORD, b"weights", [(READING, MEASURES)])
    before = files(store)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    for run in (RUN, replace(RUN, seed=1)):
        with pytest.raises(ReproError, match="could not be stored"):
            store.put_run(run, {"steps": 4}, b"others", [(READING, MEASURES)])
    assert files(store) == before
    assert files(store, replace(RUN, seed=1)) == {}


def test_its_weights_are_never_beside_the_record_of_others(store: Store) -> None:
    store.put_run(RUN, RECORD, b"weights")
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.put_run(RUN, {"losses": [float("nan")]}, b"others")
    assert not store.trained(RUN)


def test_what_a_process_left_that_was_killed_is_removed(store: Store) -> None:
    folder = store.weights(RUN).parent
    folder.mkdir()
    (folder / ".writing-run.json-abc").write_text("{")
    store.put_run(RUN, RECORD, b"weights")
    assert sorted(files(store)) == ["run.json", "weights.safetensors"]
