"""Sessions whose training departs from the first reading of the paper, and what they say at equal training amount."""

import pytest
from projects import Project

from repro.experiment import precisions
from repro.experiment.trained_as import HE, SAYS, UNSTANDARDISED

BOTH = ("--trained-as", f"{UNSTANDARDISED},{HE}")
CLAIM = ("-k", "it-fails")


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_how_it_departs_stands_in_header_report_and_rerun_command(project: Project, processes: str) -> None:
    data = str(project.publish())
    result = project.run(processes, *CLAIM, *BOTH, "--data-root", data)
    lines = result.outlines
    for name in (HE, UNSTANDARDISED):
        header, summary = (i for i, line in enumerate(lines) if line == f"trained as: {name} ({SAYS[name]})")
        assert header < lines.index(next(line for line in lines if "= claims =" in line)) < summary
    report = project.report()
    assert report["session"]["trained_as"] == [HE, UNSTANDARDISED]
    (claim,) = report["claims"]
    test, *flags = project.rerun(claim)
    assert test == claim["test"]
    assert flags[flags.index("--trained-as") + 1] == BOTH[1]
    before = len(project.runs())
    project.bare(test, *flags)
    assert project.report()["claims"] == [claim]
    assert len(project.runs()) == before == 6


def test_a_precision_is_named_and_makes_runs_of_its_own(project: Project) -> None:
    data = str(project.publish())
    result = project.run("-n0", *CLAIM, "--precision", "bfloat16", "--data-root", data)
    assert result.outlines.count(f"precision: bfloat16 ({precisions.SAYS['bfloat16']})") == 2  # header and summary
    report = project.report()
    assert report["session"]["precision"] == "bfloat16"
    assert "--precision bfloat16" in report["claims"][0]["rerun"]
    page = (project.folder / "artifacts" / "report.md").read_text()
    assert "**Trained in bfloat16**: " in page
    result = project.run("-n0", *CLAIM, "--data-root", data)
    assert len(project.runs()) == len(set(project.runs())) == 2 * 6
    assert not any("bfloat16" in line for line in result.outlines)


def test_its_runs_are_others_than_those_of_a_session_that_departs_in_nothing(project: Project) -> None:
    project.run("-n0", *CLAIM, *BOTH)
    project.run("-n0", *CLAIM)
    result = project.run("-n0", *CLAIM, "--trained-as", HE)
    assert len(project.runs()) == len(set(project.runs())) == 3 * 6
    assert not any(UNSTANDARDISED in line for line in result.outlines)
    project.run("-n0", *CLAIM, "--trained-as", f"{HE},{UNSTANDARDISED}")  # the same in another order
    assert len(project.runs()) == 3 * 6


def test_what_concerns_no_task_of_the_session_trains_nothing_anew(project: Project) -> None:
    project.run("-n0", *CLAIM)
    project.run("-n0", *CLAIM, "--trained-as", "c1-pool-last")
    assert len(project.runs()) == 6


def test_a_failed_claim_says_what_it_comes_to_at_equal_training_amount(project: Project) -> None:
    result = project.run("-n0", *CLAIM)
    result.stdout.fnmatch_lines(["*at equal training amount (T = *): the same, since every cell had come to that"])
