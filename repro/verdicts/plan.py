"""The plan of a session: which runs its claims need, which are stored, and what the rest will cost. Free of torch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ..experiment.recipes import Recipe
from ..experiment.tasks import TASKS, Task
from ..runs.conditions import Conditions
from ..runs.costs import Job, by_cost, costs, span
from ..runs.rates import BUILT_IN, Rates
from ..runs.run import Run
from ..runs.schedule import Schedule, simulate, work_of
from ..runs.store import Store
from ..words import counted
from .claim import Case
from .curves import Curve
from .figures import MOMENTA_OF_LR, MOMENTA_OF_RATIO, SETTINGS


@dataclass(frozen=True)
class Plan:
    """The runs of a session, slowest first, and what is known of them before it starts.

    ``missing``: what is not stored, with its seconds on one process of the machine that ``rates`` are of.
    """

    cases: tuple[Case, ...]
    curves: tuple[Curve, ...]
    jobs: tuple[Job, ...]
    missing: Mapping[Job, float] = field(hash=False)
    rates: Rates = BUILT_IN

    @property
    def seconds(self) -> float:
        """The estimated cost of what is missing, on one process."""
        return sum(self.missing.values())

    def schedule(self, processes: int) -> Schedule:
        """What is missing, done by so many processes."""
        return simulate(work_of(self.missing, self.missing), processes)

    @property
    def figures(self) -> list[int]:
        """The numbers of the figures that its claims speak of."""
        return sorted({number for case in self.cases for number in case.figures})

    def around(self, processes: int) -> float:
        """Seconds of a session beside its runs: it starts, takes its verdicts, draws its figures."""
        shared = len(self.cases) * self.rates.verdict + len(self.figures) * self.rates.figure
        return self.rates.start + shared / processes

    @property
    def runs(self) -> list[Run]:
        """Its runs, each once, however many readings and checkpoints are wanted of it."""
        return list(dict.fromkeys(run.whole for run, _ in self.jobs))

    @property
    def checkpoints(self) -> list[Run]:
        """The earlier states of its runs that are measured too."""
        return list(dict.fromkeys(run for run, _ in self.jobs if run is not run.whole))

    @property
    def missing_runs(self) -> list[Run]:
        """Those that are not stored, or lack a reading or a checkpoint."""
        return list(dict.fromkeys(run.whole for run, _ in self.missing))

    @property
    def tasks(self) -> list[str]:
        """The tasks of its runs, in a fixed order."""
        return sorted({str(run.task) for run, _ in self.jobs})

    def summary(self) -> str:
        """One line: runs, what is stored, the cost of the rest on one process."""
        kept = f" and {counted(len(self.checkpoints), 'checkpoint')} of them" if self.checkpoints else ""
        line = (
            f"{counted(len(self.cases), 'claim test')} on {counted(len(self.curves), 'curve')} "
            f"{'needs' if len(self.cases) == 1 else 'need'} {counted(len(self.runs), 'run')}"
            f"{kept}, {len(self.runs) - len(self.missing_runs)} stored"
        )
        if not self.missing:
            return line
        return f"{line}; the other {len(self.missing_runs)} take about {span(self.seconds)} on {self._alone}"

    @property
    def _alone(self) -> str:
        return "one GPU" if self.rates.device == "cuda" else "one core of a CPU"

    def prediction(self, processes: int) -> str:
        """One line: how long the session will take from start to end, and what it cannot fall below."""
        found, around = self.schedule(processes), self.around(processes)
        line = f"the session takes about {span(around + found.makespan)} on {processes_in_words(processes)}"
        if processes > 1 and found.longest >= found.work / processes:
            return f"{line}; its longest run takes {span(found.longest)} of that, however many processes there are"
        return line


def processes_in_words(processes: int) -> str:
    """``1 process``, ``4 processes``."""
    return "1 process" if processes == 1 else f"{processes:,} processes"


def make_plan(cases: Iterable[Case], conditions: Conditions, store: Store, rates: Rates = BUILT_IN) -> Plan:
    """Plan the runs of these cases: each run once, however many curves share it. A stored run costs its reading."""
    cases = tuple(cases)
    curves = tuple(dict.fromkeys(curve for case in cases for curve in case.curves))
    wanted = dict.fromkeys(job for case in cases for job in case.jobs(conditions))
    seconds = costs(wanted, store.trained, rates)
    jobs = by_cost(seconds)
    missing = {job: seconds[job] for job in jobs if not store.has(*job)}
    return Plan(cases, curves, tuple(jobs), missing, rates)


Missing = Mapping[Run, float]  # the seconds that a run lacks, with its checkpoints


@dataclass(frozen=True)
class Line:
    """A line of the paper's figures: a recipe on a task, with the runs that are its points, one each."""

    task: Task
    recipe: Recipe
    runs: tuple[Run, ...]


