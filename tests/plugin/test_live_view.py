"""The live view, in a terminal of its own; and the same from another one: `repro status`."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
from projects import Project

from repro.plugin import live
from repro.plugin.progress import Progress
from repro.plugin.shared import Shared, Told
from repro.plugin.watching import Watch

CLAIMS = "it-holds and StdCNN-MNIST or it-fails"
CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def seen(project: Project, *options: str, **environment: str) -> str:
    """What a session writes into a terminal of 150 columns, without the codes for colours and places."""
    inside, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 150, 0, 0))
    settings = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR", "COLUMNS")}
    command = [sys.executable, "-m", "pytest", *project.arguments("-k", CLAIMS, *options)]
    settings |= {"TERM": "xterm-256color", "PLAYED_SECONDS": "0.8", **environment}
    session = subprocess.Popen(command, cwd=project.folder, stdout=terminal, stderr=terminal, env=settings)
    os.close(terminal)
    found = b""
    while True:
        try:
            part = os.read(inside, 1 << 16)
        except OSError:  # nobody writes any more
            break
        if not part:
            break
        found += part
    session.wait(60)
    os.close(inside)
    return CODES.sub("", found.decode("utf-8"))


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_bar_the_workers_and_the_verdicts_as_they_fall(project: Project, processes: str) -> None:
    text = seen(project, processes)
    assert "━" in text
    assert re.search(r"\d+%, \d of 6 made, about \d+ seconds? left", text)
    worker = "main" if processes == "-n0" else "gw1"
    assert re.search(rf"{worker} +StdCNN-MNIST LR/BS m=0, batch size \d+ seed \d", text)
    assert re.search(r"before: test accuracy 90\.\d%", text)
    live, end = text.split("= claims =")
    for verdict in ("trend seen (surrogate)  it-holds [StdCNN-MNIST]", "trend not seen (surrogate)  it-fails [Std"):
        assert verdict in live
        assert verdict.split("  ")[1] in end
    assert "test_small.py F" not in text  # pytest writes no letters where the view is


@pytest.mark.parametrize(
    ("options", "environment"),
    [(["-q"], {}), (["-v"], {}), (["--no-progress"], {}), ([], {"CI": "true"}), ([], {"TERM": "dumb"})],
    ids=["-q", "-v", "--no-progress", "CI", "dumb"],
)
def test_elsewhere_it_keeps_plain_lines(project: Project, options: list[str], environment: dict[str, str]) -> None:
    text = seen(project, "-n0", *options, PLAYED_EVERY="0", **environment)
    assert "━" not in text
    assert ("measurements: 6 of 6 made" in text) == ("--no-progress" not in options)


def status(project: Project) -> str:
    command = [sys.executable, "-m", "repro", "status", "artifacts"]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False).stdout


def test_another_terminal_sees_the_session_at_work_and_then_its_report(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYED_SECONDS", "2")
    arguments = [sys.executable, "-m", "pytest", *project.arguments("-k", CLAIMS, "-n2")]
    with (project.folder / "output.txt").open("wb") as output:
        session = subprocess.Popen(arguments, cwd=project.folder, stdout=output)
        while session.poll() is None and len(project.runs("end")) < 2:
            time.sleep(0.05)
        at_work = status(project)
        session.wait(60)
    assert at_work.startswith("a session is at work\nmeasurements: ")
    assert re.search(r"^gw[01]  StdCNN-MNIST LR/BS m=0, batch size ", at_work, re.MULTILINE)
    ended = status(project)
    assert ended.startswith("no session is at work\nreport  artifacts/report.json, of ")
    assert "claims  1 trend seen (surrogate), 1 trend not seen (surrogate)" in ended
    assert "with 6 runs" in ended
    assert not (project.folder / "artifacts" / "session.json").exists()


def test_a_session_that_was_killed_is_not_at_work(project: Project) -> None:
    project.run("-n0", "-k", CLAIMS)
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    facts = {"process": process.pid, "machine": os.uname().nodename, "folder": "/nowhere", "processes": 1, "began": 0}
    (project.folder / "artifacts" / "session.json").write_text(json.dumps(facts))
    assert status(project).startswith("no session is at work\n")


def test_the_share_that_is_done_is_one_of_the_predicted_time(tmp_path: Path) -> None:
    shared = Shared(tmp_path)
    runs = {"a": ("LR", [60.0, 10.0]), "b": ("LR/BS", [30.0])}
    watch = Watch(shared, Told(missing=3, runs=runs), processes=2, began=time.time() - 40)
    now = time.time()

    def write(event: str, run: str, when: float, worker: str = "gw0") -> None:
        line = {"event": event, "run": run, "name": f"M1-MNIST lr=1 m=0 batch size 8 seed {run}", "worker": worker}
        with shared.journal.open("a") as file:
            file.write(json.dumps({**line, "time": when}) + "\n")

    assert watch.state().share == 0
    write("begin", "a", now - 40)
    write("end", "a", now - 20)
    state = watch.state()
    assert (state.done, state.share) == (1, 0.6)
    assert state.left == pytest.approx(40 * (20 / 60) / 2)  # it was made in a third of the time that was predicted
    write("begin", "b", now - 1)
    shared.beat("gw0", run="b", epoch=1, epochs=2, loss=0.5, accuracy=0.9)
    state = watch.state()
    assert state.share == pytest.approx(0.6 + 0.95 * 0.15)
    assert state.doing[0].words == (
        "gw0",
        "M1-MNIST LR/BS, batch size 8 seed b",
        "epoch 1 of 2, loss 0.5",
        "before: test accuracy 90.0%",
    )
    with shared.journal.open("a") as file:
        file.write('{"event": "en')  # still being written
    assert watch.state().done == 1


def test_a_line_that_a_full_disk_cut_is_passed_over(tmp_path: Path) -> None:
    shared = Shared(tmp_path)
    whole = json.dumps({"event": "end", "run": "a", "name": "a", "worker": "gw0", "time": 0.0})
    shared.journal.write_text(f"{whole}\n{whole[:20]}{whole}\n{whole}\n")
    assert Watch(shared, Told(missing=3), processes=1, began=0).done() == 2


def test_a_worker_that_takes_the_place_of_another_changes_nothing_of_what_was_planned(tmp_path: Path) -> None:
    shared, first = Shared(tmp_path), Told("as planned", missing=6)
    shared.tell(first)
    shared.tell(Told("what is left", missing=2))
    assert shared.told() == first
    shared.tell(Told(error="the store is gone"))
    assert shared.told().error == "the store is gone"


def test_the_verdicts_of_a_session_that_ends_just_now_are_none(tmp_path: Path) -> None:
    assert Shared(tmp_path / "gone").verdicts() == []


def test_a_verdict_that_falls_while_the_first_view_is_being_made_makes_no_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    made: list[object] = []

    def slow(*_: object) -> object:
        made.append(object())
        time.sleep(0.3)
        return made[-1]

    monkeypatch.setattr(live, "View", slow)
    progress = Progress(Shared(tmp_path), Mock(), pytestconfig)
    progress._watch = progress._terminal = Mock()
    threads = [threading.Thread(target=progress.poll) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
