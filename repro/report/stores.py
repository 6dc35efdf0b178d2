"""Where the runs of a report are kept: what its report.json says of that, and where they are found when it is read."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ..errors import SettingError
from ..files.regular import is_folder
from ..runs.layout import BESIDE, require_layout
from .bundle import Loaded

MUST: Final = "must be the folder in which a session kept its runs"


def told(store: Path, artifacts: Path) -> str:
    """A store as the report in a folder names it: from that folder on, where they have more than a root in common."""
    store, artifacts = store.absolute(), artifacts.absolute()
    try:
        shared = Path(os.path.commonpath([store, artifacts]))
    except ValueError:  # on two drives
        return str(store)
    return str(store) if shared == Path(shared.anchor) else Path(os.path.relpath(store, artifacts)).as_posix()


def found(loaded: Loaded, named: Path | None) -> Path:
    """The store of a report: the one that is ``named`` with --store, else where it says, else the one beside it.

    SettingError: there is none, or it is of a newer version.
    """
    places = [named] if named is not None else [*_places(loaded)]
    elsewhere = "the report's runs are not where it says: name their folder with --store (in Python: store=)"
    how = f"--store {named}" if named else elsewhere
    return first(places, f"{how}: {' or '.join(map(str, places))} {MUST}")


def first(places: Sequence[Path], none: str) -> Path:
    """The first of some places that is a store. SettingError: ``none`` of them is, or it is of a newer version."""
    for place in places:
        if is_folder(place / "runs"):
            require_layout(place)
            return place
    raise SettingError(none)


def _places(loaded: Loaded) -> Iterator[Path]:
    folder = loaded.artifacts
    if loaded.report.session.store:
        yield Path(os.path.normpath(folder / loaded.report.session.store))
    if loaded.report.session.store != BESIDE:
        yield folder / BESIDE
