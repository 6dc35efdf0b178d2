"""The plan of a session: which runs its claims need, which are stored, and what the rest will cost. Free of torch."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Final

from ..experiment.devices import CPU, CUDA, DEVICES
from ..experiment.recipes import Recipe
from ..experiment.tasks import ALL_TASKS, TASKS, Task
from ..runs.conditions import Conditions
from ..runs.costs import Costs, by_run, makespan
from ..runs.rates import FIGURE, START, VERDICT
from ..runs.run import Job, Run
from ..runs.store import Store
from ..words import counted, listed, span
from .claim import Case
from .curves import Curve
from .figures import MOMENTA_OF_LR, MOMENTA_OF_RATIO, SETTINGS

ALONE: Final = {CPU: "one core of a CPU", CUDA: "one GPU"}


@dataclass(frozen=True)
class Plan:
    """The runs of a session, slowest first, and what is known of them before it starts.

    ``missing``: what is not stored, with its seconds on one process; ``trained``: the runs and checkpoints whose
    weights are stored.
    """

    cases: tuple[Case, ...]
    curves: tuple[Curve, ...]
    jobs: tuple[Job, ...]
    missing: Mapping[Job, float] = field(hash=False)
    trained: frozenset[Run]

    @property
    def seconds(self) -> float:
        """The estimated cost of what is missing, on one process."""
        return sum(self.missing.values())

    @property
    def figures(self) -> list[int]:
        """The numbers of the figures that its claims speak of."""
        return sorted({number for case in self.cases for number in case.figures})

    @property
    def runs(self) -> list[Run]:
        """Its runs, each once, however many readings and checkpoints are wanted of it."""
        return list(dict.fromkeys(job.run.whole for job in self.jobs))

    @property
    def checkpoints(self) -> list[Run]:
        """The earlier states of its runs that are measured too."""
        return list(dict.fromkeys(job.run for job in self.jobs if job.run.on_the_way))

    @property
    def compressed(self) -> list[Run]:
        """Shorter trainings of its runs, whose schedules of learning rates are compressed."""
        return list(dict.fromkeys(job.run for job in self.jobs if job.run.compressed))

    @cached_property
    def lacking(self) -> dict[Run, float]:
        """Its runs that are not trained, or lack a reading or a checkpoint, each with the seconds of what it lacks."""
        return by_run(self.missing)

    def counts(self, runs: Collection[Run]) -> tuple[int, int]:
        """How many of its runs are trained, and how many measured in every way that is wanted."""
        return sum(run in self.trained for run in runs), sum(run not in self.lacking for run in runs)

    def summary(self) -> str:
        """One line: runs, how many are trained and measured, the cost of the rest on one process."""
        trained, measured = self.counts(self.runs)
        needed = [counted(len(self.runs), "run")]
        needed += [f"{counted(len(self.checkpoints), 'checkpoint')} of them"] if self.checkpoints else []
        needed += [counted(len(self.compressed), "shorter training")] if self.compressed else []
        line = (
            f"{counted(len(self.cases), 'claim test')} on {counted(len(self.curves), 'curve')} "
            f"{'needs' if len(self.cases) == 1 else 'need'} {listed(needed)}, "
            f"{trained:,} trained, {measured:,} measured"
        )
        if not self.missing:
            return line
        found = {device: [s for job, s in self.missing.items() if job.run.device == device] for device in DEVICES}
        told = [f"{span(sum(seconds))} on {ALONE[device]}" for device, seconds in found.items() if seconds]
        return f"{line}; the rest takes about {listed(told)}"

    def prediction(self, processes: int) -> str:
        """One line: how long the session will take from start to figures, and what it cannot fall below."""
        beside = START + (len(self.cases) * VERDICT + len(self.figures) * FIGURE) / processes
        whole, one = makespan(self.missing, processes), max(self.lacking.values(), default=0.0)
        count = "1 process" if processes == 1 else f"{processes:,} processes"
        line = f"the session takes about {span(beside + whole)} on {count}"
        if processes > 1 and one >= self.seconds / processes:
            return f"{line}; its longest run takes {span(one)} of that, however many processes there are"
        return line


def make_plan(cases: Iterable[Case], conditions: Conditions, store: Store, costs: Costs | None = None) -> Plan:
    """Plan the runs of these cases: each run once, however many curves share it. A stored run costs its reading."""
    cases = tuple(cases)
    curves = tuple(dict.fromkeys(curve for case in cases for curve in case.curves))
    wanted = dict.fromkeys(job for case in cases for job in case.jobs(conditions))
    trained = frozenset(job.run for job in wanted if store.trained(job.run))
    jobs = (costs or Costs()).of(wanted, trained)
    missing = {job: seconds for job, seconds in jobs.items() if not store.has(*job)}
    return Plan(cases, curves, tuple(jobs), missing, trained)


@dataclass(frozen=True)
class Line:
    """A line of the paper's figures: a recipe on a task, with the runs that are its points, one each."""

    task: Task
    recipe: Recipe
    runs: tuple[Run, ...]


