"""In which order a session makes runs and decides claims, and that reports and pytest's own options have theirs."""

import re
from collections import defaultdict

import pytest
from projects import Project

SELECTED = ("-k", "it-holds or it-is-drawn or it-diverges or it-fails")


def cases_run(project: Project, *options: str) -> list[str]:
    """The cases in the order in which they were decided."""
    lines = project.run("-n0", "-v", *SELECTED, *options).outlines
    return [found[1] for line in lines if (found := re.match(r"claims/test_small\.py::(\S+\]) ", line))]


def test_the_cheapest_claim_is_decided_first_and_the_report_keeps_the_order_of_the_files(project: Project) -> None:
    decided = cases_run(project)
    assert decided[:2] == ["test_flat[StdCNN-FashionMNIST]", "test_flat[StdCNN-MNIST]"]  # 3 epochs and 5
    reported = [claim["test"].partition("::")[2] for claim in project.report()["claims"]]
    assert sorted(reported) == sorted(decided)
    assert reported[0] == "test_flat[StdCNN-MNIST]"
    assert reported[-1] == "test_diverging[M1-FashionMNIST]"
    collected = [line for line in project.run("--collect-only", "-q", *SELECTED).outlines if "::" in line]
    assert [line.partition("::")[2] for line in collected] == reported


def test_what_failed_last_comes_first_where_that_is_asked_for(project: Project) -> None:
    assert cases_run(project)[0] != "test_drop[StdCNN-MNIST]"
    assert cases_run(project, "--failed-first")[0] == "test_drop[StdCNN-MNIST]"


def test_of_several_processes_each_finishes_a_run_before_it_begins_another(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYED_SECONDS", "0.1")
    project.run("-n2", "-k", "it-is-drawn or it-holds or it-fails")
    places = defaultdict[str, list[int]](list)
    for place, line in enumerate(project.played()):
        places[line["name"].partition(" to step")[0]].append(place)
    assert len(places) >= 15
    assert any(len(of_run) > 1 for of_run in places.values())  # with its state at equal training amount
    for place in range(len(project.played())):  # of two processes each is at one
        assert sum(of_run[0] <= place < of_run[-1] for of_run in places.values()) <= 2
