import re

import pytest
from projects import Project

ROW = re.compile(r"│ (\S+) +│ (.+?) +│ ([\d ]+?) +│ (\d+) +│ (\d+) +│ (\d+) +│ (.+?) +│")


def rows(result: pytest.RunResult) -> dict[tuple[str, str], tuple[str, int, int, int]]:
    """The plan's table: (task, recipe) to batch sizes, seeds, runs, stored."""
    found = [match.groups() for line in result.outlines if (match := ROW.match(line))]
    return {(task, recipe): (grid, int(a), int(b), int(c)) for task, recipe, grid, a, b, c, _ in found}


@pytest.mark.parametrize("processes", ["-n0", "-n4", "--dist=load --tx=2*popen"])
def test_a_plan_is_printed_and_nothing_is_trained_or_created(
    project: Project, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    monkeypatch.delenv("PLAYED_SECONDS")  # were it to train, it would be for real
    before = set(project.folder.iterdir())
    result = project.pytester.runpytest_subprocess(
        *project.arguments(*processes.split(), "--plan", "-p", "no:cacheprovider")
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["7 claim tests on 6 curves need 30 runs and 3 checkpoints of them, 0 stored; the other 30 take about *"]
    )
    new = ("128 256", 3, 6, 0)
    assert rows(result) == {
        ("StdCNN-MNIST", "LR/BS m=0"): new,
        ("StdCNN-FashionMNIST", "LR/BS m=0"): new,
        ("StdCNN-MNIST", "LR m=0"): new,
        ("M1-FashionMNIST", "LR/BS m=0"): new,
        ("M1-MNIST", "LR/BS m=0"): new,
    }
    assert "workers" not in result.stdout.str()
    created = {path.name for path in set(project.folder.iterdir()) - before}
    assert {name for name in created if not name.startswith("runpytest-")} <= {"__pycache__", "stdout", "stderr"}


def test_a_plan_counts_what_is_stored(project: Project) -> None:
    data = str(project.publish())
    project.run("-n0", "--data-root", data, "-k", "it-fails")
    result = project.run("-n0", "--data-root", data, "-k", "it-fails or it-is-drawn", "--plan", "--seeds", "4")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["2 claim tests on 2 curves need 16 runs and 4 checkpoints of them, 6 stored; the other 10 take about *"]
    )
    assert rows(result) == {
        ("StdCNN-MNIST", "LR/BS m=0"): ("128 256", 4, 8, 6),
        ("StdCNN-MNIST", "LR m=0"): ("128 256", 4, 8, 0),
    }
    assert len(project.runs()) == 6


def test_a_run_that_several_claims_share_is_planned_once(project: Project) -> None:
    result = project.run("-n0", "--plan", "-k", "StdCNN-MNIST", "--batch-sizes", "64,128")
    result.stdout.fnmatch_lines(
        [
            "4 claim tests on 3 curves need 9 runs and 3 checkpoints of them, 0 stored; *",
            "│ StdCNN-MNIST │ 2 lines * │ 9 *",
            "2 lines with 12 points are 9 distinct runs. "
            "At batch size 64 these are the same training: LR m=0 and LR/BS m=0.",
        ]
    )


def test_a_plan_of_the_papers_scale_warns_of_its_cost(project: Project) -> None:
    result = project.bare("claims", "--plan", "-k", "it-fails")
    assert result.ret == 0
    assert rows(result) == {("StdCNN-MNIST", "LR/BS m=0"): ("64 128 256 512 1024", 5, 25, 0)}
    result.stdout.fnmatch_lines(["WARNING: the paper's scale without --gpu *"])
    assert not (project.folder / "artifacts").exists()


def test_a_plan_of_nothing_is_empty(project: Project) -> None:
    result = project.run("-n0", "--plan", "-k", "nothing-of-that-name")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert rows(result) == {}


def test_a_bare_session_runs_the_tests_of_the_harness_alone(project: Project) -> None:
    project.add("tests/test_own.py", "def test_own():\n    pass\n")
    result = project.bare("-v")
    assert result.parseoutcomes() == {"passed": 1}
    result.stdout.fnmatch_lines(["tests/test_own.py::test_own PASSED*"])
    assert not project.runs()
