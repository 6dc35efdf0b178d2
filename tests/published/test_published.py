"""The published reports follow from the published runs, and the README says what they say."""

from pathlib import Path

import pytest

from published.document import DOCUMENT, answer, document
from published.findings import PUBLISHED, ROOT, page, report
from published.laptop import LAPTOP, laptop, paragraph
from repro.cli import main
from repro.experiment.regimes import LAPTOP as LAPTOP_SCALE
from repro.experiment.tasks import TASKS, Task
from repro.report.bundle import Loaded, load
from repro.runs.store import Store

FOLDERS = (PUBLISHED, LAPTOP)
each = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def test_the_readme_says_what_the_published_reports_say() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert page(text, report(), answer(), paragraph(laptop())) == text


def test_the_findings_say_what_the_published_reports_and_runs_say() -> None:
    assert DOCUMENT.read_text("utf-8") == document()


@each
def test_every_verdict_follows_from_the_measures_that_are_published_with_it(folder: Path) -> None:
    assert main(["verify", str(folder), "--store", str(folder / "store"), "--root", str(ROOT)]) == 0


@each
def test_it_is_on_the_published_data_without_departures(folder: Path) -> None:
    session = load(folder).report.session
    assert (session.trained_as, session.precision) == ((), "float32")
    assert all(data.kind == "published" for data in session.data.values())


def test_they_are_of_the_papers_own_scale_and_of_the_laptop_regime_as_it_is() -> None:
    paper, reduced = load(PUBLISHED), laptop()
    assert all(paper.conditions.regime.is_papers(task) for task in tasks_of(paper))
    scales = reduced.conditions.regime
    assert [str(task) for task in tasks_of(reduced) if scales.scale(task) != LAPTOP_SCALE.scale(task)] == []


def tasks_of(loaded: Loaded) -> list[Task]:
    """The tasks that a report has verdicts on."""
    return [TASKS[name] for name in dict.fromkeys(entry.task for entry in loaded.report.claims) if name in TASKS]


@each
def test_every_run_behind_it_is_there(folder: Path) -> None:
    store = Store(folder / "store")
    keys = {run for entry in load(folder).report.claims for run in entry.runs}
    assert keys
    assert [key for key in keys if not (store.root / "runs" / key / "run.json").is_file()] == []


def test_networks_of_the_papers_scale_are_there_with_their_weights() -> None:
    runs = PUBLISHED / "store" / "runs"
    keys = {run for entry in report().claims for run in entry.runs}
    assert [key for key in keys if not any((runs / key).glob("weights*"))] == []
