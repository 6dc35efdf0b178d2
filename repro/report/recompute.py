"""A report's verdicts decided again, from the stored measures and the claims as they are now. Free of torch."""

import json
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from ..errors import ReproError
from ..files.text import read_text
from ..runs.conditions import Conditions
from ..runs.run import Run
from ..runs.store import Record, Store
from ..verdicts.claim import Case
from ..verdicts.deciding import judge
from ..verdicts.declaration import changes, digest
from ..verdicts.entry import Broken, Entry, Told
from .bundle import Loaded

# What a decision is: its words for a reader (evidence, effect, reason) may be put better without it being another one.
COMPARED: Final = ("verdict", "outcome", "estimate", "interval", "level", "margin", "unit", "seeds", "runs")
CLOSE: Final = 1e-9  # relative; the last digits of a quantile differ between versions of scipy

# Measures that lack a field or have one of another kind, a task without data, an instrument that fails now.
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
    loaded: Loaded, cases: Mapping[str, Case], store: Store, outside: Collection[str] = frozenset()
) -> Recomputed:
    """Decide every verdict of a report again. ``cases``: the checkout's claim tests by their ids.

    A test is found by its id or, where it was moved or renamed, by its claim and case; one of those ``outside`` never.
    A claim that broke must have no verdict now either, as far as the store has what it needs.
    """
    found, bench = Recomputed(), _Bench(store, loaded.conditions)
    named = {f"{case.claim.id} [{case.id}]": test for test, case in cases.items()}
    met: set[str] = set()
    for reported in loaded.report.told:
        broke = isinstance(reported, Broken)
        test = reported.test if reported.test in cases else named.get(reported.name, "")
        if reported.test in outside and reported.claim:
            found.outside.append(reported.test)
        elif broke and (not test or test in met):
            continue
        elif not test:
            found.gone.append(reported.test)
        elif test in met:
            found.differ[reported.test] = ["the report has this claim twice"]
        else:
            bench.again(reported, test, cases[test], found)
            met.add(test)
    found.new = [test for test in cases if test not in met]
    return found


@dataclass(frozen=True)
class _Bench:
    """What verdicts are decided on again."""

    store: Store
    conditions: Conditions

    def again(self, reported: Told, test: str, case: Case, found: Recomputed) -> None:
        """Decide one test again and note what came of it; of one that broke nothing if the store lacks its runs."""
        try:
            missing = self._missing(case)
            looks = () if isinstance(reported, Broken) else reported.looks
            now = None if missing else judge(case, self.store, self.conditions, before=looks).entry()
            why = ""
        except UNDECIDABLE as error:
            missing, now, why = [], None, f"{type(error).__name__}: {error}"
        if missing:
            found.missing |= {} if isinstance(reported, Broken) else {reported.test: missing}
            return
        found.checked.add(test)
        lines = _lines(reported, now, why)
        if lines:
            found.differ[reported.test] = lines
        else:
            found.agree += 1

    def _missing(self, case: Case) -> list[str]:
        """The runs of a case that are not stored whole under a reading that its verdicts need, which no check is."""
        jobs = [job for job in case.jobs(self.conditions) if job.kind != "transfer"]
        return list(dict.fromkeys(f"{job.run} ({job.run.key})" for job in jobs if not self.store.whole(*job)))


def _lines(reported: Told, now: Entry | None, why: str) -> list[str]:
    """What differs between a test as reported and as decided now, or now is not, for a reason."""
    if isinstance(reported, Broken):
        return [f"verdict: none in the report, for it broke; {now.verdict} now"] if now else []
    return differences(reported, now) if now else [f"cannot be decided now: {why}"]


def differences(entry: Entry, now: Entry) -> list[str]:
    """What differs between a verdict as reported and as decided now, a line each."""
    pairs = [(name, getattr(entry, name), getattr(now, name)) for name in COMPARED]
    lines = [_line(name, one, other) for name, one, other in pairs if not _equal(one, other)]
    if entry.declared != now.declared:
        moved = "; ".join(changes(entry.declaration, now.declaration)) or "the hash alone"
        lines.append(f"{_line('declared', entry.declared, now.declared)} ({moved})")
    elif (own := digest(entry.declaration)) != entry.declared:
        moved = "; ".join(changes(entry.declaration, now.declaration)) or "its terms are not told"
        lines.append(f"declared: {entry.declared} in the report, whose own declaration comes to {own} ({moved})")
    return [*lines, *_readings(entry, now), *_shown(entry, now)]


def _shown(entry: Entry, now: Entry) -> Iterable[str]:
    """What differs of curves and number line, where a report has them, which one of an earlier version has not."""
    if entry.curves and not _equal(_plain(entry.curves), _plain(now.curves)):
        yield "curves: the report's values and those of now are not the same"
    if (
        entry.number_line
        and entry.declared == now.declared
        and not _equal(_plain(entry.number_line), _plain(now.number_line))
    ):
        yield "number_line: the report's margin, or the one at which it would flip, is not that of now"


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _line(name: str, reported: Any, now: Any) -> str:
    if name == "runs":
        return f"runs: the report's {len(reported)} and the {len(now)} of now are not the same"
    one, other = _text(reported), _text(now)
    if one == other:  # beyond the digits shown
        one, other = repr(reported), repr(now)
    return f"{name}: {one} in the report, {other} now"


def _readings(entry: Entry, now: Entry) -> Iterable[str]:
    """What differs between the verdicts under other readings, whose estimates a report holds in words."""
    others = ([*side.readings, *([side.sound] if side.sound else [])] for side in (entry, now))
    before, after = ({o.name: f"{o.verdict}, {_estimate(o.shown)}" for o in side} for side in others)
    for name in dict.fromkeys([*before, *after]):
        one, other = (side.get(name, "no verdict") for side in (before, after))
        if one != other:
            yield f"under {name}: {one} in the report, {other} now"


def _estimate(shown: str) -> str:
    """An estimate with its interval; why it decides nothing follows in words, which may be put better."""
    return shown.partition(": ")[0]


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(value, other[name]) for name, value in one.items())
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(one == other)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_text, value))}]"
    return "none" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
