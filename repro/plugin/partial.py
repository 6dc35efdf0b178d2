"""Why a session decided only some of the claims. A report says so, for those who check it."""

from collections.abc import Collection, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import pytest

from ..words import counted
from .places import place

UNTOLD: Final = ("--ignore", "--ignore-glob")  # what keeps pytest from collecting tests, so that it deselects none


def partial(config: pytest.Config, deselected: int, undecided: int, uncollected: int) -> list[str]:
    """What narrowed a session.

    Claim tests that were left out after they were collected, whoever did that; options and arguments by which fewer
    were collected; files that could not be, where pytest goes on without them; claim tests that got no verdict, since
    the session ended early, say.
    """
    words = [f"{counted(deselected, 'claim test')} deselected"] if deselected else []
    words += [f"{option} {value}" for option in UNTOLD for value in config.getoption(option) or ()]
    if config.getoption("--lf", False) and config.cache and config.cache.get("cache/lastfailed", {}):
        words.append("--lf")  # reads no more of a file than its last failures
    words += _narrow(config)
    words += [f"{counted(uncollected, 'file')} could not be collected"] if uncollected else []
    return words + ([f"{counted(undecided, 'claim test')} without a verdict"] if undecided else [])


def _narrow(config: pytest.Config) -> Iterator[str]:
    """The arguments that name single tests, or some files of their folder."""
    paths = {argument: place(config, argument) for argument in config.args}
    patterns, named = config.getini("python_files"), set(paths.values())
    folders = [path for path in named if path.is_dir()]
    for argument, path in paths.items():
        all_of_folder = path.is_file() and named.issuperset(_tests(path.parent, patterns))
        if not (all_of_folder or any(map(path.is_relative_to, folders))):
            yield argument


def _tests(folder: Path, patterns: Collection[str]) -> Iterator[Path]:
    return (file for file in folder.rglob("*.py") if any(fnmatch(file.name, pattern) for pattern in patterns))
