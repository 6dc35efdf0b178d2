"""The house: its rooms, the arrows between them, and the size of what stands in them."""

import ast
import graphlib
from collections import defaultdict
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1] / "repro"
FILES = sorted(HOUSE.rglob("*.py"))
MOST_LINES = 300
LOOSE = {"errors", "words"}

# Each room with the rooms that it may import from, beside the loose modules, which everything may. A room that is
# added is added here, and an arrow that is missing here is one to think about.
ARROWS: dict[str, set[str]] = {
    "files": set(),
    "statistics": set(),
    "experiment": {"files"},
    "science.data": {"files", "experiment"},
    "science.computing": {"experiment"},
    "science.networks": {"experiment"},
    "science.training": {"experiment", "science.computing", "science.data", "science.networks"},
    "science.attacks": {"science.computing"},
    "science.curvature": {"science.computing", "science.networks"},
    "science.measuring": {"experiment", "science.attacks", "science.computing", "science.curvature", "science.data"},
    "runs": {"files", "experiment", "science"},
    "cluster": {"files", "experiment", "science.computing", "science.data", "runs"},
    "verdicts": {"experiment", "science.measuring", "statistics", "runs"},
    "claims": {"experiment", "statistics", "verdicts"},
    "report": {"files", "experiment", "science.data", "statistics", "runs", "verdicts"},
    "plugin": {
        *{"files", "experiment", "science.computing", "science.data", "statistics", "runs"},
        *{"cluster", "verdicts", "report"},
    },
    "cli": {"files", "experiment", "science.data", "plugin", "report", "runs", "verdicts"},
}


def module(path: Path) -> str:
    return ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix("__init__").rstrip(".")


MODULES = {module(path) for path in FILES}


def imports(path: Path) -> set[str]:
    """The modules of this package that a file imports, at its top or later; what only type checkers read counts too."""
    found = set()
    package = path.relative_to(HOUSE).parent.parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
        target = ".".join(filter(None, base))
        found |= {f"{target}.{n.name}".lstrip(".") if f"{target}.{n.name}" in MODULES else target for n in node.names}
    return found - {""}


def room(name: str) -> str:
    head, _, rest = name.partition(".")
    return f"{head}.{rest.partition('.')[0]}" if head == "science" and rest else head


def test_every_arrow_goes_to_a_room_below() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for path in FILES:
        if (here := room(module(path))) in ARROWS:
            found[here] |= {there for name in imports(path) if (there := room(name)) != here and there not in LOOSE}
    allowed = {
        here: {name for there in below for name in ARROWS if name == there or name.startswith(f"{there}.")}
        for here, below in ARROWS.items()
    }
    assert {here: sorted(there - allowed[here]) for here, there in found.items() if there - allowed[here]} == {}
    graphlib.TopologicalSorter(allowed).prepare()  # CycleError if what is allowed runs round


def test_no_file_imports_what_imports_it() -> None:
    order = {module(path): imports(path) - {module(path)} for path in FILES if path != HOUSE / "__init__.py"}
    graphlib.TopologicalSorter(order).prepare()


def test_every_file_stands_in_a_room() -> None:
    doors = {"__init__", "__main__"}
    assert {path.stem for path in HOUSE.glob("*.py")} == LOOSE | doors
    assert {room(module(path)) for path in FILES if path.parent != HOUSE} - {"science"} == set(ARROWS)


@pytest.mark.parametrize("path", FILES, ids=module)
def test_a_file_says_what_it_is_for_and_is_no_longer_than_one_idea(path: Path) -> None:
    text = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= MOST_LINES
