"""A claim whose worker dies is an error of the machine: it stands as such wherever verdicts do."""

import signal

import pytest
from projects import Project
from test_scorecard_lines import cells, section

DYING = """

@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef, request):
    if fixturedef.argname == "verdict" and "FashionMNIST" in request.node.nodeid:
        os.kill(os.getpid(), {signal})


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item):
    if "test_drop" in item.nodeid and "DIES_LATE" in os.environ:
        os._exit(0)
"""
TEST = "claims/test_small.py::test_flat[StdCNN-FashionMNIST]"


@pytest.fixture
def dying(project: Project) -> Project:
    with (project.folder / "conftest.py").open("a") as file:
        file.write(DYING.format(signal=int(signal.SIGKILL)))
    return project


@pytest.mark.parametrize("options", ["-n1", "-n2", "-n2 --verdicts-ok", "-n2 --max-worker-restart=0", "-n2 -x"])
def test_it_is_an_error_in_scorecard_and_report(dying: Project, options: str) -> None:
    result = dying.run(*options.split(), "-k", "it-holds or it-is-unsure", "-v")
    assert result.ret != 0
    died = r"worker gw\d died while it made this verdict: it was killed, or there was too little memory"
    lines = section(result)
    assert cells(lines, "it-holds")[-1] == "error"
    pytest.LineMatcher(lines).re_match_lines([rf"error +it-holds \[StdCNN-FashionMNIST\] +{died}"])
    result.stdout.re_match_lines([rf"ERROR {TEST.replace('[', '.').replace(']', '.')}.*"])
    report = dying.report()
    (error,) = [error for error in report["errors"] if "died" in error["error"]]
    assert {name: error[name] for name in ("test", "claim", "case", "task")} == {
        "test": TEST,
        "claim": "it-holds",
        "case": "StdCNN-FashionMNIST",
        "task": "StdCNN-FashionMNIST",
    }
    pytest.LineMatcher([error["error"]]).re_match_lines([died])
    page = (dying.folder / "artifacts" / "report.md").read_text("utf-8")
    assert f"- `{TEST}`: {error['error']}" in page.partition(" broke\n")[2]  # and others, if it ended the session
    assert "| it-holds | " in page
    decided = {(claim["id"], claim["case"]) for claim in report["claims"]}
    assert ("it-holds", "StdCNN-FashionMNIST") not in decided


def test_the_others_are_decided_by_a_worker_that_takes_its_place(dying: Project) -> None:
    result = dying.run("-n1", "-k", "it-holds or it-is-unsure or it-fails")
    found = result.parseoutcomes()
    assert (found["errors"], found["failed"], found["passed"], found["inconclusive"]) == (1, 1, 1, 1)
    assert dying.report()["session"]["partial"] == ["3 claim tests deselected"]


def test_a_worker_that_dies_after_a_verdict_takes_nothing_of_it_away(
    dying: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIES_LATE", "1")
    dying.run("-n2", "-k", "it-fails")
    (claim,) = dying.report()["claims"]
    assert claim["id"] == "it-fails"
    (error,) = dying.report()["errors"]
    assert "died" in error["error"]


def test_a_claim_that_no_worker_reported_is_an_error_of_the_report_too(project: Project) -> None:
    with (project.folder / "conftest.py").open("a") as file:
        file.write("""
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_report_to_serializable(config, report):
    if hasattr(config, "workerinput") and "FashionMNIST" in report.nodeid:
        report.nodeid = "claims/test_small.py::test_nothing"
    return (yield)
""")
    result = project.run("-n2", "-k", "it-holds")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    (error,) = (error for error in project.report()["errors"] if error["test"] == TEST)
    assert (error["claim"], error["error"]) == ("it-holds", "it was selected, but no worker reported it")
    assert cells(section(result), "it-holds")[-1] == "error"
