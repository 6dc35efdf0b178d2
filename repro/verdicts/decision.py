"""What a case's curves decide: by its estimand, if they have values to compare and networks that have learnt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from ..statistics.estimands import ERROR, Compares, Decision, Outcome, Sample
from ..statistics.sequential import Level
from .claim import Case
from .curves import Measured
from .learnt import not_learnt, without_diverged

OF_SIZES: Final = (Compares.BATCH_SIZES, Compares.RECIPES)  # what depends on which batch sizes are compared


@dataclass(frozen=True)
class Decided:
    """A decision with the samples that it rests on and what a reader has to know of it.

    ``withheld``: nothing could be decided, whatever the samples say, on networks or eigenvalues as they are.
    """

    decision: Decision
    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()
    withheld: bool = False

    @property
    def outcome(self) -> Outcome:
        """What the samples say of the claim."""
        return self.decision.outcome


def decide(
    case: Case, curves: Sequence[Measured], rule: Level, papers: bool, doubts: Mapping[str, str] | None = None
) -> Decided:
    """Decide a case on its curves, in their order. ``papers``: they are of the paper's own scale.

    Networks that have not learnt decide nothing, nor do eigenvalues that are in doubt: ``doubts`` says why, by the keys
    of their runs. Of a sentence for which one task is enough, such tasks are left out, and it cannot fail without them.
    """
    groups = _grouped(case, curves)
    without = {name: why for name, group in groups.items() if (why := _nothing_decided(group, papers, doubts or {}))}
    kept = {name: group for name, group in groups.items() if name not in without} if case.holds_if.existential else {}
    compared, notes = {}, []
    for name, group in (kept or groups).items():
        compared[name], note = without_diverged(group)
        notes += [note] if note else []
    fewer = "; ".join(notes) if case.holds_if.compares in OF_SIZES else ""
    samples = tuple(replace(c.sample, group=name if len(groups) > 1 else "") for name, g in compared.items() for c in g)
    decision = _decision(case, [curve for group in compared.values() for curve in group], samples, rule)
    if fewer and decision.outcome is Outcome.HOLDS and not case.holds_if.existential:
        decision = replace(decision, outcome=Outcome.UNDECIDED, reason=f"it holds {fewer}", p=1.0)
    if np.isfinite(decision.estimate) and (hidden := case.holds_if.hides(*samples)):
        notes.append(hidden)
    withheld = bool(without) and not (kept and decision.outcome is Outcome.HOLDS)
    if withheld:
        decision = _withheld(decision, without, len(groups))
    else:
        notes += [f"left out: {name}, where {reason}" for name, (_, reason) in without.items()]
    return Decided(decision, samples, tuple(dict.fromkeys(notes)), withheld)


def _nothing_decided(group: Sequence[Measured], papers: bool, doubts: Mapping[str, str]) -> tuple[Outcome, str] | None:
    """To what some curves come that decide nothing, whatever they show, and why; None for others."""
    if reason := not_learnt(group, papers):
        return Outcome.NOT_LEARNT, reason
    of_lambda1 = [curve for curve in group if curve.curve.measure.part == "curvature"]
    runs = {cell.run for curve in of_lambda1 for row in curve.cells for cell in row}
    found = [why for run, why in doubts.items() if run in runs]
    return (Outcome.UNDECIDED, f"{found[0]} in {len(found)} of {len(runs)} runs") if found else None


def _withheld(decision: Decision, without: Mapping[str, tuple[Outcome, str]], groups: int) -> Decision:
    """A decision that is none, for some of the groups it would have to rest on decide nothing."""
    outcomes = {outcome for outcome, _ in without.values()}
    outcome = Outcome.NOT_LEARNT if Outcome.NOT_LEARNT in outcomes else Outcome.UNDECIDED
    reason = "; ".join(f"{name}: {why}" if groups > 1 else why for name, (_, why) in without.items())
    return replace(decision, outcome=outcome, reason=reason, p=1.0)


def _grouped(case: Case, curves: Sequence[Measured]) -> dict[str, tuple[Measured, ...]]:
    """The curves by the group that the case has them in, under the group's name."""
    found, rest = {}, list(curves)
    for name, group in zip(case.names, case.groups, strict=True):
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
