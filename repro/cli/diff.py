"""``python -m repro diff``: what differs between two reports, the most important first."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..report.bundle import Loaded, load
from ..report.compare import Change, Comparison, Verdicts, compare
from .output import text_of


def diff(a: Path, b: Path, *, as_json: bool = False) -> tuple[str, bool]:
    """Compare two reports: the text that says what differs, and whether nothing but circumstances does."""
    first, second = load(a), load(b)
    found = compare(first, second)
    if as_json:
        return json.dumps(found.plain(), indent=1, allow_nan=False), found.same
    return text_of(lines(found, first, second)), found.same


def lines(found: Comparison, first: Loaded, second: Loaded) -> list[str]:
    """The comparison as text."""
    parts = [
        [_head("A", first), _head("B", second)],
        [_summary(found)],
        _verdicts("Verdicts that changed", found.changed),
        _verdicts("Estimates that moved beyond both intervals, the verdict the same", found.moved),
        _changes("Declared differently", found.declared),
        _names("Claims only in A", found.only_first),
        _names("Claims only in B", found.only_second),
        _changes("Settings", found.settings),
        _verdicts("Estimates of different effects, the verdict the same: not compared", found.apart),
        _changes("Circumstances (of themselves no change)", found.circumstances),
    ]
    return [line for part in parts if part for line in (*part, "")][:-1]


def _head(letter: str, loaded: Loaded) -> str:
    session, verdicts = loaded.report.session, len(loaded.report.claims)
    commit = (session.commit or "none")[:12] + (" with uncommitted changes" if session.dirty else "")
    partial = f", narrowed ({', '.join(session.partial)})" if session.partial else ""
    return f"{letter}  {loaded.path}: {session.regime.name} regime, commit {commit}, {verdicts} verdicts{partial}"


def _summary(found: Comparison) -> str:
    same = found.common - len(found.changed)
    counts = [f"{same} with the same outcome", f"{len(found.changed)} with another"]
    counts += [f"{len(found.moved)} estimates moved"] if found.moved else []
    verdict = "Nothing changed" if found.same else "Something changed"
    return f"{verdict}. {found.common} claim tests in both: {', '.join(counts)}."


def _verdicts(title: str, verdicts: Iterable[Verdicts]) -> list[str]:
    rows = [*verdicts]
    text = [f"{title} ({len(rows)})"] if rows else []
    for row in rows:
        width = max(map(len, row.verdicts))
        text.append(f"  {row.name}")
        text += [f"    {letter}  {row.verdicts[i]:<{width}}  {row.shown[i]}" for i, letter in enumerate("AB")]
    return text


def _changes(title: str, changes: Iterable[Change]) -> list[str]:
    rows = [f"  {change.name}: {_text(change.before)} -> {_text(change.after)}" for change in changes]
    return [f"{title} ({len(rows)})", *rows] if rows else []


def _names(title: str, names: Iterable[str]) -> list[str]:
    rows = [f"  {name}" for name in names]
    return [f"{title} ({len(rows)})", *rows] if rows else []


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(_text, value)) or "none"
    return "none" if value is None else {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
