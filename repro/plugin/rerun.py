"""The line that runs one claim test again: it can be pasted into a shell, whatever folder that is in."""

import os
import shlex
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from ..experiment.fields import FIELDS
from ..science.data.sources import ENVIRONMENT as DATA
from .options import flag
from .places import module

ADDED: Final = "PYTEST_ADDOPTS"  # the options that pytest adds to every command line
FLAGS: Final = ("--pyargs", "--quick", "--gpu")
VALUED: Final = (
    *("-c", "--rootdir", "--regime", *map(flag, FIELDS), "--readings", "--trained-as", "--precision", "--device"),
    *("--data-root", "--artifacts", "--store"),
)


@dataclass(frozen=True)
class Rerun:
    """What the rerun lines of a session's tests share."""

    begins: str  # up to the name of the test
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
    folder, added = config.invocation_params.dir, os.environ.get(ADDED, "")
    flags = [option for option in FLAGS if config.getoption(option)]
    values = {option: config.getoption(option) for option in VALUED}
    flags += [word for option, value in values.items() if value is not None for word in (option, str(value))]
    plugins = [name for name in config.option.plugins if not name.startswith("no:") and name not in shlex.split(added)]
    flags += [word for name in plugins for word in ("-p", name)]
    installed = config.option.pyargs and not any(Path(folder, argument).exists() for argument in config.args)
    variables = (ADDED,) if values["--data-root"] else (ADDED, DATA)
    begins = f"cd {shlex.quote(str(folder))} && {with_variables(variables)}{shlex.join(_pytest())}"
    return Rerun(begins, tuple(flags), folder, installed)


def with_variables(names: Iterable[str]) -> str:
    """The environment variables that are set, as a command begins with them."""
    return "".join(f"{name}={shlex.quote(os.environ[name])} " for name in names if os.environ.get(name))


def _pytest() -> list[str]:
    """How this Python's pytest is called: by its name alone where a shell finds it and the session was begun so."""
    found = shutil.which("pytest")
    named = found is not None and Path(found).parent == Path(sys.executable).parent
    return ["pytest"] if named and Path(sys.argv[0]).stem == "pytest" else [sys.executable, "-m", "pytest"]
