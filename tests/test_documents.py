"""What the documents say of the house is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [path for folder in ("", "docs", "examples", "artifacts") for path in (ROOT / folder).glob("*.md")]
DOCUMENTS += (ROOT / "artifacts").glob("*/README.md")
OF_TODAY = [document for document in DOCUMENTS if document.name != "CHANGELOG.md"]  # that one speaks of what was, too
PATH = re.compile(r"`((?:repro|claims|tests|benchmarks|docs)/[\w./-]*)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
MEASURED_LATER = "benchmarks/results/"  # a benchmark writes there; one that needs a GPU may not have run yet


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", OF_TODAY, ids=name_of)
def test_paths_lead_somewhere(document: Path) -> None:
    paths = [path for path in PATH.findall(document.read_text("utf-8")) if not path.startswith(MEASURED_LATER)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(document: Path) -> None:
    links = LINK.findall(document.read_text("utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", OF_TODAY, ids=name_of)
def test_modules_are_called_by_their_names(document: Path) -> None:
    names = re.findall(r"`repro\.([a-z_.]+)`", document.read_text("utf-8"))
    places = [ROOT / "repro" / name.replace(".", "/") for name in names]
    assert [str(place) for place in places if not (place.is_dir() or place.with_suffix(".py").exists())] == []
