"""Looks at a claim: with how many seeds it was looked at, at which error, and what that leaves. Free of torch.

Whoever adds seeds because a claim is undecided has looked at it before, in the same session or in an earlier one. All
looks at the same data count: those under the same declaration, by whichever rules, at the same runs, as far as their
seeds go.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import ReproError
from ..runs.conditions import Conditions
from ..runs.run import reading_key
from ..statistics.estimands import ERROR
from ..statistics.sequential import REST, levels, next_level
from ..words import counted
from .claim import Case
from .entry import Look

ROUNDING: Final = 1e-9
MOST: Final = ERROR / (1 - REST) + ROUNDING  # what all looks together may err that anyone ever makes


Seeds = tuple[int, ...]  # of each of a case's tasks


def schedule(before: Sequence[Look], wanted: Sequence[Seeds]) -> list[tuple[Seeds, float]]:
    """The looks of a session that wants to look at these numbers of seeds of each task: each with its level of error.

    Looks follow each other by their seeds in all. ``before``: all looks ever made. Repeating one keeps its level; as
    many seeds, divided otherwise between tasks, are a new look. A look at fewer seeds than the last can decide nothing
    (level 0). Several new looks share what is left. A session that goes on until a claim is decided begins where the
    last one ended. ReproError: no looks that were made as they should be err so much together.
    """
    if any(look.level > ERROR + ROUNDING for look in before) or error(before) > MOST:
        told = ", ".join(f"{counted(look.seeds, 'seed')} at {percent(look.level)}" for look in before)
        raise ReproError(f"looks at {told} are said to have been made, which is more error than any may spend")
    if not before:
        return list(zip(wanted, levels([*map(sum, wanted)], next_level(None)), strict=True))
    last, most = before[-1], wanted[-1]
    again = [(look.by, look.level) for look in before if look.size < sum(most) or look.by == most][-1:]
    if len(wanted) == 1:
        again = [look for look in again if look[0] == most]
    made = {look.by for look in before}
    new = [seeds for seeds in wanted if sum(seeds) >= last.size and seeds not in made]
    found = [*again, *zip(new, levels([*map(sum, new)], next_level(last.level, last.decided)), strict=True)]
    return found or [(most, 0.0)]


def in_turn(look: Look) -> tuple[int, float]:
    """How looks follow each other: by their seeds; as many were looked at the later the smaller the error is."""
    return look.size, -look.level


def seeds_at(case: Case, conditions: Conditions, seeds: int) -> Seeds:
    """The seeds of each of a case's tasks at a look with so many; those of the regime where it has so many itself."""
    own = tuple(conditions.regime.scale(task).seeds for task in case.tasks)
    return own if seeds == min(own) else (seeds,) * len(own)


def at(conditions: Conditions, case: Case, seeds: Sequence[int]) -> Conditions:
    """The conditions of a look with so many seeds of each of a case's tasks."""
    return conditions.with_seeds_of(dict(zip(case.tasks, seeds, strict=True)))


def data_of(case: Case, conditions: Conditions, seeds: Sequence[int]) -> str:
    """A hash of the runs that a look with so many seeds of each task is at, and of how they are measured."""
    there = at(conditions, case, seeds)
    runs = {run.key for curve in case.curves for run in curve.runs(there)}
    names = sorted(runs | {reading_key(there.reading(task)) for task in case.tasks})
    return hashlib.sha256(" ".join(names).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Place:
    """The place of a look at a case among all that were ever made. ``error``: the level that it decides at."""

    case: Case
    conditions: Conditions
    error: float
    before: tuple[Look, ...]

    @property
    def by_task(self) -> Seeds:
        """Its seeds of each of the case's tasks."""
        return tuple(self.conditions.regime.scale(task).seeds for task in self.case.tasks)

    @property
    def earlier(self) -> tuple[Look, ...]:
        """Those with fewer seeds, or as many of other tasks; all, where it decides nothing since there were more."""
        size, own = sum(self.by_task), self.by_task
        return tuple(
            look for look in self.before if look.size < size or (look.size == size and look.by != own) or not self.error
        )

    @property
    def beside(self) -> float:
        """The level of what is decided beside the verdict.

        A look that only checks a verdict that was decided before costs nothing, but what stands beside it may have been
        undecided then: its looks are paid for one by one.
        """
        return self.error * REST ** sum(look.decided for look in self.earlier)

    @property
    def _last(self) -> Look | None:
        last = self.before[-1] if self.before else None
        return last if last and last.size > sum(self.by_task) else None

    def next(self, looked: bool) -> float:
        """The level of a further look, after all that were made; ``looked``: this one was, and left it undecided."""
        if self._last:
            return next_level(self._last.level, self._last.decided)
        return next_level(self.error) if looked else self.error

    def looks(self, decided: bool) -> tuple[Look, ...]:
        """All that were made, this one among them."""
        if not self.error:
            return self.before
        data, several = data_of(self.case, self.conditions, self.by_task), len(self.case.tasks) > 1
        by_task, size = self.by_task if several else (), sum(self.by_task)
        own = Look(seeds=min(self.by_task), level=self.error, decided=decided, data=data, by_task=by_task)
        later = (look for look in self.before if look.size > size)
        return tuple(sorted((*self.earlier, own, *later), key=in_turn))


def error(looks: Sequence[Look]) -> float:
    """What all looks together err at most: each its level, but for those that only checked a decision."""
    return sum(look.level for i, look in enumerate(looks) if i == 0 or not looks[i - 1].decided)


def in_words(looks: Sequence[Look], seeds: int) -> str:
    """What a reader of a verdict on so many seeds has to know of other looks; empty where there were none."""
    own, later = ([look for look in looks if (look.seeds > seeds) is after] for after in (False, True))
    if later and (not own or own[-1].seeds < seeds):
        return f"{later[-1].seeds} seeds of this claim were looked at before: fewer decide nothing"
    return "; ".join(filter(None, [_before(own), _since(later)]))


def _before(looks: Sequence[Look]) -> str:
    if len(looks) < 2:
        return ""
    *earlier, last = looks
    told = ", ".join(f"{counted(look.seeds, 'seed')} at {percent(look.level)}" for look in earlier)
    together = f"together they are wrong in at most {percent(error(looks))} of all cases"
    return f"look {len(looks)} of this claim: decided at {percent(last.level)}, after {told}; {together}"


def _since(looks: Sequence[Look]) -> str:
    if not looks:
        return ""
    last = looks[-1]
    came = "decided it, at" if last.decided else "left it undecided, at"
    return f"{counted(last.seeds, 'seed')} of this claim were looked at since, which {came} {percent(last.level)}"


def percent(level: float) -> str:
    """A level of error, for a sentence."""
    return f"{100 * level:.2g}%"
