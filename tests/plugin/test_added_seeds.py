"""Sessions that add seeds to a claim until it is decided."""

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from projects import FIRST_READING, Project

SEEDS = ("--seeds", "until-decided:4", "--batch-sizes", "128,256", *FIRST_READING)


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_seeds_are_added_to_the_claims_that_are_undecided_up_to_the_cap(project: Project, processes: str) -> None:
    project.add("regime.toml", "[all]\nseeds = 3\ntrain_images = 4096\ntest_images = 2048\n")
    options = ("--regime", "regime.toml", "-k", "it-is-unsure or it-holds")
    result = project.bare("claims", processes, *SEEDS, *options)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["seeds: until decided, looking at 3 4"])
    report = project.report()
    assert report["session"]["until_decided"] == 4
    seeds = {(claim["id"], claim["task"]): (claim["seeds"], len(claim["runs"])) for claim in report["claims"]}
    assert seeds == {
        ("it-is-unsure", "StdCNN-MNIST"): (4, 8),
        ("it-holds", "StdCNN-MNIST"): (3, 6),
        ("it-holds", "StdCNN-FashionMNIST"): (3, 6),
    }
    assert verified(project) == ""
    unsure = next(claim for claim in report["claims"] if claim["id"] == "it-is-unsure")
    before = len(project.runs())
    project.bare(*project.rerun(unsure))
    assert project.report()["claims"] == report["claims"]
    assert len(project.runs()) == before == 8 + 6


def test_progress_never_tells_of_more_than_there_are(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was planned is the first look; seeds come on top."""
    monkeypatch.setenv("PLAYED_EVERY", "0")
    project.add("regime.toml", "[all]\nseeds = 3\ntrain_images = 4096\ntest_images = 2048\n")
    options = ("--regime", "regime.toml", "-k", "it-is-unsure")
    result = project.pytester.runpytest_subprocess("claims", "-n0", *SEEDS, *options)
    told = [line for line in result.outlines if line.startswith("measurements: ")]
    assert [re.findall(r"\d+(?: of \d+)? made", line)[0] for line in told] == [
        *(f"{done} of 6 made" for done in range(1, 7)),
        "7 made",
        "8 made",
    ]


def test_progress_is_told_also_where_the_first_look_is_stored(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYED_EVERY", "0")
    project.add("regime.toml", "[all]\nseeds = 3\ntrain_images = 4096\ntest_images = 2048\n")
    options = ("claims", "-n0", "--regime", "regime.toml", "-k", "it-is-unsure")
    project.pytester.runpytest_subprocess(*options, *SEEDS[2:])
    result = project.pytester.runpytest_subprocess(*options, *SEEDS)
    told = [line for line in result.outlines if line.startswith("measurements: ")]
    assert [line.partition(" made, ")[0] for line in told] == ["measurements: 1", "measurements: 2"]
    assert not any("%" in line or "left" in line for line in told)


def test_a_later_session_with_more_seeds_counts_the_looks_of_the_one_before(project: Project) -> None:
    """And one with the same seeds tells what it told then, of all that the store has."""

    def look(seeds: int) -> dict[str, Any]:
        options = ("--quick", "--seeds", str(seeds), "--batch-sizes", "128,256", "-k", "it-is-unsure")
        assert project.bare("claims", "-n0", *options).ret == 0
        claim: dict[str, Any]
        (claim,) = project.report()["claims"]
        return claim

    first, second = look(3), look(5)
    assert [(made["seeds"], made["level"]) for made in second["looks"]] == [(3, 0.05), (5, pytest.approx(0.01))]
    assert second["level"] > first["level"]
    assert "look 2 of this claim: decided at 1%, after 3 seeds at 5%; " in second["evidence"]
    assert first["further"]["level"] == pytest.approx(0.01)
    assert "(a further look decides at 1%)" in first["further"]["text"]
    assert verified(project) == ""
    assert look(5) == second
    again, since = look(3), {"looks", "evidence", "further"}  # five seeds were looked at since
    assert {name: again[name] for name in again.keys() - since} == {name: first[name] for name in first.keys() - since}
    assert "5 seeds of this claim were looked at since, which left it undecided" in again["evidence"]
    assert verified(project) == ""
    fewer = look(2)
    assert (fewer["outcome"], fewer["looks"]) == ("undecided", second["looks"])
    assert verified(project) == ""
    options = ("--quick", "--seeds", "until-decided:6", "--batch-sizes", "128,256", "-k", "it-is-unsure")
    assert project.bare("claims", "-n2", *options).ret == 0
    (going_on,) = project.report()["claims"]
    assert [made["seeds"] for made in going_on["looks"]] == [3, 5, 6]
    assert verified(project) == ""


def verified(project: Project) -> str:
    """What is wrong with the report, by ``verify``; nothing where all agrees."""
    command = [sys.executable, "-m", "repro", "verify", "artifacts", "--root", "."]
    found = subprocess.run(command, cwd=project.folder, env={**os.environ}, capture_output=True, text=True, check=False)
    return found.stderr if found.stdout.endswith(": all agree\n") else found.stdout
