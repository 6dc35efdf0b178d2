"""``repro diff`` of more than two reports: how each verdict went from one to the next."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ..report.bundle import Loaded, load
from ..report.compare import beside
from ..verdicts.entry import Entry
from ..words import counted
from .diff import head
from .group import Answer
from .output import text_of

NONE: Final = "-"  # a report that says nothing of a claim


def history(places: Sequence[Path], *, as_json: bool) -> Answer:
    """The outcomes of every claim test in several reports, in the order in which these are named."""
    reports = [load(place) for place in places]
    found = [_outcomes(loaded) for loaded in reports]
    names = list(dict.fromkeys(name for told in found for name in told))
    rows = {name: [told.get(name, NONE) for told in found] for name in names}
    verdicts = {told.name for loaded in reports for told in loaded.report.told}
    gone = {
        name: {NONE} if name not in verdicts else set() for name in names
    }  # who does not tell it has not changed it
    changed = [name for name, outcomes in rows.items() if len({*outcomes} - gone[name]) > 1]
    rows = {name: outcomes for name, outcomes in rows.items() if name in verdicts or name in changed}
    if as_json:
        heads = [_facts(loaded) for loaded in reports]
        table = [{"claim": name, "outcomes": outcomes, "changed": name in changed} for name, outcomes in rows.items()]
        return Answer(json.dumps({"same": not changed, "reports": heads, "claims": table}, indent=1), not changed)
    return Answer(text_of(_lines(reports, rows, changed)), not changed)


def _outcomes(loaded: Loaded) -> dict[str, str]:
    """The outcome of every claim test of a report, and of what stands beside it, each by its name."""
    found = {}
    for told in loaded.report.told:
        if told.claim:
            found[told.name] = str(told.outcome)
            others = beside(told) if isinstance(told, Entry) else {}
            found |= {f"{told.name}, {name}": str(other.outcome) for name, other in others.items()}
    return found


def _facts(loaded: Loaded) -> dict[str, Any]:
    session = loaded.report.session
    return {"path": str(loaded.path), "regime": session.regime.name, "commit": session.commit, "device": session.device}


def _lines(reports: Sequence[Loaded], rows: dict[str, list[str]], changed: Sequence[str]) -> list[str]:
    """The reports with their numbers, then the claims whose outcome is not the same in all of them."""
    heads = [head(str(i), loaded) for i, loaded in enumerate(reports, 1)]
    tests = {name for loaded in reports for name in (told.name for told in loaded.report.told if told.claim)}
    same = f"{len(tests - {*changed})} of {counted(len(tests), 'claim test')} have one outcome in all of them"
    if not changed:
        return [*heads, "", f"Nothing changed: {same}."]
    width = max(len(outcome) for name in changed for outcome in rows[name])
    longest = max(map(len, changed))
    table = [f"{'':<{longest}}  " + "  ".join(f"{i:<{width}}" for i in range(1, len(reports) + 1)).rstrip()]
    table += [f"{name:<{longest}}  " + "  ".join(f"{o:<{width}}" for o in rows[name]).rstrip() for name in changed]
    return [*heads, "", f"Something changed: {same}; the others:", "", *table]
