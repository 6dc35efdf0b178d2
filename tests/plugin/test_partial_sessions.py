"""A report says that its session was of some of the claims only, and why; then it is verified for those."""

import os
import shutil
import subprocess
import sys
from typing import Any

import pytest
from projects import Project

PROCESSES = pytest.mark.parametrize("processes", ["-n0", "-n2"])
A_USERS_PLUGIN = """

def pytest_addoption(parser):
    parser.addoption("--splits", type=int)
    parser.addoption("--group", type=int)
    parser.addoption("--dropping", type=int)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    splits, dropping = config.getoption("--splits"), config.getoption("--dropping")
    if splits:
        mine = items[config.getoption("--group") - 1 :: splits]
        config.hook.pytest_deselected(items=[item for item in items if item not in mine])
        items[:] = mine
    del items[: dropping or 0]  # and tells nobody
"""
ORDINARY = "def test_ordinary():\n    pass\n"
ANOTHER = """
from test_small import STDCNN_MNIST, declared

@declared("it-is-another", STDCNN_MNIST)
def test_another(verdict):
    assert verdict.reproduced
"""
DESELECTED = {  # of 7 claim tests
    "-k it-holds --task StdCNN-MNIST": 6,
    "--figure 11 --figure 12": 6,
    "--deselect claims/test_small.py::test_broken -k it-holds": 5,
    "-m claim --splits 3 --group 2": 5,
    "--dropping 3": 3,
    "-k test_flat": 5,
}


def partial(project: Project) -> Any:
    return project.report()["session"]["partial"]


def verified(project: Project) -> "subprocess.CompletedProcess[str]":
    """The report checked, without the options that the user adds to every session."""
    environment = {**os.environ, "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "repro", "verify", "artifacts", "--root", "."]
    return subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True, check=False)


@PROCESSES
@pytest.mark.parametrize(("options", "left_out"), DESELECTED.items(), ids=DESELECTED)
def test_claims_that_were_left_out_are_counted_whoever_left_them_out(
    project: Project, processes: str, options: str, left_out: int
) -> None:
    with (project.folder / "conftest.py").open("a") as file:
        file.write(A_USERS_PLUGIN)
    project.run(processes, *options.split())
    assert partial(project) == [f"{left_out} claim tests deselected"]
    assert len(project.report()["claims"]) + len(project.report()["errors"]) == 7 - left_out
    page = (project.folder / "artifacts" / "report.md").read_text("utf-8")
    assert f"**A part of the claims**: {left_out} claim tests deselected." in page.split("## Scorecard")[0]
    found = verified(project)
    assert (found.stderr, found.returncode) == ("", 0)


@PROCESSES
def test_a_session_that_leaves_out_tests_that_are_no_claims_is_whole(project: Project, processes: str) -> None:
    project.add("claims/test_own.py", ORDINARY)
    project.run(processes, "-k", "not ordinary")
    assert partial(project) == []
    assert "part of the claims" not in (project.folder / "artifacts" / "report.md").read_text("utf-8")


@PROCESSES
@pytest.mark.parametrize("option", ["--lf", "--ignore=claims/test_another.py", "--ignore-glob=*another*"])
def test_claims_that_were_never_collected_are_missed(project: Project, processes: str, option: str) -> None:
    project.add("claims/test_another.py", ANOTHER)
    project.run("-n0", "-k", "it-is-another or it-fails", "--artifacts", "elsewhere")
    project.run(processes, option)
    assert partial(project) == [option.replace("=", " ")]
    assert verified(project).returncode == 0


def test_with_no_failure_before_all_are_run_and_none_is_missed(project: Project) -> None:
    project.run("-n0", "--lf")
    assert partial(project) == []


@PROCESSES
def test_a_session_that_goes_on_at_its_last_failure_is_of_the_rest(project: Project, processes: str) -> None:
    project.run("-n0", "--sw")  # stops at it-fails, the third of seven to take its turn
    assert partial(project) == ["4 claim tests without a verdict"]
    assert verified(project).returncode == 0
    shutil.rmtree(project.folder / "artifacts")  # into which the rest would be merged
    project.run(processes, "--sw")
    assert partial(project)[0] == "2 claim tests deselected"
    assert verified(project).returncode == 0


def test_a_file_or_a_test_that_is_named_is_a_part_where_there_are_others(project: Project) -> None:
    file, test = "claims/test_small.py", "claims/test_small.py::test_drop[StdCNN-MNIST]"
    options = ("--quick", "--seeds", "2")
    project.bare(test, *options)
    assert partial(project) == [test]
    project.bare(file, *options)
    assert partial(project) == []
    project.add("claims/test_another.py", ANOTHER)
    project.bare(file, *options)
    assert partial(project) == [file]
    project.bare(file, "claims/test_another.py", *options)
    assert partial(project) == []
    project.bare(file, "claims", *options)
    assert partial(project) == []


@PROCESSES
@pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
def test_a_session_that_ends_early_is_of_what_was_decided(
    project: Project, monkeypatch: pytest.MonkeyPatch, processes: str, option: str
) -> None:
    project.run("-n0", "-k", "it-fails")  # so that it fails at once the next time
    monkeypatch.setenv("PLAYED_SECONDS", "0.2")
    project.run(processes, option)
    report = project.report()
    undecided = 7 - len(report["claims"]) - len(report["errors"])
    assert undecided >= 3
    assert partial(project) == [f"{undecided} claim tests without a verdict"]
    assert verified(project).returncode == 0


def test_a_claim_that_its_author_skips_has_no_verdict(project: Project) -> None:
    skipped = 'import pytest\n@pytest.fixture(autouse=True)\ndef _skip():\n    pytest.skip("not today")\n'
    project.add("claims/test_another.py", skipped + ANOTHER)
    project.run("-n0")
    assert partial(project) == ["1 claim test without a verdict"]
