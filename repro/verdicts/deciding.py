"""Comes to a verdict: decides a case on its stored runs, and on what else a reader of the verdict will ask for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..experiment.readings import Alternative
from ..runs.conditions import Conditions
from ..runs.run import Job
from ..runs.store import Store
from ..statistics.estimands import ERROR, Compares, Decision, Outcome
from ..statistics.sequential import UntilDecided
from .claim import Case
from .curves import Measured, read, read_runs
from .entry import EqualAmount, OtherReading
from .further_seeds import more_seeds
from .soundness import InstrumentError, Soundness, soundness
from .tables import interval, number, shown
from .verdict import WORDS, Matched, Verdict


def judge(
    case: Case,
    store: Store,
    conditions: Conditions,
    rerun: str = "",
    obtain: Callable[[Iterable[Job]], None] | None = None,
) -> Verdict:
    """Decide a case under the first reading and under the session's others, after obtaining what it lacks.

    Where seeds are added until a claim is decided, each look obtains its runs; the error is spent on the looks (see
    ``UntilDecided``). InstrumentError: a check of the instruments failed.
    """
    looks = conditions.looks(case.task)
    rule = UntilDecided(looks)
    for seeds in looks:
        at_look = conditions if len(looks) == 1 else conditions.with_seeds(seeds)
        if obtain:
            obtain(case.jobs(at_look))
        verdict = _Look(case, store, at_look, rule).verdict(rerun)
        if not verdict.inconclusive or verdict.hopeless:
            break
    return verdict


@dataclass(frozen=True)
class _Look:
    """A case on the runs of so many seeds, all of which are stored."""

    case: Case
    store: Store
    conditions: Conditions
    rule: UntilDecided

    def verdict(self, rerun: str) -> Verdict:
        """The verdict, with what else is decided on the same runs. InstrumentError: they cannot be believed."""
        case, curves = self.case, self._read()
        decision = self._decide(curves)
        others = tuple(
            self._otherwise(other)
            for other in self.conditions.alternatives(case.task)
            if any(curve.measure.part == other.part for curve in case.curves)
        )
        matched = self._matched()
        sound = soundness(case.curves, self.store, self.conditions)
        if sound.failures:
            raise InstrumentError(_broken(sound))
        further = None
        if decision.outcome is Outcome.UNDECIDED and np.isfinite(decision.estimate):
            samples = [curve.sample for curve in curves]
            further = more_seeds(case, samples, self.store, self.conditions, self.rule.alpha)
        word = self._word(decision.outcome)
        return Verdict(case, decision, curves, word, rerun, others, matched, sound, further)

    def _read(self, other: Alternative | None = None) -> tuple[Measured, ...]:
        return tuple(read(curve, self.store, self.conditions, other) for curve in self.case.curves)

    def _otherwise(self, other: Alternative) -> OtherReading:
        decision = self._decide(self._read(other))
        word, text = self._word(decision.outcome), shown(decision)
        return OtherReading(name=other.name, says=other.says, verdict=word, outcome=decision.outcome, shown=text)

    def _matched(self) -> Matched | None:
        """The case at equal training amount; None if it compares no batch sizes."""
        parts = self.case.at_equal_amount(self.conditions)
        if not parts:
            return None
        runs = [part.runs(self.conditions) for part in parts]
        curves = tuple(
            read_runs(part.curve, of_part, part.batch_sizes, self.store, self.conditions)
            for part, of_part in zip(parts, runs, strict=True)
        )
        decision = self._decide(curves)
        low, high = min(part.amount for part in parts), max(part.amount for part in parts)
        entry = EqualAmount(
            amount=f"T = {low:g}" if low == high else f"T = {low:g} to {high:g}, equal within each recipe",
            verdict=self._word(decision.outcome),
            outcome=decision.outcome,
            shown=shown(decision),
            estimate=number(decision.estimate),
            interval=interval(decision),
            trained_less=any(run is not run.whole for of_part in runs for run in of_part),
        )
        return Matched(curves, decision, entry)

    def _decide(self, curves: Sequence[Measured]) -> Decision:
        samples, estimand = [curve.sample for curve in curves], self.case.claim.holds_if
        lacking, sizes = _lacking(curves), samples[0].batch_sizes
        if not lacking and len(sizes) < 2 and estimand.compares is not Compares.RECIPES:
            lacking = f"one batch size ({sizes[0]}) shows no trend"
        if not lacking:
            return self.rule.decide(estimand, *samples)
        nan, asked = float("nan"), f"a margin of {' and '.join(map(str, estimand.margins))}"
        none = (nan, nan, nan, 1 - 2 * ERROR, samples[0].unit, "no estimate")
        return Decision(Outcome.UNDECIDED, *none, asked, lacking)

    def _word(self, outcome: Outcome) -> str:
        task = self.case.task
        word = WORDS["paper" if self.conditions.regime.is_papers(task) else "reduced"][outcome]
        return f"{word} (surrogate)" if self.conditions.surrogate(task) else word


def _broken(sound: Soundness) -> str:
    """Why there is no verdict."""
    run, name, sentence = sound.failures[0]
    more = f" (and {len(sound.failures) - 1} more failures)" if len(sound.failures) > 1 else ""
    return f"check {name} failed on {run}: {sentence}{more}"


def _lacking(curves: Sequence[Measured]) -> str:
    """Why a curve's values cannot be used, if they cannot: a cell without a number says nothing of the trend."""
    cells = {cell.run: cell for curve in curves for row in curve.cells for cell in row}
    without = {
        cell.run
        for curve in curves
        for row, scaled in zip(curve.cells, curve.sample.values, strict=True)
        for cell, value in zip(row, scaled, strict=True)
        if not np.isfinite(value)
    }
    if not without:
        return ""
    diverged = sum(cells[run].diverged for run in without)
    return f"{len(without)} of {len(cells)} runs have no value ({diverged} diverged)"
