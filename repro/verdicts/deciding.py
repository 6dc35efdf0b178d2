"""Comes to a verdict: decides a case on its stored runs, and on what else a reader of the verdict will ask for."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ..runs.conditions import Conditions
from ..runs.run import Job
from ..runs.store import Store
from ..statistics.estimands import ERROR, Compares, Decision, Outcome, Sample
from ..statistics.sequential import UntilDecided
from .claim import Case
from .curves import Measured, read, read_runs
from .further_seeds import more_seeds
from .soundness import InstrumentError, Soundness, soundness
from .tables import shown
from .verdict import WORDS, Matched, Other, Verdict


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
        verdict = _judge(case, store, at_look, rule, rerun)
        if not verdict.inconclusive or verdict.hopeless:
            break
    return verdict


def _judge(case: Case, store: Store, conditions: Conditions, rule: UntilDecided, rerun: str) -> Verdict:
    curves = tuple(read(curve, store, conditions) for curve in case.curves)
    decision = _decide(case, curves, rule)
    others = []
    for other in conditions.alternatives(case.task):
        if any(curve.measure.part == other.part for curve in case.curves):
            found = _decide(case, [read(curve, store, conditions, other) for curve in case.curves], rule)
            others.append(Other(other.name, other.says, found, _word(found.outcome, case, conditions)))
    word, matched = _word(decision.outcome, case, conditions), _matched(case, store, conditions, rule)
    sound = soundness(case.curves, store, conditions)
    if sound.failures:
        raise InstrumentError(_broken(sound, others))
    further = None
    if decision.outcome is Outcome.UNDECIDED and np.isfinite(decision.estimate):
        further = more_seeds(case, [curve.sample for curve in curves], store, conditions, rule.alpha)
    return Verdict(case, decision, curves, word, rerun, tuple(others), matched, sound, further)


def _broken(sound: Soundness, others: Sequence[Other]) -> str:
    """Why there is no verdict, and what a reading says that does not need the instrument that failed."""
    run, name, sentence = sound.failures[0]
    more = f" (and {len(sound.failures) - 1} more failures)" if len(sound.failures) > 1 else ""
    saturated = name.endswith("not-saturated")
    instead = [f"; {o.says}: {o.word}, {shown(o.decision)}" for o in others if saturated and o.name == "margin-loss"]
    return f"check {name} failed on {run}: {sentence}{more}{''.join(instead)}"


def _matched(case: Case, store: Store, conditions: Conditions, rule: UntilDecided) -> Matched | None:
    parts = case.at_equal_amount(conditions)
    if not parts:
        return None
    runs = [part.runs(conditions) for part in parts]
    curves = tuple(
        read_runs(part.curve, of_part, part.batch_sizes, store, conditions)
        for part, of_part in zip(parts, runs, strict=True)
    )
    decision = _decide(case, curves, rule)
    trained_less = any(run is not run.whole for of_part in runs for run in of_part)
    amounts = tuple(part.amount for part in parts)
    return Matched(amounts, curves, decision, _word(decision.outcome, case, conditions), trained_less)


def _decide(case: Case, curves: Sequence[Measured], rule: UntilDecided) -> Decision:
    samples = [curve.sample for curve in curves]
    lacking = _lacking(curves)
    if not lacking and len(samples[0].batch_sizes) < 2 and case.claim.holds_if.compares is not Compares.RECIPES:
        lacking = f"one batch size ({samples[0].batch_sizes[0]}) shows no trend"
    return _undecided(case, samples[0], lacking) if lacking else rule.decide(case.claim.holds_if, *samples)


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


def _undecided(case: Case, sample: Sample, reason: str) -> Decision:
    nan, unit = float("nan"), sample.unit
    asked = f"a margin of {case.claim.holds_if.margin}"
    return Decision(Outcome.UNDECIDED, nan, nan, nan, 1 - 2 * ERROR, unit, "no estimate", asked, reason)


def _word(outcome: Outcome, case: Case, conditions: Conditions) -> str:
    word = WORDS["paper" if conditions.regime.is_papers(case.task) else "reduced"][outcome]
    return f"{word} (surrogate)" if conditions.surrogate(case.task) else word
