"""A narrowed session never takes the place of a report of more claims: it merges into it, or stands beside it."""

import json
import subprocess
import sys
from typing import Any

import filelock
import pytest
from projects import Project
from test_partial_sessions import verified

from repro.report.bundle import load
from repro.runs.run import hash_of

NARROWED = ("it-fails", "it-is-unsure")
SLOW = """
def pytest_collection_finish():
    from repro.plugin import placing

    found = placing.place
    placing.place = lambda *asked: (found(*asked), time.sleep(4))[0]
"""
MORE = """
from test_small import STDCNN_MNIST, declared

@declared("it-is-more", STDCNN_MNIST)
def test_more(verdict):
    assert verdict.reproduced
"""
PROCESSES = pytest.mark.parametrize("processes", ["-n0", "-n2"])


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    return {f"{claim['id']} {claim['case']}": claim["outcome"] for claim in report["claims"]}


@PROCESSES
def test_a_rerun_is_merged_into_the_whole_report_which_stays_whole(project: Project, processes: str) -> None:
    project.run("-n0")
    whole = project.report()
    for name in ("report.md", "figures.png"):
        (project.folder / "artifacts" / name).unlink(missing_ok=True)
    result = project.run(processes, "-k", "it-fails")
    merged = project.report()
    result.stdout.fnmatch_lines(["1 verdict of this session merged into the report of 7 in *artifacts/report.json; *"])
    assert merged["claims"] == whole["claims"]
    assert merged["errors"] == whole["errors"]
    assert merged["session"]["partial"] == []
    assert merged["session"]["command"] == whole["session"]["command"]
    assert [command.endswith("-k it-fails") for command in merged["session"]["merged"]] == [True]
    assert merged["session"]["data"] == whole["session"]["data"]
    assert merged["session"]["figures"] == whole["session"]["figures"]
    assert not [path for path in (project.folder / "artifacts").iterdir() if path.is_dir()]
    assert (project.folder / "artifacts" / "report.md").exists()
    found = verified(project)
    assert (found.returncode, found.stderr) == (0, "")


@PROCESSES
def test_a_session_that_could_not_collect_a_file_replaces_no_whole_report(project: Project, processes: str) -> None:
    project.add("claims/test_more.py", MORE)
    project.run("-n0")
    whole = outcomes(project.report())
    assert "it-is-more StdCNN-MNIST" in whole
    project.add("claims/test_more.py", "import nothing_of_that_name\n")
    project.run(processes, "--continue-on-collection-errors")
    assert outcomes(project.report()) == whole


def test_the_parts_of_a_whole_are_a_whole(project: Project) -> None:
    project.run("-n0", "-k", "it-fails or it-is-unsure")
    assert project.report()["session"]["partial"] == ["5 claim tests deselected"]
    project.run("-n0", "-k", "not it-fails and not it-is-unsure")
    report = project.report()
    assert len(report["claims"]) + len(report["errors"]) == 7
    assert report["session"]["partial"] == []


def test_a_merged_report_tells_where_the_whole_one_was_made(project: Project) -> None:
    project.run("-n0")
    path = project.folder / "artifacts" / "report.json"
    made = {"commit": "0123456789abcdef", "dirty": False, "versions": {"torch": "2.11.0"}}
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "session": {**content["session"], **made}}))
    project.run("-n0", "-k", "it-fails")
    session = project.report()["session"]
    assert {name: session[name] for name in made} == made
    assert " -k it-fails at commit " in session["merged"][0]
    assert session["merged"][0] in (project.folder / "artifacts" / "report.md").read_text()


def test_sessions_that_end_together_are_both_merged(project: Project) -> None:
    project.run("-n0")
    with (project.folder / "conftest.py").open("a") as file:
        file.write(SLOW)
    commands = [[sys.executable, "-m", "pytest", *project.arguments("-n0", "-k", name)] for name in NARROWED]
    sessions = [subprocess.Popen(command, cwd=project.folder) for command in commands]
    assert [session.wait(120) for session in sessions] == [1, 0]
    merged = project.report()["session"]["merged"]
    assert {command.rpartition(" ")[2] for command in merged} == set(NARROWED)


