"""A report's verdicts decided again, from the stored measures and the claims as they are now. Free of torch."""

import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..errors import ReproError
from ..files.text import read_text
from ..runs.conditions import Conditions
from ..runs.run import Run
from ..runs.store import Record, Store
from ..verdicts.claim import Case
from ..verdicts.deciding import judge
from ..verdicts.declaration import changes
from .bundle import Report

# What a decision is: its words for a reader (evidence, effect, reason) may be put better without it being another one.
COMPARED: Final = ("verdict", "outcome", "estimate", "interval", "level", "margin", "unit", "seeds", "runs")
CLOSE: Final = 1e-9  # relative; the last digits of a quantile differ between versions of scipy

Entry = dict[str, Any]
# Measures that lack a field, a task without data, an instrument that fails now; also parts of a report of another kind.
UNDECIDABLE: Final = (AttributeError, KeyError, TypeError, ValueError, ReproError)


@dataclass
class Recomputed:
    """What became of each verdict: ``agree`` their number, ``differ`` lines for each test that does not."""

    agree: int = 0
    checked: set[str] = field(default_factory=set)  # claim tests of the checkout that were decided again
    differ: dict[str, list[str]] = field(default_factory=dict)
    missing: dict[str, list[str]] = field(default_factory=dict)  # test: runs that the store lacks
    gone: list[str] = field(default_factory=list)  # tests of the report that the checkout has not
    outside: list[str] = field(default_factory=list)  # tests of the report that are in none of the checkout's files
    new: list[str] = field(default_factory=list)  # claim tests of the checkout that the report says nothing of


class ReadOnce(Store):
    """A store that is only looked at: every file is read once, and a damaged one is left where it is."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._seen: dict[tuple[str, str], Record | None] = {}  # those that are not there, too

    def _read(self, run: Run, name: str) -> Record | None:
        wanted = run.key, name
        if wanted not in self._seen:
            try:
                value = json.loads(read_text(self.root / "runs" / run.key / name))
            except (OSError, ValueError):
                value = None
            self._seen[wanted] = value if isinstance(value, dict) else None
        return self._seen[wanted]


def recompute(
    report: Report, cases: Mapping[str, Case], store: Store, outside: Collection[str] = frozenset()
) -> Recomputed:
    """Decide every verdict of a report again. ``cases``: the checkout's claim tests by their ids.

    A test is found by its id or, where it was moved or renamed, by its claim and case; one of those ``outside`` never.
    A claim that broke must have no verdict now either, as far as the store has what it needs.
    """
    found, conditions = Recomputed(), report.conditions
    named = {(case.claim.id, case.id): test for test, case in cases.items()}
    met: set[str] = set()
    for entry in report.claims:
        test = entry["test"] if entry["test"] in cases else named.get((entry["id"], entry["case"]), "")
        if entry["test"] in outside:
            found.outside.append(entry["test"])
        elif not test:
            found.gone.append(entry["test"])
        elif test in met:
            found.differ[entry["test"]] = ["the report has this claim twice"]
        else:
            _again(entry, test, cases[test], store, conditions, found)
            met.add(test)
    for error in report.errors:
        test = error["test"] if error["test"] in cases else named.get((str(error.get("claim")), str(error.get("case"))))
        if error["test"] in outside and "claim" in error:
            found.outside.append(error["test"])
        elif test and test not in met:
            _broken(error["test"], test, cases[test], store, conditions, found)
            met.add(test)
    found.new = [test for test in cases if test not in met]
    return found


def _again(entry: Entry, test: str, case: Case, store: Store, conditions: Conditions, found: Recomputed) -> None:
    try:
        missing = _missing(case, store, conditions)
        lines = [] if missing else differences(entry, _now(case, store, conditions))
    except UNDECIDABLE as error:
        missing, lines = [], [f"cannot be decided now: {type(error).__name__}: {error}"]
    if missing:
        found.missing[entry["test"]] = missing
        return
    found.checked.add(test)
    if lines:
        found.differ[entry["test"]] = lines
    else:
        found.agree += 1


def _broken(reported: str, test: str, case: Case, store: Store, conditions: Conditions, found: Recomputed) -> None:
    try:
        if _missing(case, store, conditions):
            return
        now = _now(case, store, conditions)
    except UNDECIDABLE:
        found.agree += 1
    else:
        found.differ[reported] = [f"verdict: none in the report, for it broke; {now['verdict']} now"]
    found.checked.add(test)


def _now(case: Case, store: Store, conditions: Conditions) -> Entry:
    entry: Entry = json.loads(json.dumps(judge(case, store, conditions).entry()))
    return entry


def _missing(case: Case, store: Store, conditions: Conditions) -> list[str]:
    """The runs of a case that are not stored whole under a reading that its verdicts need; a check is none of those."""
    jobs = [job for job in case.jobs(conditions) if job.kind != "transfer"]
    return list(dict.fromkeys(f"{job.run} ({job.run.key})" for job in jobs if not store.whole(*job)))


def differences(entry: Entry, now: Entry) -> list[str]:
    """What differs between a verdict as reported and as decided now, a line each."""
    lines = [_line(name, entry.get(name), now[name]) for name in COMPARED if not _equal(entry.get(name), now[name])]
    if entry["declared"] != now["declared"]:
        moved = "; ".join(changes(entry["declaration"], now["declaration"])) or "the hash alone"
        lines.append(f"{_line('declared', entry['declared'], now['declared'])} ({moved})")
    return lines + list(_readings(entry.get("readings", ()), now["readings"]))


def _line(name: str, reported: Any, now: Any) -> str:
    if name == "runs":
        return f"runs: the report's {len(reported or ())} and the {len(now)} of now are not the same"
    one, other = _text(reported), _text(now)
    if one == other:  # beyond the digits shown
        one, other = repr(reported), repr(now)
    return f"{name}: {one} in the report, {other} now"


def _readings(reported: Iterable[Entry], now: Iterable[Entry]) -> Iterable[str]:
    """The same for the verdicts under other readings, whose estimates a report holds in words."""
    before, after = ({other["name"]: (other["verdict"], other["shown"]) for other in side} for side in (reported, now))
    for name in dict.fromkeys([*before, *after]):
        one, other = (", ".join(side.get(name, ("no verdict",))) for side in (before, after))
        if one != other:
            yield f"under {name}: {one} in the report, {other} now"


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(one == other)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
