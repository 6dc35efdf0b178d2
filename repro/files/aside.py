"""Damaged files are set aside under a name that says so: kept for a look, out of the way of what takes their place."""

import os
from itertools import count
from pathlib import Path
from typing import Final

DAMAGED: Final = ".damaged-"  # what stands between the name of a file that was set aside and its number


def set_aside(path: Path) -> Path | None:
    """Rename a file, a folder or a link; returns where it is now, None if somebody else has taken it away.

    OSError: it cannot be renamed there.
    """
    aside = next(name for n in count(1) if not os.path.lexists(name := path.with_name(f"{path.name}{DAMAGED}{n}")))
    try:
        path.rename(aside)
    except FileNotFoundError:
        return None
    return aside
