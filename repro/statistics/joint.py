"""Estimands of sentences that speak of several measures at once."""

import itertools
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from .estimands import ERROR, Compares, Decision, Estimand, Outcome, Question, Sample, Side
from .hypotheses import AllOf, AnyOf, Effect, Mean, Weakest
from .reasons import Reason, lacking
from .units import Array, Margin, Unit


@dataclass(frozen=True)
class Jointly(Estimand):
    """Every part holds, part i on curve i.

    Holds if all do: an intersection of tests, each at its own level, needs no correction (Berger and Hsu 1996). Fails
    if one fails, at an error shared between the parts (Bonferroni). The estimate shown is that of the part that
    decided, or of the one least shown.
    """

    compares = Compares.BATCH_SIZES

    parts: tuple[Estimand, ...]

    @property
    def margins(self) -> tuple[Margin, ...]:
        """The margins of all its parts."""
        return tuple(margin for part in self.parts for margin in part.margins)

    def wants(self, curves: int) -> str:
        return "" if curves == len(self.parts) else f"{len(self.parts)} curves, one for each part"

    def where(self, unit: Unit) -> tuple[Side, Margin] | None:
        """Where the effect of the part on this scale has to lie."""
        return next((found for part in self.parts if (found := part.where(unit))), None)

    def rests_on(self, batch_sizes: tuple[int, ...]) -> tuple[int, ...]:
        """What any of its parts rests on."""
        kept = {size for part in self.parts for size in part.rests_on(batch_sizes)}
        return tuple(size for size in batch_sizes if size in kept)

    def asks(self, *samples: Sample) -> Question:
        """What is asked of one curve for each part, as far as that has room; the others have theirs without it."""
        questions = [part.asks(sample) for part, sample in zip(self.parts, samples, strict=True)]
        holds, fails = AllOf(tuple(q.holds for q in questions)), AnyOf(tuple(map(Failing, questions)))
        cannot_hold = reduce(np.logical_or, [q.cannot_hold for q in questions])
        cannot_fail = reduce(np.logical_and, [q.cannot_fail for q in questions])
        limited = [q.no_room for q in questions if q.limited]
        no_room = Reason("; ".join(limited), next(filter(None, map(lacking, limited)), None))
        return Question(holds, fails, "; and ".join(q.asked for q in questions), cannot_hold, cannot_fail, no_room)

    def question(self, *samples: Sample) -> Question:
        """The same: what room there is its parts know."""
        return self.asks(*samples)

    def decide(self, *samples: Sample, alpha: float = ERROR) -> Decision:
        """Decide from one curve for each part; what holds is shown with all its parts."""
        decision = super().decide(*samples, alpha=alpha)
        if decision.outcome is not Outcome.HOLDS:
            return decision
        parts = [part.decide(sample, alpha=alpha) for part, sample in zip(self.parts, samples, strict=True)]
        effects = "; ".join(f"{d.effect} {d.unit.difference(d.estimate)}" for d in parts)
        return replace(parts[0], asked=decision.asked, effect=effects, p=decision.p)


@dataclass(frozen=True)
class Failing:
    """The evidence that a part fails, where it can."""

    part: Question

    def p(self) -> Array:
        """The smallest error level at which it does."""
        return self.part.against()

    def weakest(self) -> Weakest:
        """The test that decides it."""
        return self.part.fails.weakest()


@dataclass(frozen=True)
class Exists(Estimand):
    """Somewhere along some recipe a larger batch size is higher in both measures, beyond noise.

    Curves come in pairs: first measure, second measure, for each recipe (and task). All pairs of batch sizes of all of
    these are searched; holds if at one of them the rises of both measures, paired by seed, are shown to exceed their
    margins, at an error shared between all that was searched (Bonferroni). Fails if every pair is shown to fall short
    in one measure or the other: at half the error each, for the two measures, and without further correction, since a
    true pair would have to be missed for it. Where nothing is found the answer is usually "undecided".
    """

    side = Side.ABOVE
    compares = Compares.BATCH_SIZES
    existential = True
    part_holds = True

    takes = "an even number of curves"

    first: Margin
    second: Margin

    def question(self, *samples: Sample) -> Question:
        """What is asked of an even number of curves."""
        found = self._pairs(samples)
        asked = f"rises of more than {self.first} and {self.second} between some pair of batch sizes"
        rises = [(Mean(a, 1, self.first.size), Mean(b, 1, self.second.size)) for a, b in found]
        short = [(Mean(a, -1, -self.first.size), Mean(b, -1, -self.second.size)) for a, b in found]
        return Question(AnyOf(tuple(AllOf(pair) for pair in rises)), AllOf(tuple(AnyOf(pair) for pair in short)), asked)

    def decide(self, *samples: Sample, alpha: float = ERROR) -> Decision:
        """Decide from an even number of curves; the pair of batch sizes that is nearest to holding is shown."""
        decision = super().decide(*samples, alpha=alpha)
        pairs = self._pairs(samples)
        rises = [AllOf((Mean(a, 1, self.first.size), Mean(b, 1, self.second.size))) for a, b in pairs]
        first, second = (Mean(e, 1, 0.0) for e in pairs[int(np.argmin([float(rise.p()) for rise in rises]))])
        if decision.outcome is Outcome.FAILS and self._second_falls_short(first.effect, second.effect):
            first, second = second, first
        one_side = alpha / (2 if decision.outcome is Outcome.FAILS else len(pairs))
        shown, other = first.interval(one_side), second.interval(one_side)
        unit = second.effect.unit
        text = f"{unit.difference(other.centre)} {unit.interval(other.low, other.high)}"
        where = "rise most clearly" if decision.outcome is Outcome.HOLDS else "come nearest to rising"
        effect = f"{first.effect.name} where both {where} (the other measure: {text})"
        return replace(
            decision,
            effect=effect,
            unit=first.effect.unit,
            estimate=shown.centre,
            low=shown.low,
            high=shown.high,
            level=1 - 2 * one_side,
        )

    def _second_falls_short(self, first: Effect, second: Effect) -> bool:
        """Whether it is the second measure's change that fails, rather than the first's."""
        short = Mean(first, -1, -self.first.size), Mean(second, -1, -self.second.size)
        return float(short[1].p()) < float(short[0].p())

    def _pairs(self, samples: tuple[Sample, ...]) -> list[tuple[Effect, Effect]]:
        """The changes of both measures between two batch sizes of a recipe, for all of them."""
        return [
            (_change(a, i, j), _change(b, i, j))
            for a, b in zip(samples[::2], samples[1::2], strict=True)
            for i, j in itertools.combinations(range(len(a.batch_sizes)), 2)
        ]


def _change(sample: Sample, i: int, j: int) -> Effect:
    where = f" on {sample.group}" if sample.group else ""
    name = f"change from batch size {sample.batch_sizes[i]} to {sample.batch_sizes[j]}{where}"
    return Effect(sample.values[..., j] - sample.values[..., i], sample.unit, name, sample.step)
