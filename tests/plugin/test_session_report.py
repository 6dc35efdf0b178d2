import pytest
from projects import Project

from repro.errors import ReproError
from repro.plugin import placing

KEYS = {"id", "task", "figures", "verdict", "estimate", "interval", "margin", "seeds", "runs", "rerun"}
PNG = b"\x89PNG\r\n"
SWEPT = """
def pytest_runtest_teardown():
    for path in (HERE / "cache").glob("repro-session-*/sources.json"):
        path.unlink(missing_ok=True)
"""


def test_the_report_of_a_session_holds_verdicts_conditions_and_figures(project: Project) -> None:
    result = project.run("-n0", "-k", "it-is-drawn or it-diverges or it-fails")
    artifacts = project.folder / "artifacts"
    report = project.report()
    session = report["session"]
    assert {"regime", "data", "commit", "dirty", "versions", "hardware", "seconds", "command"} <= set(session)
    assert session["regime"]["name"] == "quick"
    assert 0 < session["seconds"] < 60
    assert session["figures"] == [11, 12, 20]
    assert session["command"].startswith("PYTEST_ADDOPTS='-p xdist.plugin' pytest ")
    assert session["command"].endswith(" -n0 -k 'it-is-drawn or it-diverges or it-fails'")
    assert [claim["id"] for claim in report["claims"]] == ["it-fails", "it-is-drawn", "it-diverges"]
    for claim in report["claims"]:
        assert {"id", "task", "figures", "verdict", "estimate", "interval", "margin", "seeds", "runs", "rerun"} <= set(
            claim
        )
        assert claim["seeds"] == 3
        assert len(claim["runs"]) == 6
    failed, drawn, diverged = report["claims"]
    assert (failed["estimate"], failed["margin"]) == (pytest.approx(0, abs=0.2), 1)
    assert failed["interval"][0] < failed["estimate"] < failed["interval"][1]
    assert (diverged["estimate"], diverged["interval"]) == (None, [None, None])
    assert drawn["figures"] == [11, 12]
    for number in session["figures"]:
        assert (artifacts / f"fig{number:02d}.png").read_bytes().startswith(PNG)
        assert (artifacts / f"fig{number:02d}.svg").is_file()
    for name in ("report.json", "report.html", "report.md", "measured.csv"):
        result.stdout.fnmatch_lines([f"written: *{name}"])
    (figures,) = [line for line in result.outlines if line.startswith("written: ") and "fig*" in line]
    assert figures == f"written: {artifacts / 'fig*'}, {len(session['figures'])} figures"


def test_the_surrogate_is_named_wherever_a_verdict_stands(project: Project) -> None:
    result = project.run("-n0", "-k", "it-fails or it-is-unsure or it-holds")
    lines = result.outlines
    summary = lines.index(next(line for line in lines if "= claims =" in line))
    named = "data: MNIST (SURROGATE: rendered glyphs, not the data set)"
    assert named in lines[:summary]
    assert named in lines[summary:]
    page = (project.folder / "artifacts" / "report.md").read_text()
    assert "MNIST (SURROGATE: rendered glyphs, not the data set)" in page.split("## The answer")[0]
    assert all(claim["verdict"].endswith(" (surrogate)") for claim in project.report()["claims"])
    assert {data["kind"] for data in project.report()["session"]["data"].values()} == {"surrogate"}
    assert "reproduced" not in " ".join(claim["verdict"] for claim in project.report()["claims"])


def test_published_data_is_named_as_such(project: Project) -> None:
    result = project.run("-n0", "-k", "it-holds or it-fails", "--data-root", str(project.publish()))
    assert "data: MNIST (published files in data)" in result.outlines
    assert "surrogate" not in result.stdout.str().lower()
    assert "surrogate" not in (project.folder / "artifacts" / "report.md").read_text().lower()
    assert {claim["verdict"] for claim in project.report()["claims"]} == {"trend seen", "trend not seen"}


def test_only_the_papers_scale_speaks_of_the_paper(project: Project) -> None:
    data = str(project.publish())
    result = project.bare("claims", "-k", "it-holds or it-fails", "--data-root", data)
    assert result.ret == 1
    assert {claim["verdict"] for claim in project.report()["claims"]} == {"reproduced", "not reproduced"}
    result.stdout.fnmatch_lines(["not reproduced: The sentence of it-fails."])


@pytest.mark.parametrize("place", [(), ("--artifacts", "my artifacts", "--store", "my store")], ids=["plain", "named"])
def test_the_rerun_command_gives_the_same_verdict_and_trains_nothing(project: Project, place: tuple[str, ...]) -> None:
    project.run("-n0", "-k", "it-fails or it-holds", "--epochs", "2", "--data-root", str(project.publish()), *place)
    folder = project.folder / (place[1] if place else "artifacts")
    (project.folder / "artifacts").mkdir(exist_ok=True)
    (folder / "report.json").replace(project.folder / "artifacts" / "report.json")
    before, (first, *_) = len(project.runs()), reversed(project.report()["claims"])
    assert first["id"] == "it-fails"
    project.bare(*project.rerun(first))
    (folder / "report.json").replace(project.folder / "artifacts" / "report.json")
    (again,) = (claim for claim in project.report()["claims"] if claim["id"] == "it-fails")
    assert again == first
    assert len(project.runs()) == before


def test_a_report_that_cannot_be_written_is_an_error_and_the_verdicts_are_told(project: Project) -> None:
    artifacts = project.folder / "artifacts"
    (artifacts / "report.json").mkdir(parents=True)
    (artifacts / "report.md").write_text("of another session")
    result = project.run("-n0", "-k", "it-holds", "--verdicts-ok")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    why = (
        f"--artifacts {artifacts}: {artifacts}/report.json is a folder, and a file is to be there; what was there, and*"
    )
    result.stdout.fnmatch_lines(["trend seen * it-holds *", f"{why}is whole. The report could not be written."])
    assert (artifacts / "report.md").read_text() == "of another session"
    assert {path.name for path in artifacts.iterdir()} == {"report.json", "report.md", "timeline.jsonl"}


def test_one_that_cannot_be_made_from_what_is_stored_is_one_line(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: object) -> None:
        raise ReproError("run.json: cannot be read (Input/output error); it is part of the store")

    monkeypatch.setattr(placing, "place", unreadable)
    result = project.run("-n0", "-k", "it-holds")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    line = "run.json: cannot be read (Input/output error); it is part of the store. The report could not be written."
    assert line in result.outlines
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_report_is_written_though_the_folder_of_temporary_files_was_swept(project: Project, processes: str) -> None:
    with (project.folder / "conftest.py").open("a") as file:
        file.write(SWEPT)
    assert project.apart(processes, "-k", "it-holds").ret == 0
    assert {data["kind"] for data in project.report()["session"]["data"].values()} == {"surrogate"}


def test_a_session_of_errors_alone_has_a_report(project: Project) -> None:
    project.run("-n0", "-k", "it-breaks")
    report = project.report()
    assert report["claims"] == []
    (error,) = report["errors"]
    assert error["error"] == "RuntimeError: the oven is cold"
    assert "the oven is cold" in (project.folder / "artifacts" / "report.md").read_text()
