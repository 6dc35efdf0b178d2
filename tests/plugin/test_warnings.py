"""Warnings are errors in the tests of the harness; in a session of claims they are no reason to lose a run."""

import pytest
from projects import Project

WORKERS = pytest.mark.parametrize("workers", ["-n0", "-n2"])


@WORKERS
def test_a_library_that_warns_while_a_run_is_made_breaks_no_claim(
    project: Project, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("PLAYED_WARNING", "this algorithm did not fit, so another one is tried")
    project.run(workers, "-k", "it-holds")
    assert {entry["verdict"] for entry in project.report()["claims"]} == {"trend seen (surrogate)"}
    assert sorted(project.runs()) == sorted(project.runs("end"))  # each was made at the first try


@WORKERS
def test_a_session_may_run_where_pytest_benchmark_is_installed_and_warns_of_workers(
    project: Project, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("PLAYED_EARLY_WARNING", "Benchmarks are automatically disabled because xdist plugin is active.")
    assert project.run(workers, "-k", "it-holds").ret == 0
