"""Looks: at which error each of several looks at growing numbers of seeds decides, so that they cheat no one together.

Deciding anew after every further seed and stopping at the first decision would be wrong far more often than in 5% of
all worlds. Looks that are planned together share the error. A look that nobody had planned, at seeds that were added
since the last one left a claim undecided, decides at a fifth of the level of that one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from .estimands import ERROR, Decision, Estimand, Outcome, Sample

REST: Final = 0.2  # of the level of the last look, for those that come after it and were not planned

LOOKED_FURTHER: Final = "more seeds were looked at before, and fewer decide nothing"


def levels(looks: Sequence[int], alpha: float = ERROR) -> tuple[float, ...]:
    """The error that each of several looks, given by their numbers of seeds, may spend; they add up to ``alpha``.

    In proportion to the squares of the seeds. At few seeds a small error asks for t quantiles that little reaches (7.0
    at 1% and 3 seeds, 2.8 at 10), so that most of what is spent there is wasted. A union bound: it holds however the
    looks depend, with any estimand, and whether or not one stops where one might. Source: Lan and DeMets 1983, with
    Bonferroni's bound in place of the joint distribution.

    >>> [round(level, 4) for level in levels((2, 3, 5))]
    [0.0053, 0.0118, 0.0329]
    """
    return tuple(alpha * look**2 / sum(other**2 for other in looks) for look in looks)


def next_level(last: float | None, decided: bool = False) -> float:
    """The error that the looks after one at the level ``last`` (None: there was none) may spend.

    The first has all 5%, for it cannot know of others. After a look that left the claim undecided a fifth of its level
    is there: all that anyone ever looks at is then wrong in at most 5% and a quarter of that. After one that decided it
    is that level again, at no cost: a look that checks a decision can take it back, and hardly ever turns it round.
    """
    if last is None:
        return ERROR
    return last if decided else REST * last


@dataclass(frozen=True)
class Level:
    """A decision at a level of error."""

    error: float = ERROR

    def decide(self, estimand: Estimand, *samples: Sample) -> Decision:
        """What the samples decide. Its ``p`` is stretched so that it is at most 5% exactly where they say "holds".

        At an error of 0 they decide nothing, whatever they are.
        """
        if not self.error:
            return replace(estimand.decide(*samples), outcome=Outcome.UNDECIDED, reason=LOOKED_FURTHER, p=1.0)
        decision = estimand.decide(*samples, alpha=self.error)
        return replace(decision, p=min(1.0, decision.p * ERROR / self.error))
