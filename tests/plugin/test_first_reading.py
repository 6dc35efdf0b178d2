"""A reading that a user sets is the first of that session: it is what decides, and it stands in every heading."""

import html

import pytest
from projects import Project

from repro.experiment.readings import Reading
from repro.runs.run import reading_key


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_an_epsilon_that_is_set_is_measured_apart_and_stands_in_every_heading(project: Project, processes: str) -> None:
    project.run("-n0", "-k", "it-is-drawn")
    trained = len(project.runs())
    result = project.run(processes, "-k", "it-is-drawn", "--epsilon", "0.1px", "--artifacts", "other")
    assert len(project.runs()) == 2 * trained  # the same runs, measured once more
    lines = [line for line in result.outlines if line == "reading: epsilon 0.1 of a pixel's range"]
    assert len(lines) == 2  # before anything is trained, and above the scorecard
    folder = project.folder / "other"
    assert '"given_epsilon": {\n' in (folder / "report.json").read_text()
    short, page = (html.unescape((folder / name).read_text("utf-8")) for name in ("report.md", "report.html"))
    assert "**A reading of its own**: epsilon 0.1 of a pixel's range, in place of the first reading." in short
    assert "--epsilon 0.1px" in short
    assert "epsilon 0.1 of a pixel's range (0.3246 in standardised units)" in page


def test_a_size_without_its_unit_ends_the_session_with_one_line(project: Project) -> None:
    result = project.run("-k", "it-is-drawn", "--epsilon", "0.1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = (line for line in [*result.outlines, *result.errlines] if line.startswith("ERROR"))
    assert line.startswith("ERROR: --epsilon 0.1: must be a size with its unit: 0.3network (the network's ")


def test_what_was_stored_before_a_size_could_be_set_keeps_its_key() -> None:
    assert "given_epsilon" not in Reading(None, None, 40, 4096).spec(vars(Reading(None, None, 40, 4096)))
    assert reading_key(Reading(None, 256, 40, 4096)) == reading_key(Reading(None, 256, 40, 4096, given_epsilon=None))
