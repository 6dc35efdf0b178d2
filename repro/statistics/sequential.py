"""Seeds: how many more would probably bring a decision, and how to go on until there is one without cheating.

Deciding anew after every further seed and stopping at the first decision would be wrong far more often than in 5% of
all worlds. ``UntilDecided`` fixes beforehand at how many seeds it looks, and spends the error on the looks.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from .estimands import ERROR, Decision, Estimand, Outcome, Sample
from .hypotheses import Evidence

PROBABLY: Final = 0.8
CAP: Final = 50


def further_seeds(
    estimand: Estimand, *samples: Sample, power: float = PROBABLY, cap: int = CAP, alpha: float = ERROR
) -> int | None:
    """The fewest further seeds with which a decision either way has a probability of ``power``, or None.

    The means and spreads that are observed are taken for the truth. The probability is exact for Student's t
    (noncentral t), binomial for medians, and a lower bound for several tests at once. None: ``cap`` seeds in all would
    not do, as where the estimate lies within noise of the margin; or a single seed tells nothing of the spread.
    Source: Cohen 1988.
    """
    question = estimand.question(*samples)
    seeds = len(samples[0].values)
    sides: list[Evidence] = [question.fails] if question.floored else [question.holds, question.fails]
    counts = np.arange(seeds + 1.0, cap + 1)
    enough = counts[np.sum([side.power(counts, alpha) for side in sides], axis=0) >= power]
    return int(enough[0]) - seeds if len(enough) else None


@dataclass(frozen=True)
class UntilDecided:
    """A rule that looks at fixed numbers of seeds and stops at the first decision: still wrong in at most ``alpha``.

    The error is spent on the looks in proportion to their numbers of seeds, and adds up to ``alpha``: a union bound,
    which holds however the looks depend, with any estimand, and whether or not one stops where one might. In
    proportion, since at few seeds a small error asks for t quantiles that little reaches (7.0 at 1% and 3 seeds, 2.8
    at 10), so that most of what is spent there is wasted. Source: Lan and DeMets 1983, with Bonferroni's bound in place
    of the joint distribution.
    """

    looks: tuple[int, ...]
    alpha: float = ERROR

    def __post_init__(self) -> None:
        if not self.looks or list(self.looks) != sorted(set(self.looks)) or self.looks[0] < 1:
            raise ValueError(f"looks {self.looks}: numbers of seeds, at least 1 and ascending")

    @property
    def levels(self) -> tuple[float, ...]:
        """The error that each look may spend.

        >>> [round(level, 3) for level in UntilDecided((2, 3, 5)).levels]
        [0.01, 0.015, 0.025]
        """
        return tuple(self.alpha * look / sum(self.looks) for look in self.looks)

    def decide(self, estimand: Estimand, *samples: Sample) -> Decision:
        """The decision at the first look that brings one, among those there are seeds for; else that of the last.

        Its ``p`` is the smallest error level at which the rule would have said "holds" by then. ValueError: fewer seeds
        than the first look needs.
        """
        seeds = len(samples[0].values)
        reached = [(look, level) for look, level in zip(self.looks, self.levels, strict=True) if look <= seeds]
        if not reached:
            raise ValueError(f"{seeds} seeds: the first look is at {self.looks[0]}")
        p = 1.0
        for look, level in reached:
            decision = estimand.decide(*(_first(sample, look) for sample in samples), alpha=level)
            p = min(p, decision.p * self.alpha / level)
            if decision.outcome is not Outcome.UNDECIDED:
                break
        return replace(decision, p=p)


def _first(sample: Sample, seeds: int) -> Sample:
    return replace(sample, values=sample.values[:seeds])
