"""Whatever is typed in a document or a docstring, behind ``>>>``, is run, and gives what is printed below it."""

import doctest
import importlib
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROMPT = ">>> "


def with_examples(files: Mapping[str, Path]) -> list[str]:
    return sorted(name for name, path in files.items() if PROMPT in path.read_text("utf-8"))


MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in (ROOT / "repro").rglob("*.py")}
DOCUMENTS = {path.name: path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]}


@pytest.mark.parametrize("name", with_examples(MODULES))
def test_examples_of_a_module(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name.removesuffix(".__init__")), optionflags=doctest.ELLIPSIS)
    assert found.attempted
    assert not found.failed  # what was expected stands in the captured output


@pytest.mark.parametrize("name", with_examples(DOCUMENTS))
def test_examples_of_a_document(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)  # they speak of the published report
    path = str(DOCUMENTS[name])
    found = doctest.testfile(path, module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8")
    assert found.attempted
    assert not found.failed


def test_the_measures_and_the_tutorial_have_examples() -> None:
    assert {"using-the-measures.md", "tutorial.md"} <= {*with_examples(DOCUMENTS)}
