import pytest
from projects import Project

PROCESSES = ("-n0", "-n2", "-n4")
ALL = {"passed": 3, "failed": 1, "inconclusive": 1, "unlearnt": 1, "errors": 1}


@pytest.mark.parametrize("processes", PROCESSES)
def test_every_claim_has_its_outcome(project: Project, processes: str) -> None:
    result = project.run(processes, "-v")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == ALL
    words = {
        "it_holds": "PASSED",
        "drop": "FAILED",
        "curvature": "INCONCLUSIVE",
        "diverging": "NOT LEARNT",
        "broken": "ERROR",
    }
    for line in result.outlines:
        name = next((name for name in words if f"::test_{name}[" in line and "%]" in line), None)
        assert name is None or words[name] in line
    report = project.report()
    verdicts = {claim["id"]: claim["verdict"].removesuffix(" (surrogate)") for claim in report["claims"]}
    assert verdicts == {
        "it-holds": "trend seen",
        "it-fails": "trend not seen",
        "it-is-unsure": "inconclusive",
        "it-is-drawn": "trend seen",
        "it-diverges": "not learnt",
    }
    assert [(error["test"], error["error"]) for error in report["errors"]] == [
        ("claims/test_small.py::test_broken[M1-MNIST]", "RuntimeError: the oven is cold")
    ]


def test_the_letters_of_the_outcomes(project: Project) -> None:
    result = project.run("-n0", "-k", "not it-is-drawn and not it-diverges")
    result.stdout.fnmatch_lines(["claims/test_small.py ..FiE *"])


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_claim_that_fails_shows_its_table_and_how_to_rerun_it_and_no_traceback(
    project: Project, processes: str
) -> None:
    result = project.run(processes, "-k", "it-fails", "--seeds", "4")
    lines = result.outlines
    start = next(i for i, line in enumerate(lines) if "= FAILURES =" in line)
    end = next(i for i, line in enumerate(lines) if "= claims =" in line)
    shown = "\n".join(line.rstrip() for line in lines[start + 1 : end])
    assert "trend not seen (surrogate): The sentence of it-fails." in shown
    for expected in (
        r"batch size +mean +sd +train acc",
        r"128 +90\.\d% +0\.\d +95\.0%",
        r"256 +90\.\d% +0\.\d +95\.0%",
        r"difference of batch size 256 to 128: [+-]0\.\d points \[[+-]0\.\d, [+-]0\.\d\] \(90% interval, 4 seeds\)",
        r"asked for: a fall of more than 1 point \(the margin of it-fails\)",
        r"rerun: .*pytest 'claims/test_small\.py::test_drop\[StdCNN-MNIST\]' --quick --seeds 4 --batch-.*",
    ):
        pytest.LineMatcher(shown.splitlines()).re_match_lines([rf" *{expected}"])
    for word in ("Traceback", "assert", "Error", ".py:"):
        assert word not in shown.replace("test_small.py::", "")


