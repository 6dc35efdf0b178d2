"""What has been decided from a store's results, and under which declarations: the store remembers it. Free of torch.

A margin may be chosen before results are seen, not after. So every session leaves in the store which claims it decided
under which hash, and a later session of the same regime that finds another hash for the same claim and case says so.
Two regimes declare different things by their nature, and are not held against each other. It leaves as well with how
many seeds and at which error it looked, which a later one with more seeds has to count. Each session writes a file of
its own, whole or not at all, and before it looks for others': of two sessions at once, at least the one that writes
later sees both.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, convert, field, to_builtins
from msgspec.structs import replace

from ..runs.conditions import Conditions
from ..runs.decided import decided as decided_from
from ..runs.decided import put_decided
from ..runs.store import Store
from .claim import Case
from .declaration import UNDER, Declared, changes, declaration, digest, folded, unfolded
from .entry import Before, Entry, Look
from .looks import data_of, in_turn, seeds_at


class Note(Struct, frozen=True, kw_only=True):
    """A claim that was decided under a declaration."""

    id: str
    case: str
    declared: str
    declaration: dict[str, Any]
    asked: str
    verdict: str
    looks: tuple[Look, ...] = ()
    regime: str = ""
    date: str = ""


class Notes(Struct, frozen=True, kw_only=True):
    """What one session decided that the store did not know; ``terms``: of its declarations, by their hash."""

    decided: tuple[Note, ...] = ()
    terms: dict[str, Any] = field(default_factory=dict)


def remember(store: Store, entries: Sequence[Entry], regime: str) -> list[Entry]:
    """Leave in the store what these entries decided; returns them with ``declared_before``.

    That lists, oldest first, every other declaration that the same claim and case was decided under from this store in
    the same regime, with the date and the verdict of the first session that did.
    """
    known = {key for note in decided(store) if note.regime == regime for key in _keys(note)}
    date = datetime.now(UTC).isoformat(timespec="seconds")
    unknown = [entry for entry in entries if not known.issuperset(_keys(entry))]
    terms: dict[str, Any] = {}
    new = tuple(_note(entry, terms, regime=regime, date=date) for entry in unknown)
    if new:
        put_decided(store, to_builtins(Notes(decided=new, terms=terms)))
    notes = [note for note in decided(store) if note.regime == regime]
    return [replace(entry, declared_before=_before(entry, notes)) for entry in entries]


def looks_before(notes: Sequence[Note], case: Case, conditions: Conditions) -> tuple[Look, ...]:
    """The looks that sessions made at a case with these seeds or part of them, by their number of seeds.

    Those under earlier rules count, too: who changes the rules has seen what they came to.
    """
    of_case = [note for note in notes if (note.id, note.case) == (case.claim.id, case.id) and note.looks]
    declared = _but_for_rules(declaration(case, conditions)) if of_case else ""
    looks = dict.fromkeys(look for n in of_case if _but_for_rules(n.declaration) == declared for look in n.looks)
    found = {}
    for look in looks:
        by_task = look.by_task or seeds_at(case, conditions, look.seeds)
        if look.data == data_of(case, conditions, by_task):
            found[by_task] = replace(look, by_task=by_task) if len(by_task) > 1 else look
    return tuple(sorted(found.values(), key=in_turn))


def _but_for_rules(declared: Declared) -> str:
    return digest({**declared, UNDER: {**declared.get(UNDER, {}), "rules": None}})


def _keys(of: Note | Entry) -> list[tuple[str, ...]]:
    """What the store remembers of a claim: that it was decided under a declaration, and each look at it."""
    declared = (of.id, of.case, of.declared)
    return [declared, *((*declared, look.data) for look in of.looks)]


def _note(entry: Entry, terms: dict[str, Any], **when: str) -> Note:
    """What the store keeps of an entry; its terms go to those of the session."""
    return replace(convert(entry, Note, from_attributes=True), declaration=folded(entry.declaration, terms), **when)


def decided(store: Store) -> list[Note]:
    """Everything decided from the store so far, the first of each declaration first."""
    found: list[Note] = []
    for record in decided_from(store):
        with suppress(ValueError):  # a file that no session wrote so tells nothing
            told = convert(record, Notes)
            found += [replace(note, declaration=unfolded(note.declaration, told.terms)) for note in told.decided]
    return sorted(found, key=lambda note: note.date)


def not_told(entry: Entry, notes: Sequence[Note], regime: str) -> list[str]:
    """Declarations that an entry's claim was decided under before its own was, and that it does not tell of."""
    of_case = [note for note in notes if (note.id, note.case, note.regime) == (entry.id, entry.case, regime)]
    first = next((note.date for note in of_case if note.declared == entry.declared), "")
    told = {entry.declared, *(before.declared for before in entry.declared_before)}
    return list(dict.fromkeys(note.declared for note in of_case if note.date < first and note.declared not in told))


def _before(entry: Entry, notes: Sequence[Note]) -> tuple[Before, ...]:
    others: dict[str, Note] = {}
    for note in notes:
        if (note.id, note.case) == (entry.id, entry.case) and note.declared != entry.declared:
            others.setdefault(note.declared, note)
    found = [(note, changes(note.declaration, entry.declaration)) for note in others.values()]
    return tuple(replace(convert(n, Before, from_attributes=True), changes=tuple(c)) for n, c in found)
