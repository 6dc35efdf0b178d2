"""Comes to a verdict: decides a case on its stored runs, and on what else a reader of the verdict will ask for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..experiment.readings import SOUND, Alternative
from ..experiment.tasks import Task
from ..runs.conditions import Conditions
from ..runs.run import Job
from ..runs.store import Store
from ..statistics.critical import critical, scaled
from ..statistics.estimands import DECIDED, Outcome
from ..statistics.sequential import REST, Level, next_level
from ..statistics.units import Margin
from .claim import Case
from .curves import Measured, read, read_runs
from .decision import Decided, decide
from .declaration import declaration
from .entry import EqualAmount, Further, Look, OtherReading
from .equal_training import amounts_in_words, compressed_in_words
from .further_seeds import more_seeds
from .looks import at, data_of, schedule, seeds_at, since
from .measured import number_line, plain_curve
from .remarks import remarks
from .soundness import InstrumentError, soundness, unconverged
from .tables import interval, number, shown
from .verdict import WORDS, Matched, Verdict


def judge(
    case: Case,
    store: Store,
    conditions: Conditions,
    rerun: str = "",
    obtain: Callable[[Iterable[Job]], None] | None = None,
    before: Sequence[Look] = (),
) -> Verdict:
    """Decide a case under the first reading and under the session's others, after obtaining what it lacks.

    Where seeds are added until a claim is decided, each look obtains its runs. ``before``: the looks that were ever
    made at the case, by their seeds; see ``schedule``. Those that could decide nothing, whatever they saw, are none.
    InstrumentError: a check of the instruments failed.
    """
    looks = tuple(look for look in before if case.holds_if.decides(look.seeds, look.level))
    wanted = [seeds_at(case, conditions, seeds) for seeds in conditions.looks(*case.tasks)]
    by_size = {look.size: look.by_task or seeds_at(case, conditions, look.seeds) for look in looks}
    by_size |= {sum(seeds): seeds for seeds in wanted}
    for size, level in schedule(looks, [sum(seeds) for seeds in wanted]):
        at_look = at(conditions, case, by_size[size])
        if obtain:
            obtain(case.jobs(at_look))
        verdict = _Look(case, store, at_look, Level(level), looks).verdict(rerun)
        looks = verdict.looks
        if not verdict.inconclusive or verdict.hopeless:
            break
    return verdict


@dataclass(frozen=True)
class _Look:
    """A case on the runs of so many seeds, all of which are stored."""

    case: Case
    store: Store
    conditions: Conditions
    rule: Level
    before: tuple[Look, ...] = ()

    def verdict(self, rerun: str) -> Verdict:
        """The verdict, with what else is decided on the same runs. InstrumentError: they cannot be believed."""
        case, conditions, curves = self.case, self.conditions, self._read()
        sound = soundness(case.curves, self.store, conditions)
        if sound.faults:
            raise InstrumentError(sound.broken)
        decided = self._decide(curves, sound.doubts, self.rule)
        others = {
            other.name: self._otherwise(other, sound.doubts)
            for other in (other for task in case.tasks for other in conditions.alternatives(task))
            if any(curve.measure.part == other.part for curve in case.curves)
        }
        times = self._flips_at(decided)
        return Verdict(
            case,
            decided.decision,
            curves,
            self._word(decided.outcome),
            declaration(case, conditions),
            rerun,
            by_sound=others.pop(SOUND, None),
            others=tuple(others.values()),
            matched=self._matched(sound.doubts),
            sound=sound,
            further=self._further(decided),
            flips_at=" and ".join(map(str, scaled(self._turning, times))) if times else "",
            number_line=number_line(case.holds_if, decided.decision.unit, times),
            notes=(*decided.notes, *remarks(curves), *filter(None, [since(self.before, self._size)])),
            looks=self._looks(decided),
            withheld=decided.withheld,
        )

    def _further(self, decided: Decided) -> Further | None:
        """What would decide the case at a further look; None where seeds are not what it lacks."""
        if decided.outcome is not Outcome.UNDECIDED or not decided.known or not self.rule.error:
            return None
        if decided.sure and self.case.holds_if.bears_gaps:  # nothing is known of how often further ones are in doubt
            return None
        level = self._next_level(self._looked(decided))
        return more_seeds(self.case, decided.sure or decided.samples, self.store, self.conditions, level)

    def _looked(self, decided: Decided) -> bool:
        """Whether so many seeds could have decided the case at all: what could not is no look, and spends nothing."""
        seeds = min(len(sample.values) for sample in decided.samples)
        there = decided.open and bool(np.isfinite(decided.decision.estimate))
        return there and self.case.holds_if.decides(seeds, self.rule.error)

    def _next_level(self, looked: bool) -> float:
        """The level of a further look, after this one and all others that were made."""
        last = self.before[-1] if self.before else None
        if last and last.size > self._size:
            return next_level(last.level, last.decided)
        return next_level(self.rule.error) if looked else self.rule.error

    def _looks(self, decided: Decided) -> tuple[Look, ...]:
        """All looks so far, this one last; it is none where there is nothing to look at or to decide with."""
        if not self.rule.error:
            return self.before
        earlier = self._earlier
        if not self._looked(decided):
            return earlier
        by_task, came = self._seeds, decided.outcome in DECIDED
        data = data_of(self.case, self.conditions, by_task)
        seeds = min(len(sample.values) for sample in decided.samples)
        several = by_task if len(by_task) > 1 else ()
        return (*earlier, Look(seeds=seeds, level=self.rule.error, decided=came, data=data, by_task=several))

    @property
    def _seeds(self) -> tuple[int, ...]:
        """The seeds of each of its tasks."""
        return tuple(self.conditions.regime.scale(task).seeds for task in self.case.tasks)

    @property
    def _size(self) -> int:
        return sum(self._seeds)

    @property
    def _earlier(self) -> tuple[Look, ...]:
        return tuple(look for look in self.before if look.size < self._size)

    @property
    def _beside(self) -> Level:
        """The rule of what is decided beside the verdict itself.

        A look that only checks a verdict that was decided before costs nothing, but what stands beside it may have been
        undecided then: its looks are paid for one by one.
        """
        return Level(self.rule.error * REST ** sum(look.decided for look in self._earlier))

    def _read(self, other: str = "") -> tuple[Measured, ...]:
        """The case's curves, under the reading of this name where their task has it."""
        return tuple(
            read(curve, self.store, self.conditions, self._of(curve.task).get(other)) for curve in self.case.curves
        )

    def _of(self, task: Task) -> dict[str, Alternative]:
        return {other.name: other for other in self.conditions.alternatives(task)}

    def _otherwise(self, other: Alternative, doubts: Mapping[str, str]) -> OtherReading:
        """The verdict under another reading. One of lambda1 is of other eigenvalues, which have doubts of their own."""
        if other.part == "curvature":
            curves = [curve for curve in self.case.curves if other.name in self._of(curve.task)]
            doubts = unconverged(((run, other.reading) for c in curves for run in c.runs(self.conditions)), self.store)
        decision = self._decide(self._read(other.name), doubts, self._beside).decision
        word, text = self._word(decision.outcome), shown(decision)
        return OtherReading(name=other.name, says=other.says, verdict=word, outcome=decision.outcome, shown=text)

    def _matched(self, doubts: Mapping[str, str]) -> Matched | None:
        """The case at equal training amount; None if it compares neither batch sizes nor recipes."""
        parts = self.case.at_equal_amount(self.conditions)
        if not parts:
            return None
        runs = [part.runs(self.conditions) for part in parts]
        curves = tuple(
            read_runs(part.curve, of_part, part.batch_sizes, self.store, self.conditions)
            for part, of_part in zip(parts, runs, strict=True)
        )
        taken = {run: self.conditions.reading_of(run) for of_part in runs for run in of_part}
        cut = any(run is not run.whole for run in taken)
        further = {run.key: doubts[run.whole.key] for run in taken if run.whole.key in doubts}
        found = {**doubts, **further, **unconverged(taken.items(), self.store)}
        decided = self._decide(curves, found, self._beside if cut else self.rule)
        decision = decided.decision
        entry = EqualAmount(
            amount=amounts_in_words(parts, self.case.holds_if),
            verdict=self._word(decision.outcome),
            outcome=decision.outcome,
            shown=shown(decision),
            estimate=number(decision.estimate),
            interval=interval(decision),
            trained_less=cut,
            notes=(*compressed_in_words(parts, self.conditions), *decided.notes),
            curves=tuple(map(plain_curve, curves)),
        )
        return Matched(curves, decision, entry)

    def _decide(self, curves: Sequence[Measured], doubts: Mapping[str, str], rule: Level) -> Decided:
        papers = all(map(self.conditions.regime.is_papers, self.case.tasks))
        return decide(self.case, curves, rule, papers, doubts)

    @property
    def _turning(self) -> list[Margin]:
        """The margins of its measures that the decision turns on."""
        return [margin for margin in self.case.margins if margin in self.case.holds_if.margins]

    def _flips_at(self, decided: Decided) -> float | None:
        """By how much its margins would have to be multiplied for another outcome; None where no margin decides."""
        case = self.case
        if not decided.known or not self._turning:
            return None
        return critical(case.rule, case.margins, lambda estimand: decided.again(estimand, self.rule))

    def _word(self, outcome: Outcome) -> str:
        """The outcome in the regime's words, with what the runs depart in from what the paper speaks of."""
        regime, tasks = self.conditions.regime, self.case.tasks
        word = WORDS["paper" if all(map(regime.is_papers, tasks)) else "reduced"][outcome]
        departs = dict.fromkeys(note for task in tasks for note in self.conditions.departs(task))
        return f"{word} ({', '.join(departs)})" if departs else word
