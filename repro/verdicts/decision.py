"""What a case's curves decide: by its estimand, if they have values to compare and networks that have learnt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..statistics.estimands import ERROR, Compares, Decision, Outcome, Sample
from ..statistics.sequential import Level
from .claim import Case
from .curves import Measured
from .learnt import not_learnt, without_diverged


@dataclass(frozen=True)
class Decided:
    """A decision with the samples that it rests on and what a reader has to know of it."""

    decision: Decision
    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """What the samples say of the claim."""
        return self.decision.outcome


def decide(case: Case, curves: Sequence[Measured], rule: Level, papers: bool, doubts: str = "") -> Decided:
    """Decide a case on its curves, in their order. ``papers``: they are of the paper's own scale.

    Networks that have not learnt decide nothing, nor do values that are in doubt, as ``doubts`` says. Of a sentence
    for which one task is enough, those that have not learnt are left out, and what then does not hold is not learnt.
    """
    groups = _grouped(case, curves)
    unlearnt = {name: reason for name, group in groups.items() if (reason := not_learnt(group, papers))}
    kept = {name: group for name, group in groups.items() if name not in unlearnt} if case.holds_if.existential else {}
    compared, notes = {}, []
    for name, group in (kept or groups).items():
        compared[name], note = without_diverged(group)
        notes += [note] if note else []
    samples = tuple(replace(c.sample, group=name if len(groups) > 1 else "") for name, g in compared.items() for c in g)
    decision = _decision(case, [curve for group in compared.values() for curve in group], samples, rule)
    if np.isfinite(decision.estimate) and (hidden := case.holds_if.hides(*samples)):
        notes.append(hidden)
    if kept and unlearnt and decision.outcome is Outcome.HOLDS:
        notes.append(f"not learnt, and left out: {', '.join(unlearnt)}")
    elif unlearnt:
        reason = "; ".join(f"{name}: {reason}" if len(groups) > 1 else reason for name, reason in unlearnt.items())
        decision = replace(decision, outcome=Outcome.NOT_LEARNT, reason=reason, p=1.0)
    elif doubts and decision.outcome is not Outcome.UNDECIDED:
        decision = replace(decision, outcome=Outcome.UNDECIDED, reason=doubts, p=1.0)
    return Decided(decision, samples, tuple(dict.fromkeys(notes)))


def _grouped(case: Case, curves: Sequence[Measured]) -> dict[str, tuple[Measured, ...]]:
    """The curves by the group that the case has them in, under the group's name."""
    found, rest = {}, list(curves)
    several = len({group[0].task for group in case.groups}) < len(case.groups)
    for group in case.groups:
        name = f"{group[0].task}, {group[0].recipe.name}" if several else str(group[0].task)
        found[name], rest = tuple(rest[: len(group)]), rest[len(group) :]
    return found


def _decision(case: Case, curves: Sequence[Measured], samples: Sequence[Sample], rule: Level) -> Decision:
    """What the estimand says; undecided, without an estimate, where there is nothing to compare."""
    lacking, estimand = _lacking(curves), case.holds_if
    if not lacking and any(len(s.batch_sizes) < 2 for s in samples) and estimand.compares is not Compares.RECIPES:
        lacking = f"one batch size ({samples[0].batch_sizes[0]}) shows no trend"
    if not lacking:
        return rule.decide(estimand, *samples)
    nan, asked = float("nan"), f"a margin of {' and '.join(map(str, estimand.margins))}"
    none = (nan, nan, nan, 1 - 2 * ERROR, samples[0].unit, "no estimate")
    return Decision(Outcome.UNDECIDED, *none, asked, lacking)


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
