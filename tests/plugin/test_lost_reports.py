"""A session is never green when a test it selected was not reported, however its worker lost it."""

import pytest
from projects import Project

PROPERTY = """
import numpy

def test_property(record_property):
    record_property("loss", numpy.float64(0.5))  # a worker cannot send it, and its report is lost
"""
KILLED = """
import os, signal

def test_killed():
    os.kill(os.getpid(), signal.SIGKILL)
"""
LEFT = """
import os

def test_left():
    os._exit(0)
"""
LOST = {"property": PROPERTY, "killed": KILLED, "left": LEFT}


@pytest.mark.parametrize(
    ("name", "options"),
    [("property", "-n1"), ("property", "-n2 --verdicts-ok"), ("killed", "-n1 --verdicts-ok"), ("left", "-n1")],
)
def test_a_test_that_is_lost_beside_a_single_claim_is_not_green(project: Project, name: str, options: str) -> None:
    project.add("claims/test_lost.py", LOST[name])
    result = project.run("-k", f"test_{name} or it-fails", *options.split())
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
    lost = f"LOST: claims/test_lost.py::test_{name} was selected, but no worker reported it"
    assert (lost in result.outlines) is (name == "property")  # xdist itself tells of a worker that died


def test_a_test_that_is_lost_among_claims_is_not_green(project: Project) -> None:
    project.add("claims/test_lost.py", PROPERTY)
    result = project.run("-n2", "-k", "test_property or it-holds or it-fails", "--verdicts-ok")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    assert "LOST: claims/test_lost.py::test_property was selected, but no worker reported it" in result.outlines


def test_verdicts_of_the_other_worker_are_told_when_one_was_killed(project: Project) -> None:
    project.add("claims/test_lost.py", KILLED)
    result = project.run("-n2", "-k", "test_killed or it-holds or it-fails")
    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 2, "passed": 2}
    report = project.report()
    assert {claim["id"] for claim in report["claims"]} == {"it-holds", "it-fails"}
    assert [error["test"] for error in report["errors"]] == ["claims/test_lost.py::test_killed"]


UNREPORTED = """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_report_to_serializable(config, report):
    if getattr(report, "when", "") in {phases} and hasattr(config, "workerinput") and "FashionMNIST" in report.nodeid:
        report.nodeid = "claims/test_small.py::test_nothing"
    return (yield)
"""


@pytest.mark.parametrize("phases", [("setup", "call", "teardown"), ("call", "teardown")])
def test_a_report_that_never_arrives_is_missed(project: Project, phases: tuple[str, ...]) -> None:
    with (project.folder / "conftest.py").open("a") as file:
        file.write(UNREPORTED.format(phases=phases))
    result = project.run("-n2", "-k", "it-holds", "--verdicts-ok")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    lost = "claims/test_small.py::test_flat[StdCNN-FashionMNIST]"
    assert f"LOST: {lost} was selected, but no worker reported it" in result.outlines
