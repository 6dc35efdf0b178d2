"""The line that a report gives to run a claim again is pasted into a shell: in the project's folder, or in any."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from projects import Project

AWKWARD = """
import pytest
from test_small import STDCNN_MNIST, declared

class TestIn:
    @pytest.mark.xdist_group("together")
    @pytest.mark.parametrize("how", ["this and that", "it's [in] $HOME `x` \\\\"])
    @declared("it-is-awkward", STDCNN_MNIST)
    def test_awkward(self, verdict, how):
        assert verdict.reproduced
"""
NOTES = """
from pathlib import Path

def pytest_configure():
    with Path("noted").open("a") as file:
        file.write("x")
"""


def begin(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """The claims of the report that a session in this folder leaves there."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pytest", "--quick", "--seeds", "2", *arguments]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return report(folder)


def report(folder: Path) -> list[dict[str, Any]]:
    claims: list[dict[str, Any]] = json.loads((folder / "artifacts" / "report.json").read_text("utf-8"))["claims"]
    return claims


def paste(line: str, project: Path) -> "subprocess.CompletedProcess[str]":
    """Run a line in a shell that knows none of the session's variables, elsewhere if the line knows the way itself."""
    cwd = Path("/") if line.startswith("cd ") else project
    known = {name: value for name, value in os.environ.items() if name not in ("PYTEST_ADDOPTS", "REPRO_DATA")}
    return subprocess.run(["sh", "-c", line], cwd=cwd, env=known, capture_output=True, text=True, check=False)


SESSIONS = {
    "in the project": (".", ("claims/test_awkward.py", "-n0")),
    "with workers, grouped": (".", ("claims", "-k", "awkward", "-n2", "--dist", "loadgroup")),
    "in a folder of it": ("claims", (".", "-k", "awkward")),
    "in another folder": ("elsewhere in the world", ("../claims", "-k", "awkward", "--store", "../my store")),
}


@pytest.mark.parametrize(("name", "arguments"), SESSIONS.values(), ids=SESSIONS)
def test_it_gives_the_same_verdict_and_trains_nothing(project: Project, name: str, arguments: tuple[str, ...]) -> None:
    project.add("claims/test_awkward.py", AWKWARD)
    folder = project.folder / name
    claims = begin(folder, *arguments)
    assert len(claims) == 2
    before = len(project.runs())
    for claim in claims:
        assert claim["rerun"].startswith("cd ") == (folder != project.folder)
        again = paste(claim["rerun"], project.folder)
        assert (again.stderr, again.returncode) == ("", 0)
        merged = report(folder)
        assert len(merged) == 2
        (found,) = (one for one in merged if one["test"] == claim["test"].partition("@")[0])
        assert {**found, "test": "", "rerun": ""} == {**claim, "test": "", "rerun": ""}
    assert len(project.runs()) == before


def test_what_the_environment_said_is_said_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.add("claims/test_awkward.py", AWKWARD)
    project.add("notes.py", NOTES)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p xdist.plugin -p notes --strict-claims -k 'this and that'")
    monkeypatch.setenv("REPRO_DATA", str(project.publish()))
    (claim,) = begin(project.folder, "claims")
    noted = project.folder / "noted"
    noted.unlink()
    assert paste(claim["rerun"], project.folder).returncode == 0
    assert noted.exists()
    assert report(project.folder) == [claim]
    assert claim["verdict"] == "trend seen"  # on the data that the variable names
    assert project.report()["session"]["strict"]
    assert project.report()["session"]["command"].startswith("PYTEST_ADDOPTS='-p xdist.plugin -p notes ")


def test_plugins_and_the_file_of_settings_are_named_again(project: Project) -> None:
    project.add("claims/test_awkward.py", AWKWARD)
    project.add("notes.py", NOTES)
    project.add("own.ini", "[pytest]\naddopts = --strict-claims\n")
    named = ("-p", "notes", "-p", "no:logging", "-c", "own.ini", "--rootdir=.")
    claim, _ = begin(project.folder, "claims", "-k", "awkward", *named)
    (project.folder / "noted").unlink()
    assert paste(claim["rerun"], project.folder).returncode == 0
    assert (project.folder / "noted").exists()
    assert project.report()["session"]["strict"]
    assert "no:logging" not in claim["rerun"]


def test_the_axis_that_figures_were_drawn_on_is_named_again(project: Project) -> None:
    claim, *_ = begin(project.folder, "claims", "-k", "it-is-unsure", "--linear-axis")
    assert " --linear-axis" in claim["rerun"]


def test_where_the_shell_finds_the_sessions_pytest_it_is_called_by_its_name(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Path(sys.executable).parent
    monkeypatch.setenv("PATH", os.pathsep.join([str(programs), os.environ["PATH"]]))
    command = ["pytest", "claims", "--quick", "--seeds", "2", "-k", "it-is-unsure"]
    subprocess.run(command, cwd=project.folder, capture_output=True, check=True)
    (claim,) = report(project.folder)
    assert claim["rerun"].startswith("PYTEST_ADDOPTS='-p xdist.plugin' pytest 'claims/")
    assert paste(claim["rerun"], project.folder).returncode == 0
    assert report(project.folder) == [claim]


def test_a_line_for_the_projects_folder_names_nothing_of_the_machine_that_lies_there(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = project.publish()
    assert data.is_relative_to(project.folder)
    (programs := project.folder / "own" / "bin").mkdir(parents=True)
    (python := programs / "python").symlink_to(sys.executable)
    (programs.parent / "pyvenv.cfg").write_text((Path(sys.prefix) / "pyvenv.cfg").read_text())
    (programs.parent / "lib").symlink_to(Path(sys.prefix) / "lib")
    monkeypatch.setenv("REPRO_DATA", str(data))
    command = [str(python), "-m", "pytest", "claims", "--quick", "--seeds", "2", "-k", "it-is-unsure"]
    subprocess.run(command, cwd=project.folder, capture_output=True, check=True)
    (claim,) = report(project.folder)
    assert " REPRO_DATA=data own/bin/python -m pytest 'claims/" in claim["rerun"]
    assert str(project.folder) not in (project.folder / "artifacts" / "report.json").read_text()
    assert paste(claim["rerun"], project.folder).returncode == 0
    assert report(project.folder) == [claim]
