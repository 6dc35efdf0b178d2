"""What of the paper's scale is still to be trained and measured, and what it would cost."""

import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Final

from planned import every_case

from repro.experiment.datasets import DATASETS
from repro.experiment.readings import BY_DEFAULT
from repro.experiment.regimes import PAPER
from repro.experiment.tasks import TASKS, Task
from repro.runs.conditions import Conditions
from repro.runs.costs import Costs
from repro.runs.store import Store
from repro.science.data.sources import Source
from repro.verdicts.plan import Plan, make_plan

DAY: Final = 86400.0
SOURCES: Final = {name: Source(name, "published", Path()) for name in DATASETS}


def rows(published: Collection[str], device: str) -> list[list[str]]:
    """For each task its runs at the paper's five seeds, how many are published, and the days that the rest takes.

    ``published``: keys of runs that are measured; ``device``: on which each task's are. The days are of one core, by
    the plan's built-in rates.
    """
    conditions = Conditions(PAPER, SOURCES, device, readings=BY_DEFAULT)
    found = []
    for task in TASKS.values():
        plan = _plan(task, conditions)
        done = sum(run.key in published for run in plan.runs)
        rest = sum(seconds for job, seconds in plan.missing.items() if job.run.whole.key not in published)
        found.append([str(task), str(len(plan.runs)), str(done), f"{rest / DAY:.1f}"])
    return found


def _plan(task: Task, conditions: Conditions) -> Plan:
    cases = [case for case in every_case() if case.tasks == (task,)]
    with tempfile.TemporaryDirectory() as empty:
        return make_plan(cases, conditions, Store(Path(empty)), Costs())
