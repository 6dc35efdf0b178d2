"""The order of a session: what is begun is finished, and verdicts come one after the other.

A run, its states at equal training amount, its further readings and its check by transfer stand together, so that they
are made before the next run is begun. Runs stand in the order of the claims that need them: those on the paper's two
central lines, LR and LR/BS without momentum, before all others, and the cheapest first. A run that would be the last
to end if it waited longer is begun at once, so that no process stands idle at the end.

Played through with the built-in rates on 2 to 8 processes this takes longer than beginning with the slowest runs by at
most 4% in the reduced regimes and 1% in the paper's; on 64, for which reduced regimes have few runs, by 13 and 2%. In
return most claims have their runs after a third of the time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ..experiment.recipes import LR, LR_BS
from ..runs.conditions import Conditions
from ..runs.costs import Costs, by_run
from ..runs.run import Job, Run
from .claim import Case
from .plan import Plan

CENTRAL: Final = frozenset({LR(), LR_BS()})
KINDS: Final = ("train", "measure", "transfer")


def in_turn(cases: Iterable[Case], conditions: Conditions) -> list[Case]:
    """Cases in the order in which they are decided: those on central lines first, then by what their runs cost.

    By the built-in rates, whatever is stored: every process of a session has to come to the same order.
    """
    needed = {case: case.jobs(conditions) for case in cases}
    seconds = by_run(Costs().of(dict.fromkeys(job for jobs in needed.values() for job in jobs)))

    def rank(case: Case) -> tuple[bool, float]:
        central = all(curve.recipe in CENTRAL for curve in case.curves)
        return not central, sum(seconds[run] for run in {job.run.whole: None for job in needed[case]})

    return sorted(needed, key=rank)


def finishing(plan: Plan, conditions: Conditions, processes: int) -> tuple[Job, ...]:
    """The plan's jobs in the order in which so many processes begin them."""
    of_run = defaultdict[Run, list[Job]](list)
    for job in plan.jobs:
        of_run[job.run.whole].append(job)
    runs = dict.fromkeys(
        run
        for case in in_turn(plan.cases, conditions)
        for run in sorted({job.run.whole: None for job in case.jobs(conditions)}, key=_together)
        if run in of_run
    )
    begun = _none_too_late(runs, plan.lacking, processes)
    return tuple(job for run in begun for job in sorted(of_run[run], key=_within))


def _none_too_late(runs: Iterable[Run], seconds: Mapping[Run, float], processes: int) -> Iterator[Run]:
    """Runs in their order, but for one that takes as long as all processes need for what is left: that one is next."""
    left = {run: seconds.get(run, 0.0) for run in runs}
    fastest, rest = sorted(left, key=lambda run: left[run]), sum(left.values())
    for run in [*left]:
        while fastest and (fastest[-1] not in left or left[fastest[-1]] * processes >= rest):
            slowest = fastest.pop()
            if slowest in left:
                rest -= left.pop(slowest)
                yield slowest
        if run in left:
            rest -= left.pop(run)
            yield run


def _together(run: Run) -> tuple[str, str, int, int]:
    """What transfer takes two seeds of stands side by side."""
    return str(run.task), str(run.sgd), run.batch_size, run.seed


def _within(job: Job) -> tuple[bool, bool, int, str]:
    """A run before its states on the way, which training it leaves; transfer last."""
    return job.kind == "transfer", job.run is not job.run.whole, KINDS.index(job.kind), job.run.key
