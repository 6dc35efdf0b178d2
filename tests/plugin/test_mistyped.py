"""What is mistyped asks 'did you mean', before anything is trained."""

import pytest
from projects import Project
from test_selection import refused

MISTYPED = {
    "a task": ("--quick --task StdCNN-MNSIT", "--task StdCNN-MNSIT: must be one of ", "; did you mean StdCNN-MNIST "),
    "a network": ("--quick --task StdCN", "--task StdCN: must be one of M1-MNIST, ", "; did you mean StdCNN"),
    "a reading": ("--quick --readings lambda1-tst", "--readings lambda1-tst: must be ", "; did you mean lambda1-test"),
    "a training": (
        "--quick --trained-as c1-pool-lst",
        "--trained-as c1-pool-lst: must ",
        "; did you mean c1-pool-last?",
    ),
    "a precision": ("--quick --precision float23", "--precision float23: must be ", "; did you mean float32"),
    "a regime": ("--regime qick", "--regime qick: must be ", "; did you mean quick?"),
    "seeds": ("--quick --seeds until-decide", "--seeds until-decide: must be ", "; did you mean until-decided?"),
    "a field": ("--regime wrong.toml", "--regime wrong.toml, [all]: epoch is unknown; ", "; did you mean epochs?"),
}

TWICE = """
from test_small import STDCNN_MNIST, declared

@declared("it-holds", STDCNN_MNIST)
def test_again(verdict):
    assert verdict.reproduced
"""


@pytest.mark.parametrize(("options", "begins", "meant"), MISTYPED.values(), ids=MISTYPED)
def test_a_mistyped_value_asks_what_was_meant(project: Project, options: str, begins: str, meant: str) -> None:
    project.add("wrong.toml", "[all]\nepoch = 1\n")
    refused(project, begins, *options.split())
    result = project.bare("claims", *options.split())
    (line,) = (line for line in [*result.outlines, *result.errlines] if line.startswith("ERROR"))
    assert meant in line


def test_a_network_names_all_its_tasks(project: Project) -> None:
    project.run("-n0", "--task", "StdCNN")
    assert {claim["task"] for claim in project.report()["claims"]} == {"StdCNN-MNIST", "StdCNN-FashionMNIST"}


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_words_that_select_no_claim_are_told_with_those_that_are_near(project: Project, processes: str) -> None:
    result = project.run(processes, "-k", "it-fials and StdCNN-MNIST")
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(
        ["no claim was selected: -k 'it-fials and StdCNN-MNIST' fits none; did you mean it-fails*"]
    )
    assert result.stdout.str().count("no claim was selected") == 1
    strange = project.run(processes, "-k", "xyzzy")
    strange.stdout.fnmatch_lines(["no claim was selected: -k 'xyzzy' fits none; there are it-breaks, *"])
    assert not (project.folder / "artifacts").exists()


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_two_claims_of_one_id_are_refused_before_anything_is_trained(project: Project, processes: str) -> None:
    project.add("claims/test_twice.py", TWICE)
    result = project.run(processes)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = (line for line in [*result.outlines, *result.errlines] if line.startswith("ERROR"))
    assert line.startswith("ERROR: claim 'it-holds' [StdCNN-MNIST] is declared twice, by claims/test_small.py::test_fl")
    assert not project.runs()
