"""A report's verdicts decided again, from the stored measures and the claims as they are now. Free of torch."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from ..errors import ReproError
from ..runs.conditions import Conditions
from ..runs.integrity import Believed
from ..runs.run import Run
from ..runs.store import Store
from ..verdicts.claim import Case
from ..verdicts.deciding import judge
from ..verdicts.declaration import changes, digest
from ..verdicts.entry import Broken, Entry, Look, Told, name_of
from ..verdicts.history import Note, decided, looks_before, not_told
from ..verdicts.looks import in_turn, seeds_at
from .asserted import alike, asserted, families, line, of_session
from .bundle import Loaded

# What a decision is: its words for a reader (evidence, effect, reason) may be put better without it being another one.
COMPARED: Final = ("verdict", "outcome", "estimate", "interval", "level", "margin", "unit", "seeds")

# Measures that lack a field or have one of another kind, a task without data, an instrument that fails now.
UNDECIDABLE: Final = (AttributeError, KeyError, TypeError, ValueError, ReproError)


@dataclass
class Recomputed:
    """What became of each verdict: ``agree`` the tests that do, ``differ`` lines for each that does not."""

    agree: set[str] = field(default_factory=set)
    checked: set[str] = field(default_factory=set)  # claim tests of the checkout that were decided again
    differ: dict[str, list[str]] = field(default_factory=dict)
    session: list[str] = field(default_factory=list)  # lines of what is not so of the report as a whole
    missing: dict[str, list[str]] = field(default_factory=dict)  # test: runs that the store lacks
    gone: list[str] = field(default_factory=list)  # tests of the report that the checkout has not
    outside: list[str] = field(default_factory=list)  # tests of the report that are in none of the checkout's files
    new: list[str] = field(default_factory=list)  # claim tests of the checkout that the report says nothing of

    def differs(self, test: str, lines: Sequence[str]) -> None:
        """Take in what differs of a test, which may have counted as one that agrees until now."""
        self.agree.discard(test)
        self.differ.setdefault(test, []).extend(lines)


class ReadOnce(Store):
    """A store that is only looked at: every file is read once, and a damaged one is left where it is."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._gone: set[tuple[str, str]] = set()  # what is not there, or cannot be believed

    def _read(self, run: Run, name: str) -> Believed | None:
        if (run.key, name) in self._gone:
            return None
        found = super()._read(run, name)
        if found is None:
            self._gone.add((run.key, name))
        return found

    def aside(self, path: Path, why: str, then: str) -> None:
        """Leave it where it is."""


def recompute(
    loaded: Loaded, cases: Mapping[str, Case], store: Store, outside: Collection[str] = frozenset()
) -> Recomputed:
    """Decide every verdict of a report again. ``cases``: the checkout's claim tests by their ids.

    A test is found by its id or, where it was moved or renamed, by its claim and case; one of those ``outside`` never.
    A claim that broke must have no verdict now either, as far as the store has what it needs.
    """
    found, bench = Recomputed(session=of_session(loaded)), _Bench(store, loaded.conditions)
    named = {name_of(case.claim.id, case.id, test): test for test, case in cases.items()}
    met: set[str] = set()
    again: dict[str, Entry] = {}
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
            if (now := bench.again(reported, test, cases[test], found)) is not None:
                again[reported.test] = now
            met.add(test)
    for test, why in families(loaded, again):
        found.differs(test, [why])
    found.new = [test for test in cases if test not in met]
    return found


@dataclass(frozen=True)
class _Bench:
    """What verdicts are decided on again."""

    store: Store
    conditions: Conditions

    def again(self, reported: Told, test: str, case: Case, found: Recomputed) -> Entry | None:
        """Decide one test again and note what came of it; of one that broke nothing if the store lacks its runs."""
        try:
            missing = self._missing(case)
            looks = () if isinstance(reported, Broken) else self._looks(reported, case)
            now = None if missing else judge(case, self.store, self.conditions, before=looks).entry()
            why = ""
        except UNDECIDABLE as error:
            missing, now, why = [], None, f"{type(error).__name__}: {error}"
        if missing:
            found.missing |= {} if isinstance(reported, Broken) else {reported.test: missing}
            return None
        found.checked.add(test)
        lines = _lines(reported, now, why)
        if isinstance(reported, Entry) and (untold := not_told(reported, self._notes, self.conditions.regime.title)):
            lines.append(f"declared_before: the store was decided from under {', '.join(untold)}, too, before this")
        if lines:
            found.differ[reported.test] = lines
        else:
            found.agree.add(reported.test)
        return None if isinstance(reported, Broken) else now

    def _looks(self, reported: Entry, case: Case) -> tuple[Look, ...]:
        """The looks that a report tells of, and those at fewer seeds that its store remembers besides."""
        own = seeds_at(case, self.conditions, reported.seeds)
        known = looks_before(self._notes, case, self.conditions)
        remembered = [look for look in known if look.size < sum(own) or (look.size == sum(own) and look.by != own)]
        found = {look.by: look for look in (*remembered, *reported.looks)}
        return tuple(sorted(found.values(), key=in_turn))

    @cached_property
    def _notes(self) -> list[Note]:
        return decided(self.store)

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
    lines = [line(name, one, other) for name, one, other in pairs if not alike(one, other)]
    if entry.runs != now.runs:
        lines.append(f"runs: the report's {len(entry.runs)} and the {len(now.runs)} of now are not the same")
    if entry.declared != now.declared:
        moved = "; ".join(changes(entry.declaration, now.declaration)) or "the hash alone"
        lines.append(f"{line('declared', entry.declared, now.declared)} ({moved})")
    elif (own := digest(entry.declaration)) != entry.declared:
        moved = "; ".join(changes(entry.declaration, now.declaration)) or "its terms are not told"
        lines.append(f"declared: {entry.declared} in the report, whose own declaration comes to {own} ({moved})")
    return [*lines, *_readings(entry, now), *asserted(entry, now)]


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
