import pytest
from projects import Project


def test_a_session_in_one_process_stops_at_the_first_failure(project: Project) -> None:
    result = project.run("-n0", "-x", "-k", "it-fails or StdCNN-FashionMNIST or it-diverges")
    assert result.ret == 1
    assert result.parseoutcomes()["failed"] == 1
    assert {line["name"].split()[0] for line in project.played()} == {"StdCNN-MNIST", "StdCNN-FashionMNIST"}


def test_workers_begin_no_further_run_once_the_session_is_stopped(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run("-n0", "-k", "it-fails")  # so that it fails at once the next time
    stored = len(project.runs())
    monkeypatch.setenv("PLAYED_SECONDS", "0.5")
    result = project.run("-n2", "-x", "-k", "it-fails or StdCNN-FashionMNIST or it-diverges")
    assert result.ret == 2
    assert result.parseoutcomes()["failed"] == 1
    assert len(project.runs()) - stored <= 4  # of 12: what two workers had begun, and perhaps begun anew meanwhile
    undecided = [line for line in result.outlines if "no verdict: the session was stopped" in line]
    assert len(undecided) <= 2
    assert {claim["id"] for claim in project.report()["claims"]} == {"it-fails"}


def test_more_failures_than_one_can_be_allowed(project: Project) -> None:
    result = project.run("-n2", "--maxfail=2", "-k", "it-fails or it-holds")
    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1, "passed": 2}


def test_what_a_stopped_session_has_made_is_used_by_the_next(project: Project) -> None:
    project.run("-n0", "-x", "-k", "it-fails or it-holds")
    before = len(project.runs())
    project.run("-n0", "-k", "it-fails or it-holds")
    assert 0 < before <= len(project.runs()) == len(set(project.runs()))
