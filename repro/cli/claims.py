"""``repro claims``: what is claimed, where the paper says it, and by which rule and margin it is decided."""

import inspect
import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..errors import SettingError
from ..verdicts.claim import Case
from ..words import counted, did_you_mean
from .checkout import checkout
from .collecting import collect
from .group import Answer
from .output import text_of

WIDTH: Final = 100


def claims(ids: Sequence[str], tasks: Sequence[str], root: Path | None, folder: str, *, as_json: bool) -> Answer:
    """List the claims of a checkout: all, or those of these ids that are asked of these tasks.

    SettingError: there is none of an id or a task.
    """
    found = list(collect(checkout(root, None, folder)).items())
    known = {"claim": {case.claim.id for _, case in found}, "task": {case.where for _, case in found}}
    for kind, names in (("claim", ids), ("task", tasks)):
        for name in names:
            if name not in known[kind]:
                near = did_you_mean(name, known[kind])
                raise SettingError(
                    f"{kind} {name}: there is none{near or ': there are ' + ', '.join(sorted(known[kind]))}"
                )
    kept = [(t, c) for t, c in found if (not ids or c.claim.id in ids) and (not tasks or c.where in tasks)]
    rows = [_row(test, case) for test, case in kept]
    if as_json:
        return Answer(json.dumps(rows, indent=1, ensure_ascii=True))
    return Answer(text_of(_lines(rows)))


def _row(test: str, case: Case) -> dict[str, Any]:
    """A claim test as plain data."""
    return {
        "id": case.claim.id,
        "case": case.id,
        "test": test,
        "says": case.claim.says,
        "section": case.claim.section,
        "task": case.where,
        "standing": str(case.standing),
        "figures": case.figures,
        "rule": type(case.holds_if).__name__,
        "rule_says": _says(case),
        "margins": [str(margin) for margin in case.holds_if.margins],
        "because": case.because,
    }


def _says(case: Case) -> str:
    """What a rule asks, by the first paragraph of its class."""
    words = (inspect.getdoc(type(case.holds_if)) or "").split("\n\n")[0]
    return " ".join(words.replace("``", "").split())


def _lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each claim with its sentence, and its tests by the rule that decides them."""
    lines: list[str] = []
    for id in dict.fromkeys(row["id"] for row in rows):
        mine = [row for row in rows if row["id"] == id]
        lines.append(f"{id}  ({counted(len(mine), 'test')})")
        for says, section in dict.fromkeys((row["says"], row["section"]) for row in mine):
            sentence = f"“{says}” (section {section})"
            lines += textwrap.wrap(sentence, WIDTH, initial_indent="  ", subsequent_indent="  ")
            lines += _rules([row for row in mine if (row["says"], row["section"]) == (says, section)])
        lines.append("")
    return [*lines, f"{counted(len({row['id'] for row in rows}), 'claim')}, {counted(len(rows), 'test')}"]


def _rules(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    by_rule: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        margins = " and ".join(row["margins"]) or "none"
        by_rule.setdefault((row["rule"], row["rule_says"], margins), []).append(row["case"])
    for (rule, says, margins), cases in by_rule.items():
        lines += textwrap.wrap(f"rule {rule}: {says}", WIDTH, initial_indent="  ", subsequent_indent="    ")
        lines.append(f"  margin {margins}")
        on = f"tests: {', '.join(cases)}"
        lines += textwrap.wrap(on, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    return lines