def lines(plan: Plan, conditions: Conditions) -> list[Line]:
    """The plan's lines: tasks in the order of ``TASKS``, recipes in that of the paper's sections."""
    found = {(curve.task, curve.recipe): curve for curve in plan.curves}
    tasks, recipes = list(TASKS.values()), list(dict.fromkeys((*SETTINGS, *MOMENTA_OF_LR, *MOMENTA_OF_RATIO)))

    def place(line: tuple[Task, Recipe]) -> tuple[int, int]:
        task, recipe = line
        return tasks.index(task), recipes.index(recipe) if recipe in recipes else len(recipes)

    return [Line(*key, tuple(found[key].runs(conditions))) for key in sorted(found, key=place)]


def table(plan: Plan, conditions: Conditions) -> list[list[tuple[str, ...]]]:
    """For each task a row for each of its lines, and their sum if there are several; last, the sum of all tasks.

    A row has task, recipe, batch sizes, seeds, runs, stored, CPU time of the rest. A sum counts a run once that is a
    point of several lines.
    """
    missing: dict[Run, float] = {}
    for (run, _), seconds in plan.missing.items():
        missing[run.whole] = missing.get(run.whole, 0.0) + seconds
    found = lines(plan, conditions)
    groups = []
    for task, group in groupby(found, key=lambda line: line.task):
        members, scale = list(group), conditions.regime.scale(task)
        grid = " ".join(map(str, scale.batch_sizes))
        rows = [(str(task), str(m.recipe), grid, str(scale.seeds), *_counts(m.runs, missing)) for m in members]
        groups.append(rows + _sum(str(task), members, missing))
    return [*groups, _sum("all tasks", found, missing)] if len(groups) > 1 else groups


def _sum(name: str, members: list[Line], missing: Missing) -> list[tuple[str, ...]]:
    """The row below several lines; no row below a single one, which says it all."""
    runs = list(dict.fromkeys(run for line in members for run in line.runs))
    return [(name, counted(len(members), "line"), "", "", *_counts(runs, missing))] if len(members) > 1 else []


def _counts(runs: Sequence[Run], missing: Missing) -> tuple[str, str, str]:
    stored = sum(run not in missing for run in runs)
    return str(len(runs)), str(stored), span(sum(missing.get(run, 0.0) for run in runs))


def sharing(plan: Plan, conditions: Conditions) -> str:
    """How many points the plan's lines have, how many runs these are, and which recipes set the same training."""
    found = lines(plan, conditions)
    points = sum(len(line.runs) for line in found)
    distinct = len({run for line in found for run in line.runs})
    text = f"{counted(len(found), 'line')} with {counted(points, 'point')} are {counted(distinct, 'distinct run')}"
    if points == distinct:
        return f"{text}: no two lines share one."
    recipes: dict[Run, dict[str, None]] = {}
    for line in found:
        for run in line.runs:
            recipes.setdefault(run, {})[str(line.recipe)] = None
    same: dict[int, dict[str, None]] = {}
    for run, names in recipes.items():
        if len(names) > 1:
            same.setdefault(run.batch_size, {})[" and ".join(names)] = None
    where = (f"At batch size {size} these are the same training: {'; '.join(sets)}." for size, sets in same.items())
    return f"{text}. {' '.join(where)}"
