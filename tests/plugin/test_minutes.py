"""Sessions with a limit of time: nothing is begun that will not be over by then, and what there is is reported."""

import pytest
from projects import Project

COUNTED = """
from repro.verdicts.plan import Plan

found = Plan.figures.fget

def counted(self):
    with open("looked", "a") as file:
        file.write("x")
    return found(self)

Plan.figures = property(counted)
"""
NONE = ("--minutes", "0.001")  # less than it takes to write a report


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_without_time_nothing_is_begun_and_what_is_stored_is_decided(project: Project, processes: str) -> None:
    project.run("-n0", "-k", "it-holds")
    before = len(project.runs())
    result = project.run(processes, *NONE, "-k", "it-holds or it-is-drawn")
    assert len(project.runs()) == before
    assert {**result.parseoutcomes(), "deselected": 4} == {"passed": 2, "skipped": 1, "deselected": 4}
    report = project.report()
    assert {claim["id"] for claim in report["claims"]} == {"it-holds"}
    assert "1 claim test without a verdict" in report["session"]["partial"]
    told = "1 claim test without a verdict, for which there was no time; the same command goes on from what is stored"
    assert f"--minutes 0.001: {told}" in result.outlines


def test_what_the_report_will_take_is_asked_once_and_not_for_every_job(project: Project) -> None:
    """Asked for each of a quick session's jobs, it made a session without time go on for hours."""
    with (project.folder / "conftest.py").open("a") as file:
        file.write(COUNTED)
    project.pytester.runpytest_subprocess(*project.arguments("-n0", "--minutes", "0.001", "-k", "it-holds or it-fails"))
    assert 0 < len((project.folder / "looked").read_text()) <= 3


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_with_enough_time_all_is_made_as_ever_and_each_run_once(project: Project, processes: str) -> None:
    selected = ("-k", "it-holds or it-is-drawn or it-fails")
    result = project.run(processes, "--minutes", "100000", *selected)
    runs = project.runs()
    assert len(runs) == len({*runs}) >= 18  # and states on the way, which are played one by one
    assert not any("no time" in line for line in result.outlines)
    limited = project.report()["claims"]
    project.run("-n0", *selected)
    assert [claim["verdict"] for claim in project.report()["claims"]] == [claim["verdict"] for claim in limited]
    assert project.runs() == runs


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_run_whose_training_does_not_fit_is_not_trained_for_its_further_readings(
    project: Project, processes: str
) -> None:
    long = ("--epochs", "1000", "--readings", "all", "--minutes", "10")  # its readings would fit
    result = project.run(processes, *long, "-k", "it-is-unsure")
    assert project.runs() == []
    assert {**result.parseoutcomes(), "deselected": 6} == {"skipped": 1, "deselected": 6}
    assert any("1 claim test without a verdict, for which there was no time" in line for line in result.outlines)


@pytest.mark.parametrize("wrong", ["0", "-5", "nan", "inf", "an hour", "9999999999"])
def test_a_limit_that_is_none_is_told(project: Project, wrong: str) -> None:
    result = project.run("-n0", "--minutes", wrong)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    right = "must be a number of minutes above 0 and up to 1,000,000"
    assert any(line == f"ERROR: --minutes {wrong}: {right}" for line in [*result.outlines, *result.errlines])
