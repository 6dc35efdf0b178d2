"""The line that runs one claim test again, to be pasted into a shell.

A session that was begun in the project's folder has one that is to be run there, and names nothing of the machine
that lies in it: a published report's lines are those of whoever clones the project. Others begin with ``cd``.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from ..experiment.fields import FIELDS
from ..science.data.sources import ENVIRONMENT as DATA
from ..words import seen_from
from .options import flag
from .places import module

ADDED: Final = "PYTEST_ADDOPTS"  # the options that pytest adds to every command line
FLAGS: Final = ("--pyargs", "--quick", "--gpu", "--linear-axis")
VALUED: Final = (
    *("-c", "--rootdir", "--regime", *map(flag, FIELDS), "--readings", "--trained-as", "--precision", "--device"),
)
PLACES: Final = ("--data-root", "--artifacts", "--store")


@dataclass(frozen=True)
class Rerun:
    """What the rerun lines of a session's tests share."""

    begins: str  # up to the name of the test; without cd where it is to be run in the project's folder
    options: tuple[str, ...]
    folder: Path  # that the session was begun in
    installed: bool  # whether its arguments name packages

    def command(self, test: pytest.Item) -> str:
        """The line for one test; what plugins append to its id is no part of its name."""
        names = [part.name for part in test.listchain() if isinstance(part, pytest.Class | pytest.Item)]
        file = module(test) if self.installed else os.path.relpath(test.path, self.folder)
        return f"{self.begins} {shlex.join(['::'.join([file, *names]), *self.options])}"


def rerun(config: pytest.Config) -> Rerun:
    """The options and variables of a session that decide what a claim test of it comes to, as the user gave them."""
    folder = config.invocation_params.dir
    at_home = config.inipath is not None and config.inipath.parent == folder
    enter = "" if at_home else f"cd {shlex.quote(str(folder))} && "
    variables = with_variables((ADDED,) if config.getoption("--data-root") else (ADDED, DATA))
    installed = config.option.pyargs and not any(Path(folder, argument).exists() for argument in config.args)
    return Rerun(f"{enter}{variables}{shlex.join(_pytest())}", (*_options(config, folder),), folder, installed)


def _options(config: pytest.Config, folder: Path) -> Iterator[str]:
    yield from (option for option in FLAGS if config.getoption(option))
    values = {option: config.getoption(option) for option in (*VALUED, *PLACES)}
    for option, value in values.items():
        if value is not None:
            yield from (option, str(seen_from(folder, Path(value)) if option in PLACES else value))
    added = shlex.split(os.environ.get(ADDED, ""))
    for name in config.option.plugins:
        if not name.startswith("no:") and name not in added:
            yield from ("-p", name)


def with_variables(names: Iterable[str]) -> str:
    """The environment variables that are set, as a command begins with them."""
    given = {name: value for name in names if (value := os.environ.get(name))}
    if DATA in given:
        given[DATA] = str(seen_from(Path.cwd(), Path(given[DATA])))
    return "".join(f"{name}={shlex.quote(value)} " for name, value in given.items())


def _pytest() -> list[str]:
    """How this Python's pytest is called: by its name alone where a shell finds it and the session was begun so."""
    found = shutil.which("pytest")
    named = found is not None and Path(found).parent == Path(sys.executable).parent
    if named and Path(sys.argv[0]).stem == "pytest":
        return ["pytest"]
    return [str(seen_from(Path.cwd(), Path(sys.executable))), "-m", "pytest"]
