"""How long a plan takes on many workers, beside the least that any division of it could take. Free of torch."""

from collections.abc import Iterable
from typing import Final

from ..runs.costs import makespan
from ..words import span
from .plan import Plan

WORKERS: Final = (8, 64, 256)


def on_workers(plan: Plan, counts: Iterable[int] = WORKERS) -> list[str]:
    """A line for each number of workers: what the plan's missing runs take on them, and the lower bound.

    No division does better than all workers busy to the end, or than the longest run with its checkpoints.
    """
    longest = max(plan.lacking.values(), default=0.0)
    lines = []
    for count in counts:
        bound, why = max((plan.seconds / count, "all busy to the end"), (longest, "the longest run"))
        taken = max(bound, makespan(plan.missing, count))
        lines.append(f"{count} workers: about {span(taken)}; at least {span(bound)} ({why})")
    return lines
