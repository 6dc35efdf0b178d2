import platform
import re

import pytest
from projects import Project

from repro.experiment.recipes import LR
from repro.experiment.tasks import STDCNN_MNIST
from repro.runs.run import Run
from repro.runs.store import Store

ROW = re.compile(r"│ (\S+) +│ (.+?) +│ ([\d ]+?) +│ (\d+) +│ (\d+) +│ (\d+) +│ (\d+) +│ (.+?) +│")


def rows(result: pytest.RunResult) -> dict[tuple[str, str], tuple[str, int, int, int, int]]:
    """The plan's table: (task, recipe) to batch sizes, seeds, runs, trained, measured."""
    found = [match.groups() for line in result.outlines if (match := ROW.match(line))]
    return {(task, recipe): (grid, *map(int, counts)) for task, recipe, grid, *counts, _ in found}


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
        ["7 claim tests on 7 curves need 30 runs and 3 checkpoints of them, 0 trained, 0 measured; the rest takes *"]
    )
    new = ("128 256", 3, 6, 0, 0)
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
        ["2 claim tests on 2 curves need 16 runs and 4 checkpoints of them, 6 trained, 6 measured; the rest takes *"]
    )
    assert "missing: 14 measurements never made" in result.outlines
    assert rows(result) == {
        ("StdCNN-MNIST", "LR/BS m=0"): ("128 256", 4, 8, 6, 6),
        ("StdCNN-MNIST", "LR m=0"): ("128 256", 4, 8, 0, 0),
    }
    assert len(project.runs()) == 6


def test_a_run_that_several_claims_share_is_planned_once(project: Project) -> None:
    result = project.run("-n0", "--plan", "-k", "StdCNN-MNIST", "--batch-sizes", "8,32")
    result.stdout.fnmatch_lines(
        [
            "4 claim tests on 4 curves need 9 runs and 3 checkpoints of them, 0 trained, 0 measured; *",
            "│ StdCNN-MNIST │ 2 lines * │ 9 *",
            "2 lines with 12 points are 9 distinct runs. "
            "At batch size 8 these are the same training: LR m=0 and LR/BS m=0.",
        ]
    )


def test_a_plan_of_the_papers_scale_warns_of_its_cost(project: Project) -> None:
    result = project.bare("claims", "--plan", "-k", "it-fails")
    assert result.ret == 0
    assert rows(result) == {("StdCNN-MNIST", "LR/BS m=0"): ("64 128 256 512 1024", 5, 25, 0, 0)}
    result.stdout.fnmatch_lines(["WARNING: the paper's scale without --gpu *"])
    assert not (project.folder / "artifacts").exists()


def test_a_plan_of_nothing_is_empty(project: Project) -> None:
    result = project.run("-n0", "--plan", "-k", "nothing-of-that-name")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert rows(result) == {}


def test_a_bare_session_runs_the_tests_of_the_harness_alone(project: Project) -> None:
    project.add("tests/test_own.py", "def test_own():\n    pass\n")
    result = project.pytester.runpytest_subprocess(
        "-v"
    )  # in this process pytest may warn that it has the plugin already
    assert result.parseoutcomes() == {"passed": 1}
    result.stdout.fnmatch_lines(["tests/test_own.py::test_own PASSED*"])
    assert not project.runs()


PREDICTED = re.compile(r"the session takes about ([\d.]+) (seconds|minutes) on (\d+) process(?:es)?\b.*")


def predicted(result: pytest.RunResult) -> tuple[float, int]:
    """The seconds that a plan says the session takes, and on how many processes."""
    ((size, unit, count),) = (match.groups() for line in result.outlines if (match := PREDICTED.fullmatch(line)))
    return float(size) * {"seconds": 1, "minutes": 60}[unit], int(count)


@pytest.mark.parametrize(
    ("options", "processes"),
    [
        *(("", 1), ("-n0", 1), ("-n4", 4), ("-nauto", 7), ("-nauto --maxprocesses=3", 3), ("-n1", 1)),
        *(("--dist=load --tx=2*popen", 2), ("--dist=load --tx=3*popen --tx=popen", 4)),
    ],
)
def test_a_plan_predicts_the_session_of_as_many_processes_as_were_asked_for(
    project: Project, monkeypatch: pytest.MonkeyPatch, options: str, processes: int
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "7")
    seconds, count = predicted(project.run(*options.split(), "--plan", "-k", "it-holds"))
    assert count == processes
    if processes > 1:
        alone, _ = predicted(project.run("--plan", "-k", "it-holds"))
        assert seconds < 0.7 * alone


