"""A verdict: a case's decision in the words of its regime, with the evidence a reader needs to check it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .claims import Case
from .conditions import Conditions
from .curves import Job, Measured, read, read_runs
from .declared import declaration, digest
from .more_seeds import MoreSeeds, more_seeds
from .soundness import InstrumentError, Soundness, soundness
from .statistics.estimands import Compares, Decision, Outcome, Sample
from .statistics.sequential import UntilDecided
from .store import Store

# A verdict of the paper's claims is only spoken at the paper's scale; at any other a trend was seen or was not.
WORDS = {
    "paper": {Outcome.HOLDS: "reproduced", Outcome.FAILS: "not reproduced", Outcome.UNDECIDED: "inconclusive"},
    "reduced": {Outcome.HOLDS: "trend seen", Outcome.FAILS: "trend not seen", Outcome.UNDECIDED: "inconclusive"},
}


@dataclass(frozen=True)
class Other:
    """The same case decided under another reading of the same runs."""

    name: str
    says: str
    decision: Decision
    word: str

    def entry(self) -> dict[str, Any]:
        """As plain JSON for the report."""
        return {
            "name": self.name,
            "says": self.says,
            "verdict": self.word,
            "outcome": str(self.decision.outcome),
            "shown": shown(self.decision),
        }


@dataclass(frozen=True)
class Matched:
    """The same case decided on its curves at equal training amount; see ``equal_amount``."""

    amounts: tuple[float, ...]  # T of each curve
    curves: tuple[Measured, ...]
    decision: Decision
    word: str
    trained_less: bool  # whether any cell had to be cut short: without, all cells had come to the same T anyway

    @property
    def amount(self) -> str:
        """T in words; where several recipes are matched each within itself, the range of theirs."""
        low, high = min(self.amounts), max(self.amounts)
        return f"T = {low:g}" if low == high else f"T = {low:g} to {high:g}, equal within each recipe"

    @property
    def evidence(self) -> list[str]:
        """How it was decided, and the cells that were cut short for it."""
        if not self.trained_less:
            return [f"  at equal training amount ({self.amount}): the same, since every cell had come to that"]
        return [
            f"  at equal training amount ({self.amount}): {self.word}, {shown(self.decision)}",
            *(f"  {line}" for curve in self.curves for line in table(curve)),
        ]

    def entry(self) -> dict[str, Any]:
        """As plain JSON for the report."""
        return {
            "amount": self.amount,
            "verdict": self.word,
            "outcome": str(self.decision.outcome),
            "shown": shown(self.decision),
            "estimate": _number(self.decision.estimate),
            "interval": [_number(self.decision.low), _number(self.decision.high)],
            "trained_less": self.trained_less,
        }


@dataclass(frozen=True)
class Verdict:
    """What a claim test asserts, prints and reports."""

    case: Case
    decision: Decision
    curves: tuple[Measured, ...]
    word: str
    rerun: str = ""
    others: tuple["Other", ...] = ()
    matched: "Matched | None" = None
    sound: Soundness | None = None
    further: MoreSeeds | None = None

    @property
    def reproduced(self) -> bool:
        """Whether the claim holds (in a reduced regime: whether its trend is seen)."""
        return self.decision.outcome is Outcome.HOLDS

    @property
    def inconclusive(self) -> bool:
        """Whether the data decide nothing."""
        return self.decision.outcome is Outcome.UNDECIDED

    @property
    def hopeless(self) -> bool:
        """Whether further seeds are not what it lacks: a claim without values, or one that waits for something."""
        return not np.isfinite(self.decision.estimate)

    @property
    def effect(self) -> str:
        """The estimate and its interval, for a line of a summary."""
        return shown(self.decision)

    @property
    def seeds(self) -> int:
        """How many seeds the decision rests on."""
        return len(self.curves[0].cells)

    @property
    def evidence(self) -> str:
        """The table the claim was decided on, and how."""
        claim, decision = self.case.claim, self.decision
        return "\n".join(
            [
                f"{self.word}: {claim.says}",
                f"  {self.case.id}; paper: section {claim.section}, {self._figures}",
                *(line for curve in self.curves for line in table(curve)),
                f"  {decision.effect}: {self.effect} ({100 * decision.level:.3g}% interval, {self.seeds} seeds)",
                f"  asked for: {decision.asked} ({claim.because})",
                *([f"  {self.further.text}"] if self.further else ()),
                *(self.sound.evidence if self.sound else ()),
                *(self.matched.evidence if self.matched else ()),
            ]
        )

    @property
    def _figures(self) -> str:
        numbers = self.case.figures
        return f"figure{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"

    def entry(self) -> dict[str, Any]:
        """The verdict as plain JSON for the report."""
        claim, decision, declared = self.case.claim, self.decision, declaration(self.case)
        return {
            "id": claim.id,
            "case": self.case.id,
            "section": claim.section,
            "says": claim.says,
            "task": str(self.case.task),
            "figures": self.case.figures,
            "verdict": self.word,
            "outcome": str(decision.outcome),
            "effect": decision.effect,
            "asked": decision.asked,
            "shown": self.effect,
            "estimate": _number(decision.estimate),
            "interval": [_number(decision.low), _number(decision.high)],
            "level": decision.level,
            "p": decision.p,
            "further": self.further.entry() if self.further else None,
            "margin": claim.holds_if.margin.size,
            "unit": decision.unit.meaning,
            "because": claim.because,
            "declared": digest(declared),
            "declaration": declared,
            "reason": decision.reason,
            "seeds": self.seeds,
            "undertrained": [note for curve in self.curves for note in undertrained(curve)],
            "runs": sorted({cell.run for curve in self.curves for row in curve.cells for cell in row}),
            "evidence": self.evidence,
            "instruments": self.sound.entry() if self.sound else None,
            "equal_amount": self.matched.entry() if self.matched else None,
            "readings": [other.entry() for other in self.others],
            "rerun": self.rerun,
        }


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def shown(decision: Decision) -> str:
    """The estimate and its interval, and why nothing could be decided, where that is not for the interval."""
    if not np.isfinite(decision.estimate):
        return decision.reason
    unit = decision.unit
    text = f"{unit.difference(decision.estimate)} {unit.interval(decision.low, decision.high)}"
    return f"{text}: {decision.reason}" if decision.reason else text


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
        at_look = conditions.with_seeds(seeds)
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
        if any(curve.measure.field in other.fields for curve in case.curves):
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
    run, failure = sound.failures[0]
    more = f" (and {len(sound.failures) - 1} more failures)" if len(sound.failures) > 1 else ""
    saturated = failure.name.endswith("not-saturated")
    instead = [f"; {o.says}: {o.word}, {shown(o.decision)}" for o in others if saturated and o.name == "margin-loss"]
    return f"check {failure.name} failed on {run}: {failure.sentence}{more}{''.join(instead)}"


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
    return Decision(Outcome.UNDECIDED, nan, nan, nan, 0.9, unit, "no estimate", asked, reason)


def _word(outcome: Outcome, case: Case, conditions: Conditions) -> str:
    word = WORDS["paper" if conditions.regime.is_papers(case.task) else "reduced"][outcome]
    return f"{word} (surrogate)" if conditions.surrogate(case.task) else word


def table(curve: Measured) -> list[str]:
    """A curve as lines of text: for each batch size mean and spread over seeds, and how far it was trained."""
    unit = curve.curve.measure.unit
    scaled = curve.sample.values
    lines = [
        f"  {curve.curve}",
        "    batch size      mean        sd   train acc    steps        T   margin   saturated",
    ]
    for j, size in enumerate(curve.batch_sizes):
        cells, column = curve.column(j), scaled[:, j]
        sd = float(column.std(ddof=1)) if len(column) > 1 else float("nan")
        spread = unit.spread(sd)
        flag = f"  {note}" if (note := _flag(cells)) else ""
        lines.append(
            f"    {size:10d}{unit.level(float(column.mean())):>10}{spread:>10}"
            f"{100 * np.mean([c.train_accuracy for c in cells]):>11.1f}%{cells[0].steps:>9d}"
            f"{cells[0].training_amount:>9.2f}{np.mean([c.median_margin for c in cells]):>9.1f}"
            f"{100 * np.mean([c.saturated for c in cells]):>11.1f}%{flag}"
        )
    return lines


def undertrained(curve: Measured) -> list[str]:
    """The curve's cells that have not fitted their training data, in words."""
    notes = []
    for j, size in enumerate(curve.batch_sizes):
        if note := _flag(curve.column(j)):
            notes.append(f"{curve.curve.recipe}, batch size {size}: {note}")
    return notes


def _flag(cells: list[Any]) -> str:
    count = sum(cell.undertrained for cell in cells)
    diverged = sum(cell.diverged for cell in cells)
    words = ((count - diverged, "undertrained"), (diverged, "diverged"))
    return ", ".join(f"{word} ({number} of {len(cells)})" for number, word in words if number)