OWN_FAILURE = "def test_ordinary():\n    assert 1 + 1 == 3\n"
MISCHIEF = """
from test_small import STDCNN_MNIST, declared

@declared("it-misbehaves", STDCNN_MNIST)
def test_mischief(verdict):
    assert verdict.reproduced
    assert "another assertion" == "than the claim's"
"""
STATUS = {
    "holds": ("-k it-holds", 0, {"passed": 2}),
    "fails": ("-k it-fails", 1, {"failed": 1}),
    "unsure": ("-k it-is-unsure", 0, {"inconclusive": 1}),
    "unsure, strict": ("-k it-is-unsure --strict-claims", 1, {"failed": 1}),
    "holds, strict": ("-k it-holds --strict-claims", 0, {"passed": 2}),
    "breaks": ("-k it-breaks", 1, {"errors": 1}),
    "fails, verdicts ok": ("-k it-fails --verdicts-ok", 0, {"trend": 1}),
    "fails, verdicts ok, two workers": ("-k it-fails --verdicts-ok -n2", 0, {"trend": 1}),
    "unsure, strict, verdicts ok": ("-k it-is-unsure --strict-claims --verdicts-ok", 0, {"inconclusive": 1}),
    "breaks, verdicts ok": ("-k it-breaks --verdicts-ok", 1, {"errors": 1}),
    "breaks, verdicts ok, two workers": ("-k it-breaks --verdicts-ok -n2", 1, {"errors": 1}),
    "fails and breaks, verdicts ok": ("-k it-fails|it-breaks --verdicts-ok", 1, {"trend": 1, "errors": 1}),
    "ordinary failure, verdicts ok": ("-k it-fails|ordinary --verdicts-ok", 1, {"trend": 1, "failed": 1}),
    "ordinary failure, verdicts ok, two workers": (
        "-k it-fails|ordinary --verdicts-ok -n2",
        1,
        {"trend": 1, "failed": 1},
    ),
    "another assertion, verdicts ok": ("-k it-misbehaves --verdicts-ok", 1, {"failed": 1}),
    "stopped, verdicts ok": ("-k it-fails --verdicts-ok -x", 1, {"trend": 1}),
    "nothing selected": ("-k nothing-of-that-name", 5, {"deselected": None}),
}


@pytest.mark.parametrize(("options", "status", "outcomes"), STATUS.values(), ids=STATUS)
def test_the_exit_status(project: Project, options: str, status: int, outcomes: dict[str, int]) -> None:
    project.add("claims/test_own.py", OWN_FAILURE)
    project.add("claims/test_mischief.py", MISCHIEF)
    result = project.run(*(option.replace("|", " or ") for option in options.split(" ")))
    assert result.ret == status
    found = result.parseoutcomes()
    found.pop("deselected", None)
    assert found == {name: count for name, count in outcomes.items() if count}


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_claims_that_cannot_be_collected_are_never_green(project: Project, processes: str) -> None:
    project.add("claims/test_wrong.py", "import nothing_of_that_name\n")
    for options in ((), ("--continue-on-collection-errors",)):
        result = project.run(processes, "-k", "it-holds", "--verdicts-ok", *options)
        assert result.ret != 0
        assert "nothing_of_that_name" in result.stdout.str()


def test_an_error_that_the_user_can_mend_is_told_in_one_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYED_ERROR", "DataError")
    result = project.run("-n0", "-k", "it-breaks")
    assert result.ret == 1
    assert result.parseoutcomes()["errors"] == 1
    text = result.stdout.str()
    assert "DataError: the oven is cold and dark" in result.outlines
    assert "Traceback" not in text
    assert "workshop.py" not in text
    (error,) = project.report()["errors"]
    assert error["error"] == "DataError: the oven is cold and dark"


SELECTIONS = {
    "it-holds": 2,
    "it-is-unsure or it-fails": 2,
    "StdCNN-FashionMNIST": 1,
    "StdCNN-MNIST and it-holds": 1,
    "MNIST and not it-breaks and not it-is-drawn": 5,
}


@pytest.mark.parametrize(("selection", "count"), SELECTIONS.items())
@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_claims_are_selected_by_their_id_and_their_task(
    project: Project, processes: str, selection: str, count: int
) -> None:
    result = project.run(processes, "--collect-only", "-q", "-k", selection)
    assert len([line for line in result.outlines if "::test_" in line]) == count
    assert not (project.folder / "artifacts").exists()


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_the_last_failures_are_run_again(project: Project, processes: str) -> None:
    selected = ("-k", "not it-diverges and not it-is-drawn")
    project.run(processes, *selected)
    again = project.run(processes, *selected, "--lf")
    found = again.parseoutcomes()
    found.pop("deselected", None)
    assert found == {"failed": 1, "errors": 1}
    assert [command.endswith("--lf") for command in project.report()["session"]["merged"]] == [True]