def lines(plan: Plan, conditions: Conditions) -> list[Line]:
    """The plan's lines: tasks in the order of ``TASKS``, recipes in that of the paper's sections."""
    found = {(curve.task, curve.recipe): curve for curve in plan.curves}
    tasks, recipes = list(TASKS.values()), (*SETTINGS, *MOMENTA_OF_LR, *MOMENTA_OF_RATIO)
    keys = sorted(found, key=lambda key: (tasks.index(key[0]), (*recipes, key[1]).index(key[1])))  # others stand last
    return [Line(*key, tuple(found[key].runs(conditions))) for key in keys]


def table(plan: Plan, conditions: Conditions) -> list[list[tuple[str, ...]]]:
    """For each task a row for each of its lines, and their sum if there are several; last, the sum of all tasks.

    A row has task, recipe, batch sizes, seeds, runs, how many are trained and measured, time of the rest. A sum
    counts a run once that is a point of several lines.
    """
    found = lines(plan, conditions)
    groups = []
    for task, group in groupby(found, key=lambda line: line.task):
        members, scale = list(group), conditions.regime.scale(task)
        grid = " ".join(map(str, scale.batch_sizes))
        rows = [_row(plan, [line], str(task), str(line.recipe), grid, str(scale.seeds)) for line in members]
        groups.append(rows + _sum(plan, members, str(task)))
    return [*groups, _sum(plan, found, ALL_TASKS)] if len(groups) > 1 else groups


def _sum(plan: Plan, members: Sequence[Line], name: str) -> list[tuple[str, ...]]:
    """The row below several lines; no row below a single one, which says it all."""
    return [_row(plan, members, name, counted(len(members), "line"), "", "")] if len(members) > 1 else []


def _row(plan: Plan, members: Sequence[Line], *heads: str) -> tuple[str, ...]:
    runs = {run for line in members for run in line.runs}
    seconds = sum(plan.lacking.get(run, 0.0) for run in runs)
    return (*heads, *map(str, (len(runs), *plan.counts(runs))), span(seconds))


def sharing(plan: Plan, conditions: Conditions) -> str:
    """How many points the plan's lines have, how many runs these are, and which recipes set the same training."""
    found = lines(plan, conditions)
    points = sum(len(line.runs) for line in found)
    distinct = len({run for line in found for run in line.runs})
    text = f"{counted(len(found), 'line')} with {counted(points, 'point')} are {counted(distinct, 'distinct run')}"
    if points == distinct:
        return f"{text}: no two lines share one."
    recipes, same = defaultdict[Run, list[str]](list), defaultdict[int, dict[str, None]](dict)
    for line in found:
        for run in line.runs:
            recipes[run].append(str(line.recipe))
    for run, names in recipes.items():
        if len(names) > 1:
            same[run.batch_size][" and ".join(names)] = None
    where = (f"At batch size {size} these are the same training: {'; '.join(sets)}." for size, sets in same.items())
    return f"{text}. {' '.join(where)}"