def test_without_xdist_a_plan_is_one_of_one_process(project: Project) -> None:
    result = project.pytester.runpytest_subprocess(
        *project.arguments("--plan", "-k", "it-holds", "-p", "no:xdist", "-p", "no:xdist.plugin")
    )
    assert predicted(result)[1] == 1


def test_a_plan_says_that_its_rates_are_built_in_and_how_to_measure_others(project: Project) -> None:
    project.run("--plan", "-k", "it-holds").stdout.fnmatch_lines(
        [
            "estimated with built-in rates of one core of a 2-core AMD EPYC; "
            "`python -m repro calibrate` measures this machine in a minute"
        ]
    )


def test_a_plan_tells_what_is_trained_from_what_is_measured(project: Project) -> None:
    data = str(project.publish())
    options = ("-n0", "--data-root", data, "-k", "it-fails")
    project.run(*options)
    for path in [*project.folder.glob(".repro/store/runs/*/measures-*.json")][::2]:
        path.unlink()
    lines = project.run(*options, "--plan").outlines
    (line,) = (line for line in lines if line.startswith("1 claim test on 1 curve needs 6 runs"))
    counts = re.search(r", (\d) trained, (\d) measured; the rest takes about", line)
    assert counts is not None
    assert counts[1] == "6"
    assert int(counts[2]) < 6


def test_a_plan_follows_what_runs_took_on_this_machine(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a folder that the user names: one run of the session's network took ten hours."""
    run = Run(STDCNN_MNIST, LR().sgd(64), 64, 0, 1, 1024, "surrogate", "cpu")
    store = Store(project.folder / "measured")
    store.prepare()
    record = {"machine": platform.node(), "diverged": False, "seconds": 36_000.0}
    store.put_run(run, record, lambda path: path.touch())
    monkeypatch.setenv("REPRO_RATES", str(store.root))
    result = project.run("--plan", "-k", "it-holds and StdCNN-MNIST")
    result.stdout.fnmatch_lines(
        [
            "* need* 6 runs, 0 trained, 0 measured; the rest takes about * on one core of a CPU",
            "the session takes about * days on 1 process",
            f"estimated with what 1 run took here or in {store.root}",
        ]
    )


@pytest.mark.parametrize(("device", "warned"), [("cpu", True), ("cpu,StdCNN-MNIST=cuda", True), ("cuda", False)])
def test_at_the_papers_scale_who_would_train_on_a_processor_is_warned(
    project: Project, device: str, warned: bool
) -> None:
    data = str(project.publish())
    options = ("claims", "--plan", "-k", "it-holds", "--data-root", data, "--device", device)
    result = project.pytester.runpytest_subprocess(*options)  # torch is imported once a process
    assert result.ret == 0
    assert ("CPU-weeks" in result.stdout.str()) is warned


def test_a_file_where_runs_were_to_be_is_ignored_and_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.add("rates.json", "{")
    monkeypatch.setenv("REPRO_RATES", str(project.folder / "rates.json"))
    result = project.run("--plan", "-k", "it-holds")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["estimated with built-in rates *; REPRO_RATES *rates.json: no such runs are stored there, and it is *"]
    )


def test_where_everything_is_stored_no_time_is_predicted(project: Project) -> None:
    options = ("--data-root", str(project.publish()), "-k", "it-holds and StdCNN-MNIST")
    project.run("-n0", *options)
    text = project.run("--plan", *options).stdout.str()
    assert "6 runs, 6 trained, 6 measured" in text
    assert "the session takes" not in text
    assert "estimated with" not in text


def test_a_plan_says_nothing_of_verdicts_that_there_was_no_time_for(project: Project) -> None:
    result = project.run("--plan", "-k", "it-holds", "--minutes", "1000")
    result.stdout.no_fnmatch_line("*there was no time*")
