"""Reports of sessions, checked and compared afterwards, and claims whose margins are moved between sessions."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from projects import Project

CLAIMS = "it-holds or it-fails or it-is-unsure"
SAME, DIFFERENT, NOTHING = 0, 1, 2


def repro(project: Project, *arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """``python -m repro`` in the project, as its user types it."""
    root = ["--root", str(project.folder)] if "verify" in arguments else []
    command = [sys.executable, "-m", "repro", *arguments, *root]
    environment = {**os.environ, "PYTEST_ADDOPTS": "-n 2 -k nothing"}  # the user's own, which are of no concern here
    return subprocess.run(
        command, cwd=cwd or project.folder, env=environment, capture_output=True, text=True, check=False
    )


def move_the_margin(project: Project, before: str = "points(2)", after: str = "points(3)") -> None:
    """Change the margin of it-holds in the project's claims."""
    path = project.folder / "claims" / "test_small.py"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)  # written within the same second


def by_claim(project: Project) -> dict[str, dict[str, Any]]:
    return {f"{entry['id']} {entry['case']}": entry for entry in project.report()["claims"]}


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_the_report_of_a_session_is_verified_from_its_store(project: Project, processes: str) -> None:
    project.run(processes, "-k", CLAIMS)
    found = repro(project, "verify", "artifacts")
    assert found.stderr == ""
    assert found.stdout.splitlines()[-1].startswith("4 of 7 claims of this checkout checked in ")
    assert found.stdout.endswith(": all agree\n")
    assert found.returncode == SAME


def test_a_report_is_verified_from_anywhere_with_a_store_anywhere(project: Project, tmp_path: Path) -> None:
    project.run("-n0", "-k", CLAIMS, "--store", "runs")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    store = str(project.folder / "runs")
    for report in (project.folder / "artifacts", shutil.copytree(project.folder / "artifacts", elsewhere / "copy")):
        found = repro(project, "verify", str(report), "--store", store, cwd=elsewhere)
        assert found.stdout.endswith(": all agree\n")


MOVED = [f"{path}: 2 points -> 3 points" for path in ("holds_if.within", "test_accuracy.matters")]


def test_verify_uses_the_claims_as_they_are_now(project: Project) -> None:
    project.run("-n0", "-k", CLAIMS)
    move_the_margin(project)
    found = repro(project, "verify", "artifacts")
    assert found.returncode == DIFFERENT
    for case in ("StdCNN-MNIST", "StdCNN-FashionMNIST"):
        assert f"DIFFERS it-holds [{case}]\n    margin: 2 in the report, 3 now\n" in found.stdout
    assert f"({'; '.join(MOVED)})" in found.stdout
    assert found.stdout.endswith(": 2 agree, 2 differ\n")


def test_claims_of_ones_own_are_found_with_their_helpers_and_classes(project: Project) -> None:
    project.add("claims/mine/__init__.py", "")
    project.add(
        "claims/mine/helpers.py",
        """
from repro.verdicts.curves import TEST_ACCURACY, Curve

def of(task, recipe):
    return Curve(task, recipe, TEST_ACCURACY)
""",
    )
    project.add(
        "claims/mine/test_own.py",
        """
from repro.verdicts.claim import claim
from repro.experiment.recipes import LR
from repro.experiment.tasks import STDCNN_MNIST
from repro.statistics.equivalence import Flat
from .helpers import of

class TestOwn:
    @claim("own", section="3", says="So.", on=[STDCNN_MNIST], curves=lambda task: of(task, LR()),
           holds_if=Flat, lines=())
    def test_it(self, verdict):
        assert verdict.reproduced

def test_no_claim():
    assert False
""",
    )
    (project.folder / "claims" / "test_small.py").unlink()
    project.bare("claims", "--quick", "--seeds", "2")
    found = repro(project, "verify", "artifacts")
    assert found.stderr == ""
    assert f"claims  {project.folder / 'claims'}\n" in found.stdout
    assert "test_no_claim" in found.stdout.partition("WITHOUT A VERDICT")[2]
    assert found.stdout.splitlines()[-1].startswith("1 of 1 claims of this checkout checked in ")
    assert found.returncode == SAME


def test_a_session_of_everything_is_not_narrowed_and_a_claim_added_since_is_a_difference(project: Project) -> None:
    project.run("-n0")
    assert project.report()["session"]["partial"] == []
    assert repro(project, "verify", "artifacts").returncode == SAME
    path = project.folder / "claims" / "test_small.py"
    path.write_text(path.read_text() + '\n@declared("it-is-new", STDCNN_MNIST)\ndef test_new(verdict):\n    pass\n')
    found = repro(project, "verify", "artifacts")
    assert "ONLY IN THE CHECKOUT: 1 claim test\n    claims/test_small.py::test_new[StdCNN-MNIST]" in found.stdout
    assert found.returncode == DIFFERENT


