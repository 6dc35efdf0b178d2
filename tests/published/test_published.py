"""The published report follows from the published runs, and the README says what it says."""

from published.document import DOCUMENT, document
from published.findings import PUBLISHED, ROOT, page, report
from repro.cli import main
from repro.experiment.regimes import PAPER
from repro.runs.store import Store


def test_the_readme_says_what_the_published_report_says() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert page(text, report()) == text


def test_the_findings_say_what_the_published_report_and_runs_say() -> None:
    assert DOCUMENT.read_text("utf-8") == document()


def test_every_verdict_follows_from_the_measures_that_are_published_with_it() -> None:
    assert main(["verify", str(PUBLISHED), "--store", str(PUBLISHED / "store"), "--root", str(ROOT)]) == 0


def test_it_is_of_the_papers_own_scale_on_the_published_data() -> None:
    session = report().session
    assert (session.regime.name, session.trained_as, session.precision) == (PAPER.name, (), "float32")
    assert all(data.kind == "published" for data in session.data.values())


def test_every_run_behind_it_is_there_with_its_weights() -> None:
    store = Store(PUBLISHED / "store")
    keys = {run for entry in report().claims for run in entry.runs}
    assert keys
    for key in keys:
        record = store.root / "runs" / key / "run.json"
        assert record.is_file()
        assert any(record.parent.glob("weights*"))
