"""The order of a session that may be cut short: what is begun is finished, and verdicts come one after the other.

A run, its states at equal training amount, its further readings and its check by transfer stand together, so that they
are made before the next run is begun. Runs stand in the order of the claims that need them: those on the paper's two
central lines, LR and LR/BS without momentum, before all others, and the cheapest first. That takes longer in all than
beginning with the slowest runs, which leaves nothing for the end; so it is the order of sessions with a limit alone.
"""

from collections import defaultdict
from typing import Final

from ..experiment.recipes import LR, LR_BS
from ..runs.conditions import Conditions
from ..runs.run import Job, Run
from .claim import Case
from .plan import Plan

CENTRAL: Final = frozenset({LR(), LR_BS()})
KINDS: Final = ("train", "measure", "transfer")


def finishing(plan: Plan, conditions: Conditions) -> tuple[Job, ...]:
    """The plan's jobs in that order."""
    of_run = defaultdict[Run, list[Job]](list)
    for job in plan.jobs:
        of_run[job.run.whole].append(job)
    needed = {case: tuple(dict.fromkeys(job.run.whole for job in case.jobs(conditions))) for case in plan.cases}

    def rank(case: Case) -> tuple[bool, float]:
        lacking = sum(plan.lacking.get(run, 0.0) for run in needed[case])
        return not all(curve.recipe in CENTRAL for curve in case.curves), lacking

    runs = dict.fromkeys(run for case in sorted(plan.cases, key=rank) for run in sorted(needed[case], key=_together))
    return tuple(job for run in runs for job in sorted(of_run[run], key=_within))


def _together(run: Run) -> tuple[str, str, int, int]:
    """What transfer takes two seeds of stands side by side."""
    return str(run.task), str(run.sgd), run.batch_size, run.seed


def _within(job: Job) -> tuple[bool, bool, int, str]:
    """A run before its states on the way, which training it leaves; transfer last."""
    return job.kind == "transfer", job.run is not job.run.whole, KINDS.index(job.kind), job.run.key
