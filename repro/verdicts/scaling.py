"""How long a plan takes on many workers, beside the least that any division of it could take. Free of torch."""

from collections.abc import Iterable
from typing import Final

from ..runs.costs import played
from ..runs.run import Job, Run
from ..words import span
from .plan import Plan

WORKERS: Final = (8, 64, 256)


def on_workers(plan: Plan, counts: Iterable[int] = WORKERS) -> list[str]:
    """A line for each number of workers: what the plan's missing runs take on them, and the lower bound.

    A worker of a cluster makes a run with its checkpoints and readings in one piece; what takes two networks is a piece
    of its own. No division does better than all workers busy to the end, or than the longest run.
    """
    pieces: dict[Run | Job, float] = {}
    for job, seconds in plan.missing.items():
        piece = job if job.kind == "transfer" else job.run.whole
        pieces[piece] = pieces.get(piece, 0.0) + seconds
    longest = max(plan.lacking.values(), default=0.0)
    lines = []
    for count in counts:
        bound, why = max((plan.seconds / count, "all busy to the end"), (longest, "the longest run"))
        taken = max(bound, played(sorted(pieces.values(), reverse=True), count))
        lines.append(f"{count} workers: about {span(taken)}; at least {span(bound)} ({why})")
    return lines
