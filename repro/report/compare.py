"""Two reports compared: two laboratories, two commits, two machines. Free of torch.

Claims correspond by id and case, so that tests may be moved and renamed. Verdicts are compared by outcome: their words
also say at what scale and on what data they were reached, which stands among the settings.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from ..experiment.tasks import ALL_TASKS
from ..verdicts.declaration import Difference, own_differences, term_differences
from ..verdicts.entry import Entry, EqualAmount, Interval, OtherReading, Told
from .bundle import Loaded, Report

Session = Mapping[str, Any]  # as its file has it, for another version may know more of one
STANDS, FALLS = "stands if all are to be right", "might be wrong among so many"  # by Holm
# What a session was, beyond its verdicts. Settings decide what was asked; circumstances are where it was answered.
CIRCUMSTANCES: Final = ("commit", "dirty", "device", "gpu", "versions", "hardware", "trained_on")
TOLD: Final = ("command", "seconds", "figures", "partial", "store", "merged", "paper")  # and no setting either
NO_SETTING: Final = (*CIRCUMSTANCES, "regime", "data", *TOLD)


@dataclass(frozen=True)
class Verdicts:
    """A claim in both reports, with its verdict and estimate in each."""

    name: str
    verdicts: tuple[str, str]
    shown: tuple[str, str]


@dataclass(frozen=True)
class Change:
    """Something that has one value here and another there; None where it has none."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Comparison:
    """What differs between two reports, the most important first.

    ``moved``: the verdict is the same, and each estimate lies outside the other's interval. ``beside``: what stands
    beside verdicts and is another one: at equal training amount, under another reading, among all (Holm). ``apart``:
    the estimates are of different effects (another batch size decided, say), so they are not compared.
    """

    common: int
    changed: tuple[Verdicts, ...]
    moved: tuple[Verdicts, ...]
    beside: tuple[Verdicts, ...]
    apart: tuple[Verdicts, ...]
    declared: tuple[Change, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    settings: tuple[Change, ...]
    circumstances: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether nothing but circumstances differs: versions, commit, device and hardware change no result."""
        results = (self.changed, self.moved, self.beside, self.declared)
        return not any((*results, self.only_first, self.only_second, self.settings))

    def plain(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"same": self.same, **asdict(self)}


def compare(first: Loaded, second: Loaded) -> Comparison:
    """Compare two reports."""
    one, other = _by_name(first.report), _by_name(second.report)
    here, there = first.session, second.session
    common = [(one[name], other[name]) for name in one if name in other]
    decided = [(a, b) for a, b in common if isinstance(a, Entry) and isinstance(b, Entry)]
    alike = [pair for pair in decided if pair[0].outcome == pair[1].outcome]
    settings = (
        *_differing(_settings(here), _settings(there)),
        *_by_field(here["regime"]["tasks"], there["regime"]["tasks"]),
    )
    told = {*here["regime"]["tasks"], *there["regime"]["tasks"]} if settings else set()
    return Comparison(
        common=len(common),
        changed=_verdicts((a, b) for a, b in common if a.outcome != b.outcome),
        moved=_verdicts(pair for pair in alike if _comparable(*pair) and _moved(*pair)),
        beside=tuple(found for pair in decided for found in _beside(*pair)),
        apart=_verdicts(pair for pair in alike if not _comparable(*pair)),
        declared=tuple(_declared((pair for pair in decided if pair[0].declared != pair[1].declared), told)),
        only_first=tuple(name for name in one if name not in other),
        only_second=tuple(name for name in other if name not in one),
        settings=settings,
        circumstances=tuple(_differing(_circumstances(here), _circumstances(there))),
    )


def _by_name(report: Report) -> dict[str, Told]:
    """Verdicts and errors of claims, in their order."""
    return {entry.name: entry for entry in report.told if entry.claim}


def _verdicts(pairs: Iterable[tuple[Told, Told]]) -> tuple[Verdicts, ...]:
    return tuple(Verdicts(a.name, (a.verdict, b.verdict), (a.shown, b.shown)) for a, b in pairs)


def _beside(one: Entry, other: Entry) -> Iterable[Verdicts]:
    """What stands beside both verdicts and is another one; what one report does not tell is no difference."""
    there = beside(other)
    for name, told in beside(one).items():
        then = there.get(name)
        if then is not None and told.outcome != then.outcome:
            yield Verdicts(f"{one.name}, {name}", (told.verdict, then.verdict), (told.shown, then.shown))
    if None not in (one.family_wise, other.family_wise) and one.family_wise != other.family_wise:
        words = [STANDS if entry.family_wise else FALLS for entry in (one, other)]
        yield Verdicts(f"{one.name}, among all verdicts", (words[0], words[1]), ("", ""))


def beside(entry: Entry) -> dict[str, EqualAmount | OtherReading]:
    """The verdicts that stand beside one, under other readings and at equal training amount, by what they are."""
    others = {f"under {other.name}": other for other in (entry.sound, *entry.readings) if other}
    return {**others, **({"at equal training amount": entry.equal_amount} if entry.equal_amount else {})}


def _comparable(one: Entry, other: Entry) -> bool:
    """Whether two estimates are of one effect: on one scale, and of the same batch sizes where they name some."""
    return (one.unit, _batch_sizes(one.effect)) == (other.unit, _batch_sizes(other.effect))


def _batch_sizes(effect: str) -> list[str]:
    return re.findall(r"batch sizes? (?:from )?(\d+(?: to \d+)?)", effect)


def _moved(one: Entry, other: Entry) -> bool:
    """Whether each estimate lies outside the other's interval; an end that is missing is infinitely far."""
    return _outside(one.estimate, other.interval) and _outside(other.estimate, one.interval)


def _outside(estimate: float | None, interval: Interval) -> bool:
    low, high = interval
    return estimate is not None and ((low is not None and estimate < low) or (high is not None and estimate > high))


def _declared(pairs: Iterable[tuple[Entry, Entry]], told: Iterable[str]) -> Iterable[Change]:
    """What is declared otherwise: each claim's own, then the terms that claims share, each once.

    ``told``: tasks whose settings differ, so that how they are studied is told there.
    """
    shared: dict[Difference, None] = {}
    for one, other in pairs:
        own, terms = (found(one.declaration, other.declaration) for found in (own_differences, term_differences))
        if own or not terms:
            yield Change(f"{one.name} ({'; '.join(map(str, own)) or 'the hash alone'})", one.declared, other.declared)
        shared |= dict.fromkeys(terms)
    for term in shared:
        if not any(task in term.path for task in told):
            yield Change(*term)


def _settings(session: Session) -> dict[str, Any]:
    """What was asked of a session, but for the scales of its tasks: regime, data, readings, and whatever else it has.

    What the data were is a setting, the folders they lay in are none.
    """
    regime = {name: value for name, value in session["regime"].items() if name != "tasks"}
    rest = {name: value for name, value in session.items() if name not in NO_SETTING}
    return {"regime": regime, **rest, "data": {name: data["kind"] for name, data in session["data"].items()}}


def _by_field(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Change]:
    """Differences of the tasks' scales; one line for a field that differs in the same way on every task."""
    by_task = {task: _differing(one.get(task), other.get(task)) for task in dict.fromkeys([*one, *other])}
    first = next(iter(by_task.values()), [])
    shared = [change for change in first if all(change in found for found in by_task.values())]
    own = [(task, change) for task, found in by_task.items() for change in found if change not in shared]
    named = [*((ALL_TASKS, change) for change in shared), *own]
    return [Change(_path(task, change.name), change.before, change.after) for task, change in named]


def _circumstances(session: Session) -> dict[str, Any]:
    return {name: value for name, value in session.items() if name in CIRCUMSTANCES}


def _differing(one: Any, other: Any, path: str = "") -> list[Change]:
    """The leaves that differ between nested tables; a list is a leaf."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = dict.fromkeys([*one, *other])
        return [change for name in names for change in _differing(one.get(name), other.get(name), _path(path, name))]
    return [] if one == other else [Change(path, one, other)]


def _path(*names: str) -> str:
    return ", ".join(name for name in names if name)
