"""What a case's curves decide: by its estimand, if they have values to compare and networks that have learnt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..statistics.estimands import ERROR, Compares, Decision, Estimand, Outcome, Sample
from ..statistics.reasons import Reason, lacking
from ..statistics.sequential import Level
from .claim import Case
from .curves import Measured
from .doubted import Doubts, agreed, in_words, with_gaps, without_doubted
from .learnt import at_sizes, not_learnt, without_diverged


@dataclass(frozen=True)
class Decided:
    """A decision with the samples that it rests on and what a reader has to know of it.

    ``sure``: the samples without the seeds that are in doubt, where some are and others are left; both have to come to
    the decision. ``withheld``: nothing is decided, on networks or eigenvalues as they are. ``open``: with other samples
    something might have been. ``compared``: the curves that it was decided on, or would have been.
    """

    decision: Decision
    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()
    withheld: bool = False
    open: bool = True
    sure: tuple[Sample, ...] = ()
    compared: tuple[Measured, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """What the samples say of the claim."""
        return self.decision.outcome

    @property
    def known(self) -> bool:
        """Whether there is an estimate, and it may decide."""
        return not self.withheld and bool(np.isfinite(self.decision.estimate))

    def again(self, estimand: Estimand, rule: Level) -> Decision:
        """What the same samples say of another estimand."""
        whole = rule.decide(estimand, *self.samples)
        return agreed(whole, rule.decide(estimand, *self.sure)) if self.sure else whole


Compared = Mapping[str, Sequence[Measured]]  # the curves that are compared with each other, by the name of their group


def decide(case: Case, curves: Sequence[Measured], rule: Level, papers: bool, doubts: Doubts | None = None) -> Decided:
    """Decide a case on its curves, in their order. ``papers``: they are of the paper's own scale.

    Networks that have not learnt decide nothing, nor do eigenvalues that are in doubt. Where one task is enough for the
    sentence, such tasks are left out; it can then hold, but not fail.
    """
    doubts = doubts or {}
    groups = _grouped(case, compared_at(curves, case.holds_if))
    without = {name: why for name, group in groups.items() if (why := _nothing_decided(case, group, papers, doubts))}
    kept = {name: group for name, group in groups.items() if name not in without} if case.holds_if.existential else {}
    whole = {name: without_diverged(group) for name, group in (kept or groups).items()}
    compared, notes = {name: left for name, (left, _) in whole.items()}, [note for _, note in whole.values() if note]
    found = _on(case, compared, rule)
    if not without.keys() & compared.keys():
        found = _surely(found, case, compared, rule, doubts)
    found = _of_a_part(found, case.holds_if, "; ".join(_lost(case.holds_if, groups, whole)))
    if np.isfinite(found.decision.estimate) and (hidden := case.holds_if.hides(*found.samples)):
        notes.append(hidden)
    if without and not (kept and found.outcome is Outcome.HOLDS):
        decision = _withheld(found.decision, without, len(groups))
        found = replace(found, decision=decision, withheld=True, open=bool(kept) and found.open)
        kept = groups
    else:
        notes += [f"left out: {name}, where {reason}" for name, (_, reason) in without.items()]
    on = tuple(curve for group in (kept or groups).values() for curve in group)
    return replace(found, notes=tuple(dict.fromkeys([*notes, *found.notes])), compared=on)


def compared_at(curves: Sequence[Measured], estimand: Estimand) -> tuple[Measured, ...]:
    """Curves at the batch sizes at which an estimand compares them: recipes at the largest alone."""
    if estimand.compares is not Compares.RECIPES:
        return tuple(curves)
    return tuple(at_sizes(curve, curve.batch_sizes[-1:]) for curve in curves)


def _lost(estimand: Estimand, groups: Compared, whole: Mapping[str, tuple[Sequence[Measured], str]]) -> list[str]:
    """What was left out of some groups and would have borne on what is decided, in words."""
    return [
        note
        for name, (left, note) in whole.items()
        if not set(estimand.rests_on(groups[name][0].batch_sizes)) <= set(left[0].batch_sizes)
    ]


def _of_a_part(found: Decided, estimand: Estimand, fewer: str) -> Decided:
    """What is decided of all batch sizes where some had to be left out: ``fewer`` says which, if any were."""
    if not fewer:
        return found
    enough = {Outcome.HOLDS: estimand.part_holds, Outcome.FAILS: estimand.part_fails}
    can = any(enough.values())
    if enough.get(found.outcome, False):
        return found
    if found.outcome is Outcome.UNDECIDED:
        return replace(found, withheld=not estimand.part_holds, open=can)
    says = f"it {'holds' if found.outcome is Outcome.HOLDS else 'fails'} {fewer}"
    decision = replace(found.decision, outcome=Outcome.UNDECIDED, reason=says, p=1.0)
    return replace(found, decision=decision, withheld=True, open=can)


def _on(case: Case, compared: Compared, rule: Level, *, gaps: bool = False) -> Decided:
    """What the case's estimand says of some curves. ``gaps``: values that they lack are unknown on purpose."""
    several = len(case.groups) > 1
    samples = tuple(replace(c.sample, group=name if several else "") for name, g in compared.items() for c in g)
    lacking = "" if gaps else _lacking([curve for group in compared.values() for curve in group])
    alone = (_alone(group, case.holds_if) for group in compared.values())
    return Decided(_decision(case, lacking or next(filter(None, alone), ""), samples, rule), samples)


