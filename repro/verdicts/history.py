"""What has been decided from a store's results, and under which declarations: the store remembers it. Free of torch.

A margin may be chosen before results are seen, not after. So every session leaves in the store which claims it decided
under which hash, and a later session that finds another hash for the same claim and case says so. Each session writes
a file of its own, whole or not at all, and before it looks for others': of two sessions at once, at least the one that
writes later sees both.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ..runs.store import Store
from .declaration import changes

Entry = dict[str, Any]
Name = tuple[str, str]


def remember(store: Store, entries: Mapping[str, Entry], regime: str) -> dict[str, Entry]:
    """Leave in the store what these entries decided; returns them with ``declared_before``.

    ``entries``: a verdict's entry for each test. ``declared_before`` lists, oldest first, every other declaration that
    the same claim and case was decided under from this store: its hash, what it asked for, the date, the verdict and
    the regime of the first session that did, and what changed since.
    """
    known = {(*_name(note), note["declared"]) for note in _notes(store)}
    new = [_note(entry, regime) for entry in entries.values() if (*_name(entry), entry["declared"]) not in known]
    if new:
        store.put_decided({"decided": new})
    notes = _notes(store)
    return {test: {**entry, "declared_before": _before(entry, notes)} for test, entry in entries.items()}


def _name(entry: Entry) -> Name:
    return entry["id"], entry["case"]


def _note(entry: Entry, regime: str) -> Entry:
    kept = {name: entry[name] for name in ("id", "case", "declared", "declaration", "asked", "verdict")}
    return {**kept, "regime": regime, "date": datetime.now(UTC).isoformat(timespec="seconds")}


def _notes(store: Store) -> list[Entry]:
    """Everything decided from the store so far, the first of each declaration first."""
    return sorted(
        (note for record in store.decided() for note in record.get("decided", ())), key=lambda note: note["date"]
    )


def _before(entry: Entry, notes: list[Entry]) -> list[Entry]:
    others: dict[str, Entry] = {}
    for note in notes:
        if _name(note) == _name(entry) and note["declared"] != entry["declared"]:
            others.setdefault(note["declared"], note)
    return [
        {
            **{name: note[name] for name in ("declared", "asked", "verdict", "regime", "date")},
            "changes": changes(note["declaration"], entry["declaration"]),
        }
        for note in others.values()
    ]
