"""Comes to a verdict: decides a case on its stored runs, and on what else a reader of the verdict will ask for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..experiment.readings import SOUND, Alternative
from ..experiment.tasks import Task
from ..runs.conditions import Conditions
from ..runs.run import Job, Run
from ..runs.store import Store
from ..statistics.critical import critical, scaled
from ..statistics.estimands import DECIDED, Outcome
from ..statistics.reasons import lacking
from ..statistics.sequential import Level
from ..statistics.units import Margin
from .claim import Case
from .curves import Measured, read, read_runs
from .decision import Decided, decide
from .declaration import declaration
from .entry import EqualAmount, Further, Look, OtherReading
from .equal_training import amounts_in_words, compressed_in_words
from .further_seeds import more_seeds
from .looks import Place, at, schedule, seeds_at
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
    made at the case, by their seeds; see ``schedule``. One that could not have decided, whatever it saw, is none.
    InstrumentError: a check of the instruments failed.
    """
    looks = tuple(look for look in before if look.by_task or case.holds_if.decides(look.seeds, look.level))
    wanted = [seeds_at(case, conditions, seeds) for seeds in conditions.looks(*case.tasks)]
    for seeds, level in schedule(looks, wanted):
        at_look = at(conditions, case, seeds if len(seeds) == len(case.tasks) else seeds_at(case, conditions, *seeds))
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
            strongest=others.pop(SOUND, None),
            others=tuple(others.values()),
            matched=self._matched(sound.doubts),
            soundness=sound,
            further=self._further(decided),
            flips_at=" and ".join(map(str, scaled(self._turning, times))) if times else "",
            number_line=number_line(case.holds_if, decided.decision.unit, times),
            notes=(*decided.notes, *remarks(decided.compared)),
            looks=self._looks(decided),
            withheld=decided.withheld,
            compared=decided.compared,
        )

    def _further(self, decided: Decided) -> Further | None:
        """What would decide the case at a further look; None where seeds are not what it lacks."""
        if decided.outcome is not Outcome.UNDECIDED or not decided.known or not self.rule.error:
            return None
        if decided.sure and self.case.holds_if.bears_gaps:  # nothing is known of how often further ones are in doubt
            return None
        level = self._place.next(self._looked(decided))
        return more_seeds(self.case, decided.sure or decided.samples, self.store, self.conditions, level)

    def _looked(self, decided: Decided) -> bool:
        """Whether so many seeds could have decided the case at all: what could not is no look, and spends nothing."""
        there = decided.open and bool(np.isfinite(decided.decision.estimate))
        return there and self.case.holds_if.decides(_fewest(decided), self.rule.error)

    def _looks(self, decided: Decided) -> tuple[Look, ...]:
        if not self._looked(decided):
            return self._place.earlier
        return self._place.looks(decided.outcome in DECIDED)

    @cached_property
    def _place(self) -> Place:
        return Place(self.case, self.conditions, self.rule.error, self.before)

    @property
    def _beside(self) -> Level:
        """The rule of what is decided beside the verdict itself, where that is of other networks or another reading."""
        return Level(self._place.beside)

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
        lacks = lacking(decision.reason)
        return OtherReading(
            name=other.name, says=other.says, verdict=word, outcome=decision.outcome, shown=text, lacks=lacks
        )

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
        taken = [run for of_part in runs for run in of_part]
        cut = any(run is not run.whole for run in taken)
        decided = self._decide(curves, self._doubts_of(taken, doubts), self._beside if cut else self.rule)
        decision = decided.decision
        entry = EqualAmount(
            amount=amounts_in_words(parts, self.case.holds_if),
            verdict=self._word(decision.outcome),
            outcome=decision.outcome,
            shown=shown(decision),
            estimate=number(decision.estimate),
            interval=interval(decision),
            trained_less=cut,
            lacks=lacking(decision.reason),
            notes=(*compressed_in_words(parts, self.conditions), *decided.notes),
            curves=tuple(map(plain_curve, curves)),
        )
        return Matched(curves, decision, entry)

    def _doubts_of(self, runs: Sequence[Run], doubts: Mapping[str, str]) -> dict[str, str]:
        """Doubts of runs, of the states that they were in before, and of searches of their own that did not end."""
        further = {run.key: doubts[run.whole.key] for run in runs if run.whole.key in doubts}
        own = unconverged(((run, self.conditions.reading_of(run)) for run in runs), self.store)
        return {**doubts, **further, **own}

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


def _fewest(decided: Decided) -> int:
    """The seeds that a decision rests on; of several tasks, how many each has at least."""
    return min(len(sample.values) for sample in decided.samples)
