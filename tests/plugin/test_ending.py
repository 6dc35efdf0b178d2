"""Sessions that are stopped by a signal in the middle of runs of a minute: real processes, with and without workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import Project
from test_interrupted import _heed_interrupts, alive

from repro.plugin.ending import SAYS, TERMINATED

LONG = "60"  # seconds of a run: nobody waits for one
SOON = 15.0  # seconds until a session has ended, on a machine that has other work; one without takes less than five

LOOKING = """
def pytest_collection_modifyitems():
    sources._downloaded = lambda *_: time.sleep(60)
"""


def stopped(project: Project, monkeypatch: pytest.MonkeyPatch, processes: str, *signals: int, group: bool) -> int:
    """The exit status of a session that got signals while it was at its second claim; the first holds."""
    project.run("-n0", "-k", "it-holds")
    monkeypatch.setenv("PLAYED_SECONDS", LONG)
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    arguments, before = project.arguments(processes, "-v", "-k", "it-holds or it-is-drawn"), len(project.runs())
    output = project.folder / "output.txt"
    with output.open("wb") as file:
        session = subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=project.folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_heed_interrupts,
        )
    waited(lambda: len(project.runs()) > before and output.read_text().count("PASSED") >= 2, session)
    began = time.monotonic()
    for number in signals:
        os.killpg(session.pid, number) if group else session.send_signal(number)
        time.sleep(0.1)
    status = session.wait(45)
    assert time.monotonic() - began < SOON
    waited(lambda: not any(map(alive, workers(project))))
    return status


def workers(project: Project) -> set[int]:
    return {int(line["worker"].split()[1]) for line in project.played()} - {os.getpid()}


def waited(for_what: Callable[[], object], session: "subprocess.Popen[bytes] | None" = None) -> None:
    for _ in range(900):
        if for_what():
            return
        assert session is None or session.poll() is None, "the session ended early"
        time.sleep(0.05)
    raise AssertionError("nothing came")


def left(project: Project) -> list[Path]:
    """The folders of sessions that are still there."""
    return [*(project.folder / "cache").glob("repro-session-*")]


@pytest.mark.parametrize("group", [True, False], ids=["to-all", "to-the-controller"])
@pytest.mark.parametrize("processes", ["-n0", "-n2"])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, TERMINATED), (signal.SIGINT, 2)])
def test_a_signal_ends_a_session_at_once_with_the_report_of_what_there_is(
    project: Project, monkeypatch: pytest.MonkeyPatch, processes: str, number: int, status: int, group: bool
) -> None:
    assert stopped(project, monkeypatch, processes, number, group=group) == status
    report = project.report()
    assert {claim["id"] for claim in report["claims"]} == {"it-holds"}
    assert "1 claim test without a verdict" in report["session"]["partial"]
    assert left(project) == []
    output = (project.folder / "output.txt").read_text()
    assert "trend seen" in output
    assert "Traceback" not in output
    assert (SAYS in output) is (number == signal.SIGTERM)
    # and the same command goes on from there
    monkeypatch.setenv("PLAYED_SECONDS", "0")
    project.run("-n0", "-k", "it-holds or it-is-drawn")
    assert {claim["id"] for claim in project.report()["claims"]} == {"it-holds", "it-is-drawn"}


def test_a_second_signal_does_not_spoil_the_report(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stopped(project, monkeypatch, "-n2", *[signal.SIGTERM] * 5, group=False) == TERMINATED
    assert {claim["id"] for claim in project.report()["claims"]} == {"it-holds"}


def test_workers_of_a_session_that_was_killed_end_at_once_and_remove_its_folder(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stopped(project, monkeypatch, "-n2", signal.SIGKILL, group=False) == -signal.SIGKILL
    waited(lambda: not left(project))


def test_a_session_that_is_still_looking_for_its_data_leaves_no_folder(project: Project) -> None:
    with (project.folder / "conftest.py").open("a") as file:
        file.write(LOOKING)
    arguments = [sys.executable, "-m", "pytest", *project.arguments("-n0")]
    session = subprocess.Popen(arguments, cwd=project.folder)
    waited(lambda: left(project), session)
    session.terminate()
    assert session.wait(45) == TERMINATED
    assert left(project) == []


def test_a_session_without_claims_answers_signals_as_ever(project: Project) -> None:
    project.add(
        "claims/test_own.py", "import os, signal\n\ndef test_own():\n    os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    arguments = [sys.executable, "-m", "pytest", "claims/test_own.py"]
    assert subprocess.run(arguments, cwd=project.folder, check=False).returncode == -signal.SIGTERM
