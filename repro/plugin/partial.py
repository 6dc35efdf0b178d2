"""Why a session decided only some of the claims: what narrowed it. A report says so, for those who check it."""

from pathlib import Path
from typing import Final

import pytest

NARROWING: Final = ("-k", "-m", "--deselect", "--ignore", "--ignore-glob", "--lf", "--task", "--figure")


def narrowed(config: pytest.Config) -> list[str]:
    """The options and arguments that left tests out, as the user gave them."""
    words = []
    for option in NARROWING:
        value = config.getoption(option, None)
        if value is True:
            words.append(option)
        elif value:
            words += [f"{option} {one}" for one in ([value] if isinstance(value, str) else value)]
    folder = config.invocation_params.dir
    return words + [argument for argument in config.args if not Path(folder, argument).is_dir()]
