import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from repro.errors import ReproError, SettingError
from repro.experiment.readings import Reading
from repro.experiment.recipes import SGD
from repro.experiment.tasks import STDCNN_MNIST
from repro.runs.run import Run, from_spec
from repro.runs.store import Store

ROOT = Path(__file__).parents[2]
RUN = Run(STDCNN_MNIST, SGD(0.01, 0.0), 64, 0, 1, 100, "surrogate", "cpu")
OTHER = Run(STDCNN_MNIST, SGD(0.01, 0.0), 64, 1, 1, 100, "surrogate", "cpu")
READING = Reading(100, 10, 5, 10)
RECORD = {"steps": 3, "losses": [2.5, 0.1 + 0.2]}
MEASURES = {"measures": {"lambda1": 1 / 3}}
DAMAGE = {"empty": b"", "cut short": b'{"steps": 3, "los', "no text": b"\xff\xfe\x00\x80", "no record": b"[1, 2]"}


def fill(store: Store, run: Run = RUN, weights: bytes = b"weights") -> None:
    store.put_run(run, RECORD, lambda path: path.write_bytes(weights))
    store.put_measures(run, READING, MEASURES)


def files(store: Store) -> dict[str, bytes]:
    return {str(p.relative_to(store.root)): p.read_bytes() for p in (store.root / "runs").rglob("*") if p.is_file()}


@contextmanager
def process(store: Store, body: str) -> Iterator[subprocess.Popen[str]]:
    """Another process with the same store and run, paused where ``body`` calls ``pause()``; killed at the end."""
    script = f"""
        import sys, time
        from pathlib import Path
        from repro.runs.run import from_spec
        from repro.runs.store import Store
        store, run = Store(Path({str(store.root)!r})), from_spec({RUN.spec!r})
        def pause():
            print("here", flush=True)
            time.sleep(60)
        {body}
    """
    lines = "\n".join(line.removeprefix(" " * 8) for line in script.splitlines())
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", lines], env=environment, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "here\n"
            yield child
        finally:
            child.kill()


def test_what_was_put_is_read_back_as_it_was(store: Store) -> None:
    fill(store)
    record = store.record(RUN)
    assert record == {"run": RUN.spec, **RECORD}
    assert from_spec(record["run"]) == RUN
    assert store.measures(RUN, READING) == MEASURES
    assert store.weights(RUN).read_bytes() == b"weights"
    assert store.has(RUN, READING)
    assert store.whole(RUN, READING)


def test_nothing_is_known_of_what_was_never_put(store: Store) -> None:
    fill(store)
    further = Reading(100, 10, 6, 10)
    assert store.record(OTHER) is None
    assert store.measures(OTHER, READING) is None
    assert store.measures(RUN, further) is None
    for run, reading in ((OTHER, READING), (RUN, further)):
        assert not store.has(run, reading)
        assert not store.whole(run, reading)


def test_a_run_that_is_not_measured_is_not_there_yet(store: Store) -> None:
    store.put_run(RUN, RECORD, lambda path: path.write_bytes(b"weights"))
    assert store.record(RUN) is not None
    assert not store.has(RUN, READING)


def test_a_writer_that_raises_leaves_nothing(store: Store) -> None:
    def write(path: Path) -> None:
        path.write_bytes(b"half of the wei")
        raise OSError("disk full")

    with pytest.raises(ReproError, match=r"--store .* could not be stored \(disk full\); what was stored is whole"):
        store.put_run(RUN, RECORD, write)
    assert files(store) == {}


