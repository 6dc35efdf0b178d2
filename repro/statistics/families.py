"""Many claims at once: which verdicts survive for all of them together, and how many are wrong by chance.

Each verdict is right on its own with an error of 5%. A reader of a whole report asks another question: among so many,
which would still stand if not a single one is to be wrong?
"""

from collections.abc import Sequence

from .estimands import ERROR, Outcome


def family(found: Sequence[tuple[float, Outcome]], alpha: float = ERROR) -> list[bool]:
    """Which of decisions, each made at ``alpha`` and given by its p and outcome, hold and survive for all together.

    They stay "holds" with a probability of at most ``alpha`` that any such is wrong. Those that could decide nothing
    count in the family too.
    """
    rejected = holm([p for p, _ in found], alpha)
    return [sure and outcome is Outcome.HOLDS for sure, (_, outcome) in zip(rejected, found, strict=True)]


def holm(ps: Sequence[float], alpha: float = ERROR) -> list[bool]:
    """Which of the hypotheses behind p-values are rejected with a family-wise error of at most ``alpha``.

    It steps down: the smallest p-value is compared with alpha / m, the next with alpha / (m - 1), until one is too
    large. It is valid however the p-values depend, as those of claims that share runs do. Source: Holm 1979.

    >>> holm([0.03, 0.01, 0.2])  # 0.01 is below 0.05 / 3, 0.03 above 0.05 / 2
    [False, True, False]
    """
    rejected = [False] * len(ps)
    for rank, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        if ps[i] > alpha / (len(ps) - rank):
            break
        rejected[i] = True
    return rejected


def wrong_by_chance(decisions: int, alpha: float = ERROR) -> float:
    """The expected number of wrong verdicts among so many decisions made at ``alpha``: at most this, whatever is true.

    A sentence that is true can only be decided wrongly by "fails", one that is not by "holds", each with a probability
    of at most ``alpha``; expectations add up however the decisions depend.
    """
    return alpha * decisions
