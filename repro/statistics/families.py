"""Many claims at once: which verdicts survive for all of them together, and how many are wrong by chance.

Each verdict is right on its own with an error of 5%. A reader of a whole report asks another question: among so many,
which would still stand if not a single one is to be wrong?
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .estimands import ERROR, Decision, Outcome


@dataclass(frozen=True)
class Family:
    """The verdicts of a session taken together.

    ``survives[i]``: whether decision i is "holds" and stays so with a probability of at most ``alpha`` that any such is
    wrong. ``wrong_by_chance``: at most so many decided verdicts are wrong in expectation, each at its own level.
    """

    survives: tuple[bool, ...]
    wrong_by_chance: float


def family(decisions: Sequence[Decision], alpha: float = ERROR) -> Family:
    """Take decisions, each made at ``alpha``, together; those that could decide nothing count in the family too."""
    rejected = holm([decision.p for decision in decisions], alpha)
    holds = [decision.outcome is Outcome.HOLDS for decision in decisions]
    return Family(
        tuple(survives and held for survives, held in zip(rejected, holds, strict=True)),
        wrong_by_chance(decisions, alpha),
    )


def holm(ps: Sequence[float], alpha: float = ERROR) -> list[bool]:
    """Which of the hypotheses behind p-values are rejected with a family-wise error of at most ``alpha``.

    Step-down: the smallest p-value is compared with alpha / m, the next with alpha / (m - 1), until one is too large.
    Valid however the p-values depend, as those of claims that share runs do. Source: Holm 1979.
    """
    rejected = [False] * len(ps)
    for rank, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        if ps[i] > alpha / (len(ps) - rank):
            break
        rejected[i] = True
    return rejected


def wrong_by_chance(decisions: Sequence[Decision], alpha: float = ERROR) -> float:
    """The expected number of wrong verdicts among decisions made at ``alpha``: at most this, whatever is true.

    A sentence that is true can only be decided wrongly by "fails", one that is not by "holds", each with a probability
    of at most ``alpha``; expectations add up however the decisions depend.
    """
    return alpha * len(decisions)