def test_what_a_rerun_decides_anew_takes_the_place_of_what_was(project: Project) -> None:
    project.run("-n0")
    before = outcomes(project.report())
    path = project.folder / "claims" / "test_small.py"
    text = path.read_text().replace("matters=points(1)", "matters=points(50)")
    path.write_text(text.replace("holds_if=Drops", "holds_if=Flat"))
    project.pytester.runpytest_subprocess(*project.arguments("-n0", "-k", "it-fails"))
    after = outcomes(project.report())
    assert before.pop("it-fails StdCNN-MNIST") == "fails"
    assert after.pop("it-fails StdCNN-MNIST") == "holds"
    assert before == after
    assert verified(project).returncode == 0


@PROCESSES
def test_under_other_conditions_it_has_a_folder_of_its_own(project: Project, processes: str) -> None:
    project.run("-n0")
    whole = project.report()
    result = project.run(processes, "-k", "it-fails", "--seeds", "2")
    result.stdout.fnmatch_lines(["*artifacts/report.json is of more claims and other conditions (seeds), and stays *"])
    assert project.report() == whole
    project.run("-n0", "-k", "it-is-unsure", "--seeds", "2")  # merged into that, which has its conditions
    (part,) = (path for path in (project.folder / "artifacts").iterdir() if path.is_dir())
    assert part.name == "partial-1"
    assert {entry.id for entry in load(part).report.claims} == {"it-fails", "it-is-unsure"}
    assert project.report() == whole


def test_parts_of_a_whole_come_together(project: Project) -> None:
    project.run("-n0", "-k", "it-fails")
    assert project.report()["session"]["partial"] == ["6 claim tests deselected"]
    project.run("-n0", "-k", "not it-fails", "--artifacts", "more")
    assert project.report()["session"]["partial"] == ["6 claim tests deselected"]
    project.run("-n0", "-k", "it-is-unsure")
    assert len(project.report()["claims"]) == 2
    assert verified(project).returncode == 0
    project.run("-n0")
    report = project.report()
    assert (report["session"]["partial"], report["session"]["merged"]) == ([], [])


def test_a_report_that_cannot_be_read_stays_as_it_is(project: Project) -> None:
    project.add("artifacts/report.json", '{"format": 99}')
    result = project.run("-n0", "-k", "it-fails")
    result.stdout.fnmatch_lines(["*report.json cannot be read by this version, and stays as it is: the report of *"])
    assert (project.folder / "artifacts" / "report.json").read_text() == '{"format": 99}'
    assert len(load(project.folder / "artifacts" / "partial-1").report.claims) == 1
    project.run("-n0")  # all claims: it takes the place of whatever was there
    assert len(project.report()["claims"]) == 6


HELD = """
def pytest_configure():
    from repro.plugin import placing

    placing.PATIENCE = 0.5
"""


def test_a_report_that_another_session_is_at_is_left_to_it(project: Project) -> None:
    """Where it takes too long, the verdicts go to a folder of their own: merged without a lock, some would be lost."""
    project.run("-n0")
    before = project.report()
    project.add("conftest.py", (project.folder / "conftest.py").read_text() + HELD)
    artifacts = project.folder / "artifacts"
    lock = project.folder / ".repro" / "store" / "locks" / f"report-{hash_of(str(artifacts))}.lock"
    with filelock.FileLock(lock):
        result = project.run("-n0", "-k", "it-fails")
    apart = artifacts / "partial-1"
    result.stdout.fnmatch_lines([f"another session is still writing the report in {artifacts}: *{apart}"])
    assert project.report() == before
    assert {claim.id for claim in load(apart).report.claims} == {"it-fails"}
