"""The folder that outlives a worker: taken up by the next, by one at a time, and only by one of its kind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fleets import checkpoint, run

from repro.cluster import kept as kept_module
from repro.cluster.kept import OLD, kept, place


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def left(seed: int = 0) -> Path:
    """The folder of a run, left by a process that was killed in it."""
    script = f"""
import os, signal
from repro.cluster.kept import kept
from repro.runs.run import from_spec
with kept(from_spec({run(seed).spec!r})) as folder:
    (folder / "state").touch()
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    return Path(ended.stdout.strip())


def test_what_a_worker_left_that_died_is_taken_up_by_the_next_and_gone_when_the_run_is_made() -> None:
    folder = left()
    with kept(checkpoint().run) as again:  # which is made with its run
        assert again == folder
        assert (again / "state").exists()
    assert not folder.exists()
    with kept(run()) as anew:
        assert not (anew / "state").exists()


def test_a_worker_of_another_kind_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    left()
    monkeypatch.setattr(kept_module, "processor", lambda: "another")
    with kept(run()) as folder:
        assert not (folder / "state").exists()


def test_where_another_process_is_at_the_run_its_folder_is_left_alone() -> None:
    with kept(run()) as first, kept(run()) as second:
        assert first.is_relative_to(place())
        assert not second.is_relative_to(place())
    assert not first.exists()
    assert not second.exists()


def test_where_the_cache_cannot_be_written_the_folder_is_a_temporary_one(cache: Path) -> None:
    cache.write_text("no folder")
    with kept(run()) as folder:
        assert folder.is_dir()
    assert not folder.exists()


def test_what_nobody_took_up_for_long_is_removed_unless_a_process_is_in_it() -> None:
    old, young = left(1), left(2)
    with kept(run(3)) as busy:
        for folder in (old, busy):
            when = folder.stat().st_mtime - 2 * OLD
            os.utime(folder, (when, when))
        with kept(run(4)):
            assert not old.exists()
            assert young.exists()
            assert busy.exists()


def test_what_was_trained_for_long_and_lost_its_worker_just_now_is_kept() -> None:
    folder = left()
    state = folder / "runs" / run().key
    state.mkdir(parents=True)
    begun = folder.stat().st_mtime - 2 * OLD
    os.utime(folder, (begun, begun))
    with kept(run(1)):
        assert folder.exists()
    os.utime(state, (begun, begun))
    with kept(run()) as again:  # whoever takes it up may die before it keeps a state
        assert again == folder
        assert time.time() - folder.stat().st_mtime < OLD
