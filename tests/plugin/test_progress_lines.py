import re

import pytest
from projects import Project

LINE = re.compile(
    r"measurements: (\d+) of (\d+) made, \d+% of the predicted time, \d+ seconds? so far, about \d+ seconds? left"
)


def told(result: pytest.RunResult) -> list[tuple[str, str]]:
    return [match.groups() for line in result.outlines if (match := LINE.fullmatch(line))]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYED_EVERY", "0")


@pytest.mark.parametrize("capture", ["fd", "no"])
def test_progress_is_told_from_within_a_test(project: Project, capture: str) -> None:
    options = ("-n0", "-k", "it-holds and StdCNN-MNIST", f"--capture={capture}")
    result = project.pytester.runpytest_subprocess(*project.arguments(*options))  # only there is its output captured
    assert told(result) == [(str(done), "6") for done in range(1, 7)]


def test_checkpoints_are_counted_with_the_runs(project: Project) -> None:
    result = project.pytester.runpytest_subprocess(*project.arguments("-n0", "-k", "it-is-drawn"))
    assert told(result) == [(str(done), "9") for done in range(1, 10)]  # six runs, three of them earlier too


def test_progress_is_told_while_workers_train(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYED_SECONDS", "0.8")
    result = project.run("-n2", "-k", "it-holds and StdCNN-MNIST")
    done = [int(done) for done, of in told(result) if of == "6"]
    assert done
    assert done == sorted(done)
    assert set(done) <= set(range(7))


def test_progress_is_told_only_so_often(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYED_EVERY", "1000")
    assert told(project.run("-n0", "-k", "it-holds and StdCNN-MNIST")) == []


def test_a_quiet_session_keeps_its_lines(project: Project) -> None:
    assert len(told(project.run("-n0", "-k", "it-holds and StdCNN-MNIST", "-q"))) == 6


@pytest.mark.parametrize("option", ["-qq", "--no-progress"])
def test_nothing_is_told_where_nothing_is_trained_or_wanted(project: Project, option: str) -> None:
    assert told(project.run("-n0", "-k", "it-holds and StdCNN-MNIST", option)) == []
    assert told(project.run("-n0", "-k", "it-holds and StdCNN-MNIST")) == []
