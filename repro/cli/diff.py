"""``python -m repro diff``: what differs between two reports, the most important first."""

import json
from pathlib import Path
from typing import Any

from ..report.bundle import Loaded, load
from ..report.compare import Change, Comparison, Verdicts, compare
from ..words import counted
from .group import Answer
from .output import part, text_of


def diff(a: Path, b: Path, *, as_json: bool) -> Answer:
    """Compare two reports: the text that says what differs, and whether nothing but circumstances does."""
    first, second = load(a), load(b)
    found = compare(first, second)
    if as_json:
        return Answer(json.dumps(found.plain(), indent=1, allow_nan=False), found.same)
    return Answer(text_of(lines(found, first, second)), found.same)


def lines(found: Comparison, first: Loaded, second: Loaded) -> list[str]:
    """The comparison as text."""
    parts = [
        [head("A", first), head("B", second)],
        [_summary(found)],
        part("Verdicts that changed", map(_verdict, found.changed)),
        part("Estimates that moved beyond both intervals, the verdict the same", map(_verdict, found.moved)),
        part("Beside the verdict: at equal training, under other readings, among all", map(_verdict, found.beside)),
        part("Declared differently", map(_change, found.declared)),
        part("Claims only in A", ([name] for name in found.only_first)),
        part("Claims only in B", ([name] for name in found.only_second)),
        part("Settings", map(_change, found.settings)),
        part("Estimates of different effects, the verdict the same: not compared", map(_verdict, found.apart)),
        part("Circumstances (of themselves no change)", map(_change, found.circumstances)),
    ]
    return [line for lines in parts if lines for line in (*lines, "")][:-1]


def head(letter: str, loaded: Loaded) -> str:
    """A report by its letter or number: where it is, its regime, its commit, how many verdicts it has."""
    session, verdicts = loaded.report.session, counted(len(loaded.report.claims), "verdict")
    commit = (session.commit or "none")[:12] + (" with uncommitted changes" if session.dirty else "")
    partial = f", narrowed ({', '.join(session.partial)})" if session.partial else ""
    return f"{letter}  {loaded.path}: {session.regime.name} regime, commit {commit}, {verdicts}{partial}"


def _summary(found: Comparison) -> str:
    same = found.common - len(found.changed)
    counts = [f"{same} with the same outcome", f"{len(found.changed)} with another"]
    counts += [f"{counted(len(found.moved), 'estimate')} moved"] if found.moved else []
    counts += [f"{len(found.beside)} beside a verdict changed"] if found.beside else []
    verdict = "Nothing changed" if found.same else "Something changed"
    return f"{verdict}. {found.common} claim tests in both: {', '.join(counts)}."


def _verdict(row: Verdicts) -> list[str]:
    width = max(map(len, row.verdicts))
    sides = zip("AB", row.verdicts, row.shown, strict=True)
    return [row.name, *(f"  {letter}  {word:<{width}}  {shown}".rstrip() for letter, word, shown in sides)]


def _change(change: Change) -> list[str]:
    field = change.name.rpartition(", ")[2]
    return [f"{change.name}: {_text(change.before, field)} -> {_text(change.after, field)}"]


def _text(value: Any, field: str = "") -> str:
    """A value as a line has it; of some fields, by their name, nothing means all."""
    if isinstance(value, list):
        return " ".join(map(_text, value)) or "none"
    if value is None:
        return "all" if field.endswith("_images") else "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