def _surely(whole: Decided, case: Case, compared: Compared, rule: Level, doubts: Doubts) -> Decided:
    """What the curves come to with and without the seeds that are in doubt; the same where none is."""
    of_groups = [words for group in compared.values() if (words := in_words(group, doubts))]
    if not of_groups:
        return whole
    told, in_doubt = "; ".join(of_groups), lacking(of_groups[0])
    gaps = case.holds_if.bears_gaps
    apart = with_gaps if gaps else without_doubted
    rest = _on(case, {name: apart(group, doubts) for name, group in compared.items()}, rule, gaps=gaps)
    decision = agreed(whole.decision, rest.decision)
    if whole.outcome is rest.outcome:
        same = "it comes to the same whatever those are" if gaps else "the seeds without any come to the same"
        return replace(whole, decision=decision, sure=rest.samples, notes=(f"{told}; {same}",))
    other = "the verdict hangs on what those are" if gaps else "the seeds without any come to another verdict"
    reason = Reason(f"{told}, and {other}", in_doubt)
    return replace(whole, decision=replace(decision, reason=reason), sure=rest.samples)


def _nothing_decided(case: Case, group: Sequence[Measured], papers: bool, doubts: Doubts) -> tuple[Outcome, str] | None:
    """To what some curves come that decide nothing, whatever they show, and why; None for others."""
    if reason := not_learnt(group, papers):
        return Outcome.NOT_LEARNT, reason
    if not case.holds_if.bears_gaps and doubts and not without_doubted(group, doubts):
        return Outcome.UNDECIDED, in_words(group, doubts)
    if len(case.groups) > 1 and case.holds_if.existential:
        left, _ = without_diverged(group)
        if reason := _lacking(left) or _alone(left, case.holds_if):
            return Outcome.UNDECIDED, reason
    return None


def _withheld(decision: Decision, without: Mapping[str, tuple[Outcome, str]], groups: int) -> Decision:
    """A decision that is none, for some of the groups it would have to rest on decide nothing."""
    outcomes = {outcome for outcome, _ in without.values()}
    outcome = Outcome.NOT_LEARNT if Outcome.NOT_LEARNT in outcomes else Outcome.UNDECIDED
    told = "; ".join(f"{name}: {why}" if groups > 1 else why for name, (_, why) in without.items())
    lacks = next(filter(None, (lacking(why) for _, why in without.values())), None)
    return replace(decision, outcome=outcome, reason=Reason(told, lacks), p=1.0)


def _grouped(case: Case, curves: Sequence[Measured]) -> dict[str, tuple[Measured, ...]]:
    """The curves by the group that the case has them in, under the group's name."""
    found, rest = {}, list(curves)
    for name, group in zip(case.names, case.groups, strict=True):
        found[name], rest = tuple(rest[: len(group)]), rest[len(group) :]
    return found


def _decision(case: Case, lacking: str, samples: Sequence[Sample], rule: Level) -> Decision:
    """What the estimand says; undecided, without an estimate, where there is nothing to compare."""
    estimand = case.holds_if
    if not lacking:
        return rule.decide(estimand, *samples)
    nan, asked = float("nan"), f"a margin of {' and '.join(map(str, estimand.margins))}"
    none = (nan, nan, nan, 1 - 2 * ERROR, samples[0].unit, "no estimate")
    return Decision(Outcome.UNDECIDED, *none, asked, lacking)


def _lacking(curves: Sequence[Measured]) -> str:
    """Why curves' values cannot be used, if they cannot: a cell without a number says nothing of the trend."""
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


def _alone(group: Sequence[Measured], estimand: Estimand) -> str:
    """Why curves that are to be compared leave nothing to compare, if so: one batch size, or one set of runs."""
    sizes = group[0].batch_sizes
    if len(sizes) < 2 and estimand.compares is not Compares.RECIPES:
        return f"one batch size ({sizes[0]}) alone leaves nothing to compare"
    runs = {tuple(cell.run for row in curve.cells for cell in row) for curve in group}
    if len(group) > 1 and len(runs) == 1 and estimand.compares in (Compares.RECIPES, Compares.CURVES):
        return f"these are the same runs, at batch size {', '.join(map(str, sizes))}"
    return ""
