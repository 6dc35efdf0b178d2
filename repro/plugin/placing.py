"""Where a session's report goes: a narrowed session never takes the place of a report of more claims.

Under the same conditions its verdicts are put among those of that report; under others it has a folder of its own
below the artifacts. Whoever reruns one claim keeps the rest.
"""

import itertools
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from filelock import Timeout

from ..errors import ReproError, SettingError
from ..files.locks import locked
from ..report import provenance
from ..report.bundle import CARRIED, NAME, Loaded, Session, load
from ..report.stores import told
from ..runs.conditions import Conditions
from ..runs.run import hash_of
from ..verdicts.entry import Broken, Entry, Told, json_of
from ..words import counted

T = TypeVar("T", Entry, Broken)
PATIENCE: Final = 60.0  # seconds for which a report waits for that of another session
MADE: Final = ("commit", "dirty", "versions", "hardware")  # with and on what a report was made
APART: Final = "partial-"  # with a number: a folder for a report under other conditions


@dataclass(frozen=True)
class Place:
    """The folder a report goes to, the one there that it is merged into (None: it replaces that), and why, in words."""

    folder: Path
    into: Loaded | None = None
    says: str = ""

    @property
    def conditions(self) -> Conditions | None:
        """Those of the report that is merged into."""
        return self.into.conditions if self.into else None

    def together(self, own: Iterable[Told]) -> tuple[list[Entry], list[Broken]]:
        """The verdicts, and the tests that broke, of the whole report with a session's own in their places.

        A test may have both: it broke after its verdict was there.
        """
        fresh = [*own]
        names = {one.name for one in fresh}
        before, errors = (self.into.report.claims, self.into.report.errors) if self.into else ((), ())
        entries = _renewed(before, [one for one in fresh if isinstance(one, Entry)], names)
        return entries, _renewed(errors, [one for one in fresh if isinstance(one, Broken)], names)

    def facts(self, own: Mapping[str, Any], collected: int, tests: Iterable[Told]) -> dict[str, Any]:
        """What the report says of its session: how and where the whole one was made, and what was merged into it.

        ``collected``: of how many claim tests the session knows, those that it left out among them, or 0 where it may
        have found fewer than there are; ``tests``: those it tells of.
        """
        if self.into is None:
            return {**own}
        whole = self.into.report.session
        there = {one.name for one in self.into.report.told} | {one.name for one in tests}
        complete = not whole.partial or 0 < collected <= len(there)
        here, made = provenance.commit(Path(__file__).parent)["commit"], {name: getattr(whole, name) for name in MADE}
        at = f" at commit {here}" if here and here != whole.commit else ""  # an installed program has none
        return {
            **own,
            "command": whole.command,
            "seconds": whole.seconds + own["seconds"],
            "partial": () if complete else whole.partial,
            "merged": (*whole.merged, f"{own['command']}{at}"),
            "data": whole.data,
            **made,
        }


@contextmanager
def alone(artifacts: Path, store: Path) -> Iterator[bool]:
    """One session at a time puts its verdicts among those of a report; yields whether this one may.

    It may not where another is still at it after a while. Where there are no locks, each is for itself.
    """
    with ExitStack() as held:
        free = True
        with suppress(SettingError):
            lock = store / "locks" / f"report-{hash_of(str(artifacts))}.lock"
            try:
                held.enter_context(locked(lock, f"--store {store}", timeout=PATIENCE))
            except Timeout:
                free = False
        yield free


def _apart(artifacts: Path) -> Place:
    """A folder of its own for a report, where another session still writes into the artifacts."""
    for folder in itertools.islice(_folders(artifacts), 1, None):
        with suppress(FileExistsError):
            folder.mkdir(parents=True)
            says = f"another session is still writing the report in {artifacts}: that of this one is in {folder}"
            return Place(folder, says=says)
    raise AssertionError("there is always another folder")


def place(artifacts: Path, session: Session, store: Path, own: Iterable[Told], free: bool = True) -> Place:
    """Where a session's report goes, of which ``own`` are the verdicts and the tests that have none; see ``alone``."""
    if not free:
        return _apart(artifacts)
    names, why = {one.name for one in own}, ""
    for folder in _folders(artifacts):
        there = _there(folder)
        if there is None and session.partial and (folder / NAME).is_file():
            why = why or f"{folder / NAME} cannot be read by this version, and stays as it is"
            continue
        if there is None or not session.partial or {one.name for one in there.report.told} <= names:
            return Place(folder, says=why and f"{why}: the report of this session is in {folder}")
        differing = _differing(there, session, told(store, folder))
        if not differing:
            fresh, whole = counted(len(names), "verdict"), len(there.report.told)
            says = f"{fresh} of this session merged into the report of {whole:,} in {there.path}; the others stand"
            return Place(folder, there, says)
        why = why or f"{there.path} is of more claims and other conditions ({', '.join(differing)}), and stays as it is"
    raise AssertionError("there is always another folder")


def _renewed(before: Iterable[T], fresh: Iterable[T], names: Collection[str]) -> list[T]:
    """What was there, in its order, with what is fresh in its place; what is new comes last."""
    by_name: dict[str, T] = {one.name: one for one in fresh}
    kept: list[T] = [by_name.pop(one.name, one) for one in before if one.name in by_name or one.name not in names]
    kept.extend(by_name.values())
    return kept


def _folders(artifacts: Path) -> Iterator[Path]:
    yield artifacts
    number = 1
    while True:
        yield artifacts / f"{APART}{number}"
        number += 1


def _there(folder: Path) -> Loaded | None:
    try:
        return load(folder)
    except ReproError:  # none, or one that this version cannot read
        return None


def _differing(there: Loaded, session: Session, store: str) -> list[str]:
    """In what the conditions of a report and of a session differ, by name."""
    own, other = json.loads(json_of(session)), json.loads(json_of(there.report.session))
    found = [name for name in CARRIED if own[name] != other[name]]
    found += [f"data of {name}" for name, data in own["data"].items() if _kind(other, name) not in (None, data["kind"])]
    found += ["store"] if other["store"] and other["store"] != store else []
    return [*_scales(own["regime"], other["regime"]), *found]


def _kind(session: Mapping[str, Any], data: str) -> str | None:
    kind: str | None = session["data"].get(data, {}).get("kind")
    return kind


def _scales(own: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The fields of scales that are not the same in two regimes; where all are, whether their names are."""
    found: dict[str, None] = {}
    for task in {**own["tasks"], **other["tasks"]}:
        one, two = (_flat(regime["tasks"].get(task, {})) for regime in (own, other))
        found |= {name: None for name in {**one, **two} if one.get(name) != two.get(name)}
    return list(found) or (["regime"] if own["name"] != other["name"] else [])


def _flat(scale: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: value for name, value in scale.items() if name != "reading"}, **scale.get("reading", {})}