def test_two_sessions_are_compared(project: Project) -> None:
    project.run("-n0", "-k", CLAIMS, "--artifacts", "one")
    project.run("-n0", "-k", "it-holds or it-fails", "--artifacts", "two", "--store", "one/store")
    project.run("-n0", "-k", CLAIMS, "--artifacts", "three", "--store", "one/store")
    assert repro(project, "diff", "one", "three").returncode == SAME
    found = repro(project, "diff", "one", "two")
    assert found.returncode == DIFFERENT
    assert "Claims only in A (1)\n  it-is-unsure [StdCNN-MNIST]" in found.stdout
    move_the_margin(project, "points(1)", "points(-1)")
    project.run("-n0", "-k", CLAIMS, "--artifacts", "three", "--store", "one/store", "--seeds", "2")
    found = repro(project, "diff", "one", "three")
    assert "it-fails [StdCNN-MNIST] (holds_if.at_least: 1 point -> -1 points): " in found.stdout
    assert "all tasks, seeds: 3 -> 2" in found.stdout
    assert "Verdicts that changed (" in found.stdout
    assert "  it-fails [StdCNN-MNIST]\n    A  trend not seen (surrogate)  " in found.stdout


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_margin_moved_after_results_were_seen_shows_in_the_next_report(project: Project, processes: str) -> None:
    project.run(processes, "-k", CLAIMS)
    first = by_claim(project)
    assert all(entry["declared_before"] == [] for entry in first.values())
    for path in (project.folder / "artifacts").iterdir():  # nothing is left but the store
        if path.name != "store":
            path.unlink()
    move_the_margin(project)
    result = project.pytester.runpytest_subprocess(*project.arguments(processes, "-k", CLAIMS))
    second = by_claim(project)
    shown = {name: len(entry["declared_before"]) for name, entry in second.items()}
    assert shown == {
        "it-holds StdCNN-MNIST": 1,
        "it-holds StdCNN-FashionMNIST": 1,
        "it-fails StdCNN-MNIST": 0,
        "it-is-unsure StdCNN-MNIST": 0,
    }
    old, new = (side["it-holds StdCNN-MNIST"] for side in (first, second))
    (before,) = new["declared_before"]
    assert (before["declared"], before["changes"]) == (old["declared"], MOVED)
    result.stdout.fnmatch_lines(["trend seen* it-holds ?StdCNN-MNIST?* (declared differently before)"])
    page = (project.folder / "artifacts" / "report.html").read_text("utf-8")
    assert page.count("Declared differently before") == 2
    asked = "every two batch sizes within 2 points of each other"
    told = f"{asked}: trend seen (surrogate) on {before['date'][:10]} (quick regime); "
    assert f"<code>{old['declared']}</code>, {told}" in page
    assert f"Declared as <code>{new['declared']}</code>." in page


def test_more_seeds_are_no_other_declaration_and_another_grid_is_one(project: Project) -> None:
    project.run("-n0", "-k", CLAIMS)
    project.run("-n0", "-k", CLAIMS, "--seeds", "4", "--strict-claims")
    assert all(entry["declared_before"] == [] for entry in by_claim(project).values())
    assert project.report()["session"]["strict"] is True
    project.run("-n0", "-k", CLAIMS, "--batch-sizes", "64,256")
    (before,) = by_claim(project)["it-holds StdCNN-MNIST"]["declared_before"]
    assert "StdCNN-MNIST.batch_sizes.1: 128 -> 64" in before["changes"]


def test_a_report_without_anything_that_was_measured_agrees_with_nothing(project: Project) -> None:
    project.run("-n0", "-k", "it-breaks")
    found = repro(project, "verify", "artifacts")
    assert found.stdout == ""
    assert "report.json: 0 of 7 claims of this checkout checked" in found.stderr
    assert found.returncode == NOTHING
    assert json.loads((project.folder / "artifacts" / "report.json").read_text())["format"] == 1


def test_a_claim_that_broke_is_not_checked_and_no_difference(project: Project) -> None:
    project.run("-n0", "-k", "it-breaks or it-holds")
    found = repro(project, "verify", "artifacts")
    assert "WITHOUT A VERDICT in the report, for they broke: 1 test" in found.stdout
    assert found.stdout.splitlines()[-1].startswith("2 of 7 claims of this checkout checked in ")
    assert found.returncode == SAME


def test_the_artifacts_are_small_and_can_be_moved_with_the_folder_that_holds_them(project: Project) -> None:
    project.run("-n0", "-k", CLAIMS)
    assert project.report()["session"]["store"] == "../.repro/store"
    assert not (project.folder / "artifacts" / "store").exists()
    assert (project.folder / ".repro" / ".gitignore").read_text() == "*\n"
    moved = project.folder / "moved"
    moved.mkdir()
    for name in ("artifacts", ".repro"):
        (project.folder / name).rename(moved / name)
    found = repro(project, "verify", "moved/artifacts")
    assert found.stdout.endswith(": all agree\n")
    (moved / ".repro").rename(project.folder / ".elsewhere")
    lost = repro(project, "verify", "moved/artifacts")
    assert (lost.returncode, lost.stdout, lost.stderr.count("\n")) == (2, "", 1)
    assert "name their folder with --store" in lost.stderr


def test_a_store_in_the_old_place_goes_on_being_used_and_a_line_says_so(project: Project) -> None:
    project.run("-n0", "-k", CLAIMS, "--store", "artifacts/store")
    before = len(project.runs())
    result = project.run("-n0", "-k", CLAIMS)
    assert len(project.runs()) == before
    result.stdout.fnmatch_lines(["NOTE: runs are kept in *, as earlier versions did; move that folder to .repro/store"])
    assert not (project.folder / ".repro").exists()
    assert project.report()["session"]["store"] == "store"
    assert repro(project, "verify", "artifacts").returncode == SAME
