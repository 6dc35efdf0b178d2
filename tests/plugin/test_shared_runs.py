"""Sessions whose tests, or whose processes, share runs."""

import pytest
from projects import Project

STDCNN = "not it-diverges and not it-breaks and not it-is-drawn"


@pytest.mark.parametrize("processes", ["-n0", "-n4"])
def test_no_run_is_made_twice_however_many_tests_and_processes_want_it(
    project: Project, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    monkeypatch.setenv("PLAYED_SECONDS", "0.1")
    result = project.run(processes, "-k", STDCNN)
    found = result.parseoutcomes()
    assert (found["passed"], found["failed"], found["inconclusive"]) == (2, 1, 1)
    assert len(project.runs()) == len(set(project.runs())) == 12
    assert sorted(project.runs("end")) == sorted(project.runs())
    makers = {line["worker"] for line in project.played()}
    assert (len(makers) > 1) is (processes == "-n4")
    needed = {key for claim in project.report()["claims"] for key in claim["runs"]}
    assert needed == set(project.runs())


def test_a_worker_without_tests_helps_out(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYED_SECONDS", "0.3")
    result = project.run("-n2", "-k", "it-fails")
    assert result.parseoutcomes() == {"failed": 1}
    assert len({line["worker"] for line in project.played()}) == 2
    assert len(project.runs()) == len(set(project.runs())) == 6


def test_a_run_that_breaks_while_a_worker_helps_out_is_one_error_and_no_more(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYED_SECONDS", "0.1")
    result = project.run("-n2", "-k", "it-breaks or it-fails")
    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1, "errors": 1}
    assert "INTERNALERROR" not in result.stdout.str()


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_second_session_trains_nothing_and_needs_no_torch(
    project: Project, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    project.run("-n0", "-k", STDCNN)
    first = project.report()
    project.torch.unlink(missing_ok=True)
    monkeypatch.delenv("PLAYED_SECONDS")  # now it would train for real
    result = project.pytester.runpytest_subprocess(*project.arguments(processes, "-k", STDCNN, "-v"))
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*4 claim tests on 4 curves need 12 runs, 12 trained, 12 measured"])
    assert len(project.runs()) == 12
    assert not project.torch.exists()
    by_test = {claim["test"]: claim for claim in first["claims"]}
    again = {claim["test"]: claim for claim in project.report()["claims"]}
    for claim in (*by_test.values(), *again.values()):
        claim.pop("rerun")
    assert again == by_test


def test_a_session_trains_only_what_its_claims_need_and_is_not_stored(project: Project) -> None:
    project.run("-n0", "-k", "it-fails")
    assert len(project.runs()) == 6
    project.run("-n0", "-k", "it-fails", "--seeds", "4")
    assert len(project.runs()) == len(set(project.runs())) == 8
    project.run("-n0", "-k", "it-fails", "--epochs", "2")
    assert len(project.runs()) == len(set(project.runs())) == 14


def test_a_damaged_file_is_made_anew_within_the_session(project: Project) -> None:
    project.run("-n0", "-k", "it-holds and StdCNN-MNIST")
    store = project.folder / ".repro" / "store" / "runs"
    first, second = sorted(store.iterdir())[:2]
    (first / "run.json").write_bytes(b"")
    next(second.glob("measures-*")).write_text('{"measures": {"test_acc')
    result = project.run("-n0", "-k", "it-holds and StdCNN-MNIST")
    assert result.parseoutcomes()["passed"] == 1
    assert project.runs()[6:] == sorted([first.name, second.name], key=project.runs()[6:].index)
    aside = sorted(path.relative_to(store) for path in store.glob("*/*.damaged-*"))
    assert [path.name.partition("-")[0] for path in aside] == ["run.json.damaged", "measures"]
    for path in aside:
        told = [line for line in result.outlines if f"; set aside as {path.name}, it is made anew" in line]
        assert len(told) == 1
        assert told[0].startswith(str(store / path.parent))
