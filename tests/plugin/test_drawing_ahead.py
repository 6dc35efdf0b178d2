"""Who draws the figures of a session, and what its end costs."""

import os
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

import pytest
from projects import Project

from repro.plugin.neighbours import HYPOTHESIS, leave_out_idle
from repro.report.drawing import figures as drawing

DRAWN = ("-k", "it-is-drawn or it-diverges or it-fails")


def break_drawing_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are processes of their own and draw as ever."""

    def broken(*_: object) -> None:
        raise OSError("no pencil")

    monkeypatch.setattr(drawing, "draw", broken)


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.png") if path.name != "scorecard.png"}


def captions(folder: Path) -> list[str]:
    return re.findall("<figcaption>(.*?)</figcaption></figure>", (folder / "report.html").read_text("utf-8"))


def test_workers_draw_what_one_process_would(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.run("-n0", *DRAWN)
    alone = pictures(project.folder / "artifacts")
    shown = captions(project.folder / "artifacts")
    assert len(shown) >= 3
    assert {"fig11.png", "fig12.png", "fig20.png", "figures.png"} == set(alone)
    break_drawing_here(monkeypatch)
    project.run("-n2", *DRAWN, "--artifacts", "other")
    assert pictures(project.folder / "other") == alone
    assert captions(project.folder / "other") == shown


def test_where_seeds_are_added_the_figures_wait_for_all_verdicts(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_drawing_here(monkeypatch)
    result = project.run("-n2", *DRAWN, "--seeds", "until-decided:4")
    result.stdout.fnmatch_lines(["*OSError: no pencil", "The report could not be written."])


@pytest.mark.parametrize("processes", ["-n0", "-n1"])
def test_a_session_of_claims_does_not_import_hypothesis(
    project: Project, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    """Its plugin's summary would, in every process."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p xdist.plugin -p hypothesispytest")
    leave_word(project)
    project.pytester.runpytest_subprocess(*project.arguments(processes, "-k", "it-holds"))
    assert [path.name for path in project.folder.glob("hypothesis-*")] == []


@pytest.mark.parametrize(
    ("imported", "said", "kept"), [(False, False, False), (True, False, True), (False, True, True)]
)
def test_hypothesis_keeps_its_summary_where_it_was_used_or_a_worker_told_of_it(
    monkeypatch: pytest.MonkeyPatch, imported: bool, said: bool, kept: bool
) -> None:
    report = SimpleNamespace(_hypothesis_failing_examples=[]) if said else SimpleNamespace(nodeid="test")
    manager = pytest.PytestPluginManager()
    manager.register(SimpleNamespace(stats={"failed": [report, "no report at all"]}), "terminalreporter")
    manager.register(SimpleNamespace(), HYPOTHESIS)
    if not imported:
        monkeypatch.delitem(sys.modules, "hypothesis", raising=False)
    elif "hypothesis" not in sys.modules:
        monkeypatch.setitem(sys.modules, "hypothesis", ModuleType("hypothesis"))
    leave_out_idle(cast(pytest.Config, SimpleNamespace(pluginmanager=manager)))
    assert manager.has_plugin(HYPOTHESIS) is kept


def test_no_worker_is_left_when_a_session_has_ended(project: Project) -> None:
    project.run("-n2", "-k", "it-holds")
    workers = {int(line["worker"].removeprefix("process ")) for line in project.played()}
    assert workers
    assert os.getpid() not in workers
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)


def leave_word(project: Project) -> None:
    """Let every process of a session leave a file if hypothesis was imported in it."""
    conftest = project.folder / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace(
            'if "torch" in sys.modules:',
            'if "hypothesis" in sys.modules:\n        (HERE / f"hypothesis-{os.getpid()}").touch()\n'
            '    if "torch" in sys.modules:',
        )
    )