def test_a_writer_that_raises_leaves_what_was_there(store: Store) -> None:
    fill(store)
    before = files(store)

    def write(path: Path) -> None:
        path.write_bytes(b"half of the wei")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.put_run(RUN, RECORD, write)
    assert files(store) == before


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_a_record_that_json_cannot_hold_is_refused_whole(store: Store, value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        store.put_run(RUN, {"losses": [value]}, lambda path: path.write_bytes(b"weights"))
    assert store.record(RUN) is None
    fill(store)
    before = files(store)
    with pytest.raises((ValueError, TypeError)):
        store.put_measures(RUN, READING, {"lambda1": value})
    assert files(store) == before


HALF = """
        def write(path):
            path.write_bytes(b"half of the wei")
            pause()
        store.put_run(run, {}, write)
"""


def test_a_process_killed_while_it_writes_leaves_no_run(store: Store) -> None:
    with process(store, HALF) as child:
        child.kill()
    assert store.record(RUN) is None
    assert not store.weights(RUN).exists()
    assert len(files(store)) == 1  # what it had written
    fill(store)
    assert store.weights(RUN).read_bytes() == b"weights"
    assert {Path(name).name[0] for name in files(store)} == {"r", "w", "m"}  # nothing of it is left


def test_a_process_killed_while_it_writes_leaves_the_old_content(store: Store) -> None:
    fill(store)
    with process(store, HALF) as child:
        child.kill()
    assert store.weights(RUN).read_bytes() == b"weights"
    assert store.record(RUN) == {"run": RUN.spec, **RECORD}


def test_a_reader_never_sees_half_a_file(store: Store) -> None:
    fill(store)
    versions = [{"version": version, "filling": [version] * 20_000} for version in range(2)]
    store.put_measures(RUN, READING, versions[0])
    over, begun = threading.Event(), threading.Event()

    def rewrite() -> None:
        while not over.is_set():
            for version in versions[::-1]:
                store.put_measures(RUN, READING, version)
                begun.set()

    writer = threading.Thread(target=rewrite)
    writer.start()
    seen: list[dict[str, Any] | None] = []
    try:
        assert begun.wait(60)
        while len(seen) < 200 or not all(version in seen for version in versions):
            seen.append(Store(store.root).measures(RUN, READING))  # one of its own, which remembers none
    finally:
        over.set()
        writer.join()
    assert all(found in versions for found in seen)


@pytest.mark.parametrize("content", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("name", ["run.json", "measures-*.json"])
def test_a_damaged_file_is_set_aside_and_can_be_made_anew(store: Store, name: str, content: bytes) -> None:
    fill(store)
    (path,) = store.weights(RUN).parent.glob(name)
    path.write_bytes(content)
    assert not store.whole(RUN, READING)
    assert not store.has(RUN, READING)
    assert not path.exists()
    assert path.with_name(f"{path.name}.damaged-1").read_bytes() == content
    fill(store)
    assert store.whole(RUN, READING)


def test_damage_that_another_process_saw_first_is_no_error(store: Store) -> None:
    fill(store)
    path = store.weights(RUN).parent / "run.json"
    path.write_text("{")
    told: list[str] = []
    with ThreadPoolExecutor(8) as pool:
        found = [*pool.map(lambda _: Store(store.root, told.append).record(RUN), range(8))]
    assert found == [None] * 8
    assert [line.split(": ")[0] for line in told] == [str(path)]
    assert path.with_name("run.json.damaged-1").read_text() == "{"


def test_a_run_is_claimed_by_one_at_a_time(store: Store) -> None:
    with store.claimed(RUN) as first, Store(store.root).claimed(RUN) as second, store.claimed(OTHER) as other:
        assert (first, second, other) == (True, False, True)
    with store.claimed(RUN) as again:
        assert again


def test_a_claim_ends_with_an_exception(store: Store) -> None:
    with pytest.raises(RuntimeError), store.claimed(RUN):
        raise RuntimeError
    with store.claimed(RUN) as mine:
        assert mine


def test_a_claim_holds_between_processes_and_is_freed_when_its_holder_is_killed(store: Store) -> None:
    body = """
        with store.claimed(run) as mine:
            assert mine
            pause()
"""
    with process(store, body) as child:
        with store.claimed(RUN) as mine, store.claimed(OTHER) as other:
            assert (mine, other) == (False, True)
        child.kill()
        child.wait()
        with store.claimed(RUN) as mine:
            assert mine


def broken_link(root: Path) -> None:
    root.symlink_to(root.parent / "nowhere" / "store")


def file_in_its_place(root: Path) -> None:
    root.mkdir()
    (root / "runs").write_text("a file")


@pytest.mark.parametrize("impossible", [broken_link, file_in_its_place])
def test_an_impossible_folder_is_a_setting_error_of_one_line(tmp_path: Path, impossible: Any) -> None:
    impossible(tmp_path / "store")
    with pytest.raises(SettingError, match=r"--store .*store: must be a folder that can be written to \(.+\)") as error:
        Store(tmp_path / "store").prepare()
    assert "\n" not in str(error.value)


def test_a_folder_that_cannot_be_written_to_is_a_setting_error(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)  # chmod does not stop root
    with pytest.raises(SettingError, match="Permission denied"):
        store.prepare()


def test_measures_of_weights_that_another_process_has_just_remade_are_not_distrusted(store: Store) -> None:
    """What this one remembers of the record is of the weights before."""
    told: list[str] = []
    fill(store)
    one = Store(store.root, told.append)
    assert one.record(RUN) is not None
    Store(store.root).put_run(RUN, RECORD, b"others", [(READING, MEASURES)])
    found = one.measures(RUN, READING)
    assert found is not None
    assert found["measures"] == MEASURES["measures"]
    assert told == []
    assert not [*store.root.rglob("*.damaged-*")]
