"""Estimands of sentences that speak of several measures at once, and of sentences that cannot be decided here."""

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.stats import rankdata

from .estimands import LEVEL, Compares, Decision, Outcome, Sample, decided
from .intervals import Interval, t_interval
from .units import CORRELATION, SHARE, Array, Margin

if TYPE_CHECKING:
    from .estimands import Estimand


@dataclass(frozen=True)
class Jointly:
    """Every part holds, part i on curve i.

    Holds if all do: an intersection of tests, each at its own level, needs no correction. Fails if one fails. The
    estimate shown is that of the part that decided, or of the first that could not.
    """

    compares: ClassVar = Compares.BATCH_SIZES

    parts: "tuple[Estimand, ...]"

    @property
    def margin(self) -> Margin:
        """The first part's margin; the others are shown with their own decisions."""
        return self.parts[0].margin

    def decide(self, *samples: Sample) -> Decision:
        """Decide from one curve for each part."""
        decisions = [part.decide(sample) for part, sample in zip(self.parts, samples, strict=True)]
        asked = "; and ".join(d.asked for d in decisions)
        for wanted in (Outcome.FAILS, Outcome.UNDECIDED):
            for decision in decisions:
                if decision.outcome is wanted:
                    return replace(decision, asked=asked)
        effects = "; ".join(f"{d.effect} {d.unit.difference(d.estimate)}" for d in decisions)
        return replace(decisions[0], asked=asked, effect=effects)


@dataclass(frozen=True)
class Exists:
    """Somewhere along some recipe a larger batch size is higher in both measures, beyond noise.

    Curves come in pairs: first measure, second measure, for each recipe. All pairs of batch sizes of all recipes are
    searched; "beyond noise" is an interval above the margins at a level corrected for that search (Bonferroni). Failing
    needs every pair to be bounded below a margin, so where nothing is found the answer is usually "undecided".
    """

    compares: ClassVar = Compares.BATCH_SIZES

    first: Margin
    second: Margin

    @property
    def margin(self) -> Margin:
        """The first measure's margin."""
        return self.first

    def decide(self, *samples: Sample) -> Decision:
        """Decide from an even number of curves."""
        recipes = list(zip(samples[::2], samples[1::2], strict=True))
        pairs = list(itertools.combinations(range(len(samples[0].batch_sizes)), 2))
        level = 1 - (1 - LEVEL) / (len(pairs) * len(recipes))
        found = [self._pair(a, b, i, j, level) for a, b in recipes for i, j in pairs]
        score, decision = max(found, key=lambda pair: pair[0])
        refuted = all(d.outcome is Outcome.FAILS for _, d in found)
        if score > 0:
            return replace(decision, outcome=Outcome.HOLDS)
        return replace(decision, outcome=Outcome.FAILS if refuted else Outcome.UNDECIDED)

    def _pair(self, a: Sample, b: Sample, i: int, j: int, level: float) -> tuple[float, Decision]:
        """How far both intervals of a pair of batch sizes lie above their margins, in units of the margins."""
        first = t_interval(a.values[:, j] - a.values[:, i], level)
        second = t_interval(b.values[:, j] - b.values[:, i], level)
        score = min((first.low - self.first.size) / self.first.size, (second.low - self.second.size) / self.second.size)
        refuted = first.high < self.first.size or second.high < self.second.size
        effect = (
            f"change from batch size {a.batch_sizes[i]} to {a.batch_sizes[j]} where both rise most clearly "
            f"(the other measure: {b.unit.difference(second.mean)} {b.unit.interval(second.low, second.high)})"
        )
        asked = f"rises of more than {self.first} and {self.second} between some pair of batch sizes"
        outcome = Outcome.FAILS if refuted else Outcome.UNDECIDED
        return score, decided(outcome, first, a.unit, effect, asked, level)


@dataclass(frozen=True)
class RanksDisagree:
    """Over all cells, the rank correlation of two measures stays away from -1: one does not explain the other.

    Curves come in pairs, as for ``Exists``. Holds if the interval of Spearman's coefficient over seeds (each over all
    recipes and batch sizes) lies above -``explains``; fails if below. Source: Spearman 1904.
    """

    compares: ClassVar = Compares.NEITHER

    explains: float

    @property
    def margin(self) -> Margin:
        """The strength of correlation that would count as explaining."""
        return Margin(self.explains, CORRELATION)

    def decide(self, *samples: Sample) -> Decision:
        """Decide from an even number of curves."""
        first = np.concatenate([sample.values for sample in samples[::2]], axis=1)
        second = np.concatenate([sample.values for sample in samples[1::2]], axis=1)
        found = np.array([_spearman(a, b) for a, b in zip(first, second, strict=True)])
        interval = t_interval(found, LEVEL)
        bounded = Interval(interval.mean, max(-1.0, interval.low), min(1.0, interval.high))
        bounded = interval if math.isinf(interval.low) else bounded
        outcome = Outcome.UNDECIDED
        if bounded.low > -self.explains:
            outcome = Outcome.HOLDS
        elif bounded.high < -self.explains:
            outcome = Outcome.FAILS
        effect = f"rank correlation over {first.shape[1]} cells"
        return decided(outcome, bounded, CORRELATION, effect, f"above -{self.explains:g}")


def _spearman(a: Array, b: Array) -> float:
    """Pearson's correlation of ranks; 0 where one measure does not vary."""
    ranks = [rankdata(values) for values in (a, b)]
    if any(np.ptp(r) == 0 for r in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


@dataclass(frozen=True)
class Awaiting:
    """A claim that needs something which is not at hand; undecided, with the reason, whatever is measured."""

    compares: ClassVar = Compares.NEITHER

    reason: str

    @property
    def margin(self) -> Margin:
        """None that could be declared."""
        return Margin(0.0, SHARE)

    def decide(self, *samples: Sample) -> Decision:
        """Decide nothing."""
        nan, unit = math.nan, samples[0].unit
        return Decision(Outcome.UNDECIDED, nan, nan, nan, LEVEL, unit, "no estimate", "a comparison", self.reason)
