"""Where tests lie: with ``--pyargs`` pytest finds them in installed packages, wherever the session was begun."""

import importlib.util
from pathlib import Path

import pytest


def named(item: pytest.Item) -> str:
    """A test's name in a report: its id, which for one of a package begins with the package, whatever the folder."""
    if not item.config.option.pyargs:
        return item.nodeid
    return f"{_in_package(item.path).as_posix()}::{item.nodeid.partition('::')[2]}"


def module(item: pytest.Item) -> str:
    """The module of a test as ``--pyargs`` finds it, as in ``claims.test_section_3_ratio``."""
    return ".".join(_in_package(item.path).with_suffix("").parts)


def _in_package(path: Path) -> Path:
    """A file's path from the folder on that its outermost package lies in."""
    outermost = path.parent
    while (outermost / "__init__.py").exists():
        outermost = outermost.parent
    return path.relative_to(outermost)


def place(config: pytest.Config, argument: str) -> Path:
    """The file or folder that an argument of the session names."""
    path = Path(config.invocation_params.dir, argument).resolve()
    if not config.option.pyargs or path.exists():
        return path
    try:
        spec = importlib.util.find_spec(argument)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        return path
    origin = Path(spec.origin).resolve()
    return origin.parent if spec.submodule_search_locations else origin
