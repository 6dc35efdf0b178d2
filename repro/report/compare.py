"""Two reports compared: two laboratories, two commits, two machines. Free of torch.

Claims correspond by id and case, so that tests may be moved and renamed. Verdicts are compared by outcome: their words
also say at what scale and on what data they were reached, which stands among the settings.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from ..verdicts.declaration import changes
from .bundle import Report

Entry = dict[str, Any]
Pair = tuple[Entry, Entry]
ALL_TASKS: Final = "all tasks"
# What a session was, beyond its verdicts. Settings decide what was asked; circumstances are where it was answered.
CIRCUMSTANCES: Final = ("commit", "dirty", "device", "gpu", "versions", "hardware")
NO_SETTING: Final = (*CIRCUMSTANCES, "regime", "command", "seconds", "figures", "partial")


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

    ``moved``: the verdict is the same, and each estimate lies outside the other's interval. ``apart``: the estimates
    are of different effects (another batch size decided, say), so they are not compared.
    """

    common: int
    changed: tuple[Verdicts, ...]
    moved: tuple[Verdicts, ...]
    apart: tuple[Verdicts, ...]
    declared: tuple[Change, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]
    settings: tuple[Change, ...]
    circumstances: tuple[Change, ...]

    @property
    def same(self) -> bool:
        """Whether nothing but circumstances differs: versions, commit, device and hardware change no result."""
        return not any((self.changed, self.moved, self.declared, self.only_first, self.only_second, self.settings))

    def plain(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"same": self.same, **asdict(self)}


def compare(first: Report, second: Report) -> Comparison:
    """Compare two reports."""
    one, other = _entries(first), _entries(second)
    common = {name: (one[name], other[name]) for name in one if name in other}
    changed = [name for name, pair in common.items() if pair[0]["outcome"] != pair[1]["outcome"]]
    rest = {name: pair for name, pair in common.items() if name not in changed and "declared" in pair[0]}
    return Comparison(
        common=len(common),
        changed=_verdicts(common, changed),
        moved=_verdicts(common, [name for name, pair in rest.items() if _comparable(pair) and _moved(pair)]),
        apart=_verdicts(common, [name for name, pair in rest.items() if not _comparable(pair)]),
        declared=tuple(found for name, pair in common.items() for found in _declared(name, pair)),
        only_first=tuple(name for name in one if name not in other),
        only_second=tuple(name for name in other if name not in one),
        settings=tuple(_settings(first.session, second.session)),
        circumstances=tuple(_differing(_part(first.session, CIRCUMSTANCES), _part(second.session, CIRCUMSTANCES))),
    )


def _entries(report: Report) -> dict[str, Entry]:
    """Verdicts and errors of claims by name, in their order."""
    found = {f"{entry['id']} [{entry['case']}]": entry for entry in report.claims}
    for error in report.errors:
        if error.get("claim"):
            broken = {"verdict": "error", "outcome": "error", "shown": error.get("error", "")}
            found[f"{error['claim']} [{error['case']}]"] = broken
    return found


def _verdicts(common: Mapping[str, Pair], names: list[str]) -> tuple[Verdicts, ...]:
    return tuple(
        Verdicts(name, (one["verdict"], other["verdict"]), (one["shown"], other["shown"]))
        for name in names
        for one, other in (common[name],)
    )


def _comparable(pair: Pair) -> bool:
    """Whether two estimates are of one effect: on one scale, and of the same batch sizes where they name some."""
    one, other = ((entry.get("unit"), *_batch_sizes(entry.get("effect", ""))) for entry in pair)
    return one == other


def _batch_sizes(effect: str) -> list[str]:
    return re.findall(r"batch sizes? (?:from )?(\d+(?: to \d+)?)", effect)


def _moved(pair: Pair) -> bool:
    """Whether each estimate lies outside the other's interval; an end that is missing is infinitely far."""
    (one, other) = pair
    return _outside(one["estimate"], other["interval"]) and _outside(other["estimate"], one["interval"])


def _outside(estimate: float | None, interval: list[float | None]) -> bool:
    low, high = interval
    return estimate is not None and ((low is not None and estimate < low) or (high is not None and estimate > high))


def _declared(name: str, pair: Pair) -> list[Change]:
    one, other = pair
    if "declared" not in one or "declared" not in other or one["declared"] == other["declared"]:
        return []
    moved = "; ".join(changes(one["declaration"], other["declaration"]))
    return [Change(f"{name} ({moved or 'the hash alone'})", one["declared"], other["declared"])]


def _settings(one: Entry, other: Entry) -> list[Change]:
    """What was asked of the sessions: the regime field by field, data, readings, and whatever else they hold."""
    names = [name for name in dict.fromkeys([*one, *other]) if name not in NO_SETTING]
    regimes = [{name: value for name, value in side["regime"].items() if name != "tasks"} for side in (one, other)]
    found = _differing({"regime": regimes[0]}, {"regime": regimes[1]})
    found += _by_field(*(side["regime"].get("tasks", {}) for side in (one, other)))
    return found + _differing(_part(one, names) | _kinds(one), _part(other, names) | _kinds(other))


def _kinds(session: Entry) -> Entry:
    """What the data were; the folders they lay in are no setting."""
    return {"data": {name: data["kind"] for name, data in session.get("data", {}).items()}}


def _by_field(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[Change]:
    """Differences of the tasks' scales; one line for a field that differs in the same way on every task."""
    tasks = list(dict.fromkeys([*one, *other]))
    by_task = {task: _differing(one.get(task), other.get(task)) for task in tasks}
    shared = (
        [change for change in by_task[tasks[0]] if all(change in found for found in by_task.values())] if tasks else []
    )
    lines = [Change(_path(ALL_TASKS, change.name), change.before, change.after) for change in shared]
    for task, found in by_task.items():
        rest = [change for change in found if change not in shared]
        lines += [Change(_path(task, change.name), change.before, change.after) for change in rest]
    return lines


def _part(session: Entry, names: Any) -> Entry:
    return {name: session[name] for name in names if name in session}


def _differing(one: Any, other: Any, path: str = "") -> list[Change]:
    """The leaves that differ between nested tables; a list is a leaf."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = dict.fromkeys([*one, *other])
        return [change for name in names for change in _differing(one.get(name), other.get(name), _path(path, name))]
    return [] if one == other else [Change(path, one, other)]


def _path(*names: str) -> str:
    return ", ".join(name for name in names if name)
