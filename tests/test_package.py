import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import repro

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "torchvision", "matplotlib")


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("repro", (*HEAVY, "numpy", "pytest")),
        ("repro.cli", (*HEAVY, "numpy", "pytest")),
        ("repro.plugin", (*HEAVY, "numpy", "scipy", "rich")),  # every session reads it where the package is installed
        *((f"repro.{name}", HEAVY) for name in ("claims", "plugin.session", "cli.verify", "cli.diff")),
        *((f"repro.experiment.{name}", HEAVY) for name in ("tasks", "recipes", "readings", "fields", "regime_files")),
        *((f"repro.runs.{name}", HEAVY) for name in ("run", "costs", "store", "rates", "workshop")),
        *((f"repro.verdicts.{name}", HEAVY) for name in ("curves", "plan", "verdict")),
        *((f"repro.science.{name}", HEAVY) for name in ("data.sources", "measuring.checks")),
        *((f"repro.science.{name}", HEAVY) for name in ("computing.streams", "training.settings")),
    ],
)
def test_what_a_plan_needs_does_not_wait_for_what_only_training_needs(module: str, absent: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print(*sorted({set(absent)!r} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)
    assert found.stdout.split() == []


def test_every_name_of_the_package_is_that_of_its_home() -> None:
    assert sorted(repro.__all__) == sorted(repro._HOMES)
    for name in repro.__all__:
        home = importlib.import_module(f"repro.{repro._HOMES[name]}")
        assert getattr(repro, name) is getattr(home, name)


def test_the_names_of_the_package_are_those_that_type_checkers_see() -> None:
    """The imports that run only for them stand in a list of their own."""
    tree = ast.parse(Path(repro.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == repro._HOMES


def test_a_star_import_gives_all_of_them() -> None:
    space: dict[str, object] = {}
    exec("from repro import *", space)
    assert set(repro.__all__) <= set(space)


def test_an_unknown_name_is_told_as_python_tells_it() -> None:
    with pytest.raises(AttributeError, match=r"module 'repro' has no attribute 'resnet50'"):
        repro.resnet50  # noqa: B018
    with pytest.raises(ImportError):
        exec("from repro import resnet50", {})
