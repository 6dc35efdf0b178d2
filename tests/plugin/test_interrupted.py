"""Sessions that are killed or interrupted in the middle of their runs, as real processes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from projects import Project

RUNS = 6
LINES = """
from test_small import CLEAN, declared
from repro.experiment.recipes import BENCHMARK, LR, LR_BS
from repro.experiment.tasks import STDCNN_FASHION, STDCNN_MNIST
from repro.statistics.trends import Drops
from repro.verdicts.curves import Curve


@declared(
    "on-lines", STDCNN_MNIST, STDCNN_FASHION, curves=lambda task, recipe: Curve(task, recipe, CLEAN),
    recipe=(BENCHMARK, LR(0.9), LR_BS(0.9), LR(), LR_BS()), holds_if=Drops,
)
def test_line(verdict):
    pass
"""


def interrupted(
    project: Project, processes: str, stop: int, *, group: bool, selected: str = "it-fails", after: int = 1
) -> subprocess.Popen[bytes]:
    """A session that got a signal, it or all of its process group, after its first runs were made."""
    arguments, before = project.arguments(processes, "-k", selected), len(project.runs("end"))
    with (project.folder / "output.txt").open("wb") as output:
        session = subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=project.folder,
            stdout=output,
            start_new_session=True,
            preexec_fn=_heed_interrupts,
        )
    waited(lambda: len(project.runs("end")) >= before + after, session)
    os.killpg(session.pid, stop) if group else session.send_signal(stop)
    session.wait(30)
    return session


def _heed_interrupts() -> None:
    """What a shell starts in the background ignores them, and so would a session of tests that are run there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def waited(for_what: Callable[[], object], session: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if for_what():
            return
        assert session.poll() is None, "the session ended early"
        time.sleep(0.05)
    raise AssertionError("nothing came")


def continued(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next session makes what is missing, and nothing twice."""
    ended, begun = project.runs("end"), project.runs()
    assert 1 <= len(ended) < RUNS
    monkeypatch.setenv("PLAYED_SECONDS", "0")
    result = project.run("-n0", "-k", "it-fails")
    assert result.parseoutcomes()["failed"] == 1
    again = project.runs()[len(begun) :]
    assert not set(again) & set(ended)
    assert sorted([*again, *ended]) == sorted(set(begun) | set(again))
    assert len(set(begun) | set(again)) == RUNS
    (claim,) = project.report()["claims"]
    assert set(claim["runs"]) == set(begun) | set(again)


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_session_that_was_killed_goes_on_where_it_stopped(
    project: Project, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    monkeypatch.setenv("PLAYED_SECONDS", "0.5")
    session = interrupted(project, processes, signal.SIGKILL, group=True)
    assert session.returncode == -signal.SIGKILL
    continued(project, monkeypatch)


def test_a_session_that_was_interrupted_from_the_keyboard_goes_on_where_it_stopped(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYED_SECONDS", "0.5")
    session = interrupted(project, "-n2", signal.SIGINT, group=True)
    assert session.returncode == pytest.ExitCode.INTERRUPTED
    assert "the same command goes on from what is stored: " in (project.folder / "output.txt").read_text()
    continued(project, monkeypatch)


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_an_interrupted_session_reports_what_it_decided_as_a_part(
    project: Project, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    project.run("-n0", "-k", "it-holds")  # so that it holds at once the next time
    monkeypatch.setenv("PLAYED_SECONDS", "8")  # for which the last run is still under way
    selected = "it-holds or it-is-drawn"
    interrupted(project, processes, signal.SIGINT, group=True, selected=selected, after=2)  # all workers are there
    report = project.report()
    assert {claim["id"] for claim in report["claims"]} == {"it-holds"}
    assert report["session"]["partial"] == ["4 claim tests deselected", "1 claim test without a verdict"]
    told = (project.folder / "output.txt").read_text()
    at_once = told.index("interrupted: the report of what there is follows in a few seconds; the same command goes on")
    assert at_once < told.index("written: ")
    goes_on = "interrupted: 1 claim test without a verdict; the same command goes on from what is stored"
    assert f"{goes_on}: {report['session']['command']}" in told


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_session_that_is_cut_after_a_third_has_decided_claims_and_those_on_central_lines_first(
    project: Project, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    project.add("claims/test_lines.py", LINES)
    monkeypatch.setenv("PLAYED_SECONDS", "0.1")
    (plan,) = [line for line in project.run("--plan", "-n0", "-k", "on-lines").outlines if " trained, " in line]
    all_jobs = sum(map(int, re.findall(r"(\d+) (?:runs|checkpoints|shorter trainings)\b", plan)))
    interrupted(project, processes, signal.SIGINT, group=True, selected="on-lines", after=all_jobs // 3)
    assert len(project.runs("end")) < all_jobs / 2
    recipes = [claim["test"].partition("[")[2] for claim in project.report()["claims"]]
    assert len(recipes) >= 2
    assert all("m=0.9" not in recipe and "Benchmark" not in recipe for recipe in recipes)


def test_workers_whose_controller_was_killed_do_not_go_on_for_long(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYED_SECONDS", "1.5")
    session = interrupted(project, "-n2", signal.SIGKILL, group=False)
    workers = {int(line["worker"].split()[1]) for line in project.played()}
    assert session.pid not in workers
    for _ in range(200):
        if not any(alive(worker) for worker in workers):
            break
        time.sleep(0.1)
    assert not any(alive(worker) for worker in workers)


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
