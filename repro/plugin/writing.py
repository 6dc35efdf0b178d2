"""A session's report: where it goes, what its verdicts are put among, and what is said of how it was made."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.staged import staged
from ..report import Ahead, stores, write_report
from ..report.bundle import session_of
from ..report.together import taken_together
from ..runs.store import Store
from ..science.data.sources import Source
from ..verdicts.entry import Broken, Entry
from ..verdicts.history import remember
from .placing import place
from .session import conditions_of
from .settings import Settings
from .shared import Shared
from .watching import keep_timeline


@dataclass(frozen=True)
class Decided:
    """What a session came to: ``entries`` and ``errors`` by the test, on which data, and ``facts`` of the session.

    ``known``: see ``Place.facts``.
    """

    entries: Mapping[str, Entry]
    errors: Mapping[str, Broken]
    sources: Mapping[str, Source]
    facts: Mapping[str, Any]
    known: int


def write(decided: Decided, settings: Settings, shared: Shared, free: bool) -> tuple[dict[str, Entry], list[Path], str]:
    """Write the report of what was decided; ``free``: whether it may be put among the verdicts that are there.

    Returns the entries as they stand in it, the files that were written, and in words where they are if not where they
    were to be. OSError, ReproError: it could not be written; what was there is whole.
    """
    store, conditions = Store(settings.store, shared.remark), conditions_of(settings, decided.sources)
    own: list[Entry | Broken] = [*_remembered(decided, settings, shared, store), *decided.errors.values()]
    to = place(settings.artifacts, session_of(conditions, **decided.facts), store.root, own, free)
    entries, broken = to.together(own)
    if to.conditions is not None:
        conditions = conditions_of(settings, {**to.conditions.sources, **decided.sources})
    entries = taken_together(entries)
    by_name = {entry.name: entry for entry in entries}
    facts = {**to.facts(decided.facts, decided.known, own), "store": stores.told(store.root, to.folder)}
    ahead = Ahead(shared.figures)
    keep_timeline(to.folder, shared)  # whatever becomes of the report
    with staged(to.folder) as folder:
        keep_timeline(folder, shared)
        written = write_report(entries, broken, facts, conditions, store, folder, ahead, settings.linear_axis)
    files = [to.folder / path.relative_to(folder) for path in written]
    return {test: by_name[entry.name] for test, entry in decided.entries.items()}, files, to.says


def _remembered(decided: Decided, settings: Settings, shared: Shared, store: Store) -> list[Entry]:
    """The entries, after the store has taken note of them, if it has room."""
    entries = [*decided.entries.values()]
    try:
        return remember(store, entries, settings.regime.title)
    except OSError as error:
        shared.remark(f"--store {store.root}: does not remember what was decided ({error.strerror})")
        return entries
