"""``repro diff`` of more than two reports: how each verdict went from one to the next."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ..report.bundle import Loaded, load
from ..words import counted
from .diff import head
from .group import Answer
from .output import text_of

NONE: Final = "-"  # a report that says nothing of a claim


def history(places: Sequence[Path], *, as_json: bool) -> Answer:
    """The outcomes of every claim test in several reports, in the order in which these are named."""
    reports = [load(place) for place in places]
    found = [{told.name: told for told in loaded.report.told if told.claim} for loaded in reports]
    names = list(dict.fromkeys(name for told in found for name in told))
    rows = {name: [str(told[name].outcome) if name in told else NONE for told in found] for name in names}
    changed = [name for name, outcomes in rows.items() if len({*outcomes}) > 1]
    if as_json:
        heads = [_facts(loaded) for loaded in reports]
        table = [{"claim": name, "outcomes": outcomes, "changed": name in changed} for name, outcomes in rows.items()]
        return Answer(json.dumps({"same": not changed, "reports": heads, "claims": table}, indent=1), not changed)
    return Answer(text_of(_lines(reports, rows, changed)), not changed)


def _facts(loaded: Loaded) -> dict[str, Any]:
    session = loaded.report.session
    return {"path": str(loaded.path), "regime": session.regime.name, "commit": session.commit, "device": session.device}


def _lines(reports: Sequence[Loaded], rows: dict[str, list[str]], changed: Sequence[str]) -> list[str]:
    """The reports with their numbers, then the claims whose outcome is not the same in all of them."""
    heads = [head(str(i), loaded) for i, loaded in enumerate(reports, 1)]
    same = f"{len(rows) - len(changed)} of {counted(len(rows), 'claim test')} have one outcome in all of them"
    if not changed:
        return [*heads, "", f"Nothing changed: {same}."]
    width = max(len(outcome) for name in changed for outcome in rows[name])
    longest = max(map(len, changed))
    table = [f"{'':<{longest}}  " + "  ".join(f"{i:<{width}}" for i in range(1, len(reports) + 1)).rstrip()]
    table += [f"{name:<{longest}}  " + "  ".join(f"{o:<{width}}" for o in rows[name]).rstrip() for name in changed]
    return [*heads, "", f"Something changed: {same}; the others:", "", *table]
