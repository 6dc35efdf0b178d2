"""What a session leaves of who made which run when."""

import json
import time
from typing import Any

import pytest
from projects import Project


def timeline(project: Project) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (project.folder / "artifacts" / "timeline.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_session_leaves_who_made_which_run_when(
    project: Project, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    monkeypatch.setenv("PLAYED_SECONDS", "0.1")
    began = time.time()
    project.run(processes, "-k", "it-fails")
    ended, events = time.time(), timeline(project)
    for event in ("begin", "end"):
        assert sorted(line["run"] for line in events if line["event"] == event) == sorted(project.runs(event))
    assert {line["worker"] for line in events} == ({"main"} if processes == "-n0" else {"gw0", "gw1"})
    begun = {(line["run"], line["worker"]): line["time"] for line in events if line["event"] == "begin"}
    for line in events:
        if line["event"] == "end":
            begin = begun[line["run"], line["worker"]]
            assert began <= begin <= line["time"] - 0.1 <= ended - 0.1


def test_so_does_one_that_ends_in_a_run_that_breaks(project: Project) -> None:
    project.run("-n0", "-k", "it-breaks")
    assert [line["event"] for line in timeline(project)][:1] == ["begin"]


def test_one_that_makes_nothing_leaves_it_as_it_was(project: Project) -> None:
    project.run("-n0", "-k", "it-fails")
    first = timeline(project)
    project.run("-n0", "-k", "it-fails")
    assert timeline(project) == first


def test_a_plan_leaves_none(project: Project) -> None:
    project.run("--plan", "-k", "it-fails")
    assert not (project.folder / "artifacts" / "timeline.jsonl").exists()
