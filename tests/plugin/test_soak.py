"""Sessions that are killed at random instants, one after the other: in short here, and 200 times by ``make soak``."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from projects import Project
from test_ending import waited
from test_interrupted import alive

from repro.report.store_check import check_store

KILLS = int(os.environ.get("REPRO_SOAK", "4"))
AT_ONE = 4  # kills of sessions that are about the same runs
CLAIMS = 3


def selected(kill: int) -> list[str]:
    """Options by which each few sessions have runs of their own."""
    return ["-k", "it-holds or it-is-drawn", "--epochs", str(1 + kill // AT_ONE)]


def begun(project: Project, kill: int) -> subprocess.Popen[bytes]:
    with (project.folder / "output.txt").open("ab") as output:
        arguments = [sys.executable, "-m", "pytest", *project.arguments("-n2", *selected(kill))]
        return subprocess.Popen(
            arguments, cwd=project.folder, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def family(process: int) -> list[int]:
    """The processes of a session that are children of its controller."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks Linux for a session's processes")
def test_whatever_is_killed_whenever_nothing_finished_is_lost_and_nothing_half_is_read(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice, store = random.Random(KILLS), project.folder / ".repro" / "store"
    for kill in range(KILLS):
        monkeypatch.setenv("PLAYED_SECONDS", "0.2")
        before = len(project.runs())
        session = begun(project, kill)
        waited(lambda session=session, before=before: session.poll() is not None or len(project.runs()) > before)
        time.sleep(dice.random())
        workers = family(session.pid)
        with suppress(ProcessLookupError):  # it was over by then
            os.kill(dice.choice([session.pid, *workers]), signal.SIGKILL)
        status = session.wait(120)
        waited(lambda workers=workers: not any(map(alive, workers)))  # nobody outlives a session
        assert check_store(store).damaged == []
        if status == 0:
            assert len(project.report()["claims"]) >= CLAIMS  # a part is merged into the report that is there
    for kill in range(0, KILLS, AT_ONE):
        monkeypatch.setenv("PLAYED_SECONDS", "0")
        result = project.run("-n0", *selected(kill))
        assert result.parseoutcomes()["passed"] == CLAIMS
        runs = {run for claim in project.report()["claims"] for run in claim["runs"]}
        assert runs <= {path.name for path in (store / "runs").iterdir()}
    assert check_store(store).damaged == []
    assert not [*store.glob("runs/*/.writing-*")]
    ended = Counter(project.runs("end"))
    assert {path.name for path in (store / "runs").iterdir()} == {*project.runs()}
    assert set(ended.values()) == {1}  # each was finished once, however often it was begun
