"""The plan of a session: which runs its claims need, which are stored, and what the rest will cost. Free of torch."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from .claims import Case
from .conditions import Conditions
from .costs import cpu_seconds, slowest_first, span, training_seconds
from .curves import Curve
from .figures import MOMENTA_OF_LR, MOMENTA_OF_RATIO, SETTINGS
from .runs import Run
from .science.readings import Reading
from .science.recipes import Recipe
from .science.tasks import TASKS, Task
from .store import Store
from .words import counted


@dataclass(frozen=True)
class Plan:
    """The runs of a session, slowest first, and what is known of them before it starts."""

    cases: tuple[Case, ...]
    curves: tuple[Curve, ...]
    jobs: tuple[tuple[Run, Reading], ...]
    missing: tuple[tuple[Run, Reading], ...]
    trained: frozenset[Run] = frozenset()  # of what is missing: what is stored, and only has to be measured

    @property
    def cpu_seconds(self) -> float:
        """The estimated cost of what is missing, on one core."""
        return _seconds(self.missing, self.trained)

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

    def summary(self, processes: int) -> str:
        """One line: runs, what is stored, the cost of the rest."""
        kept = f" and {counted(len(self.checkpoints), 'checkpoint')} of them" if self.checkpoints else ""
        line = (
            f"{counted(len(self.cases), 'claim test')} on {counted(len(self.curves), 'curve')} "
            f"{'needs' if len(self.cases) == 1 else 'need'} {counted(len(self.runs), 'run')}"
            f"{kept}, {len(self.runs) - len(self.missing_runs)} stored"
        )
        if not self.missing:
            return line
        seconds = self.cpu_seconds
        wall = f", about {span(seconds / processes)} on {processes} processes" if processes > 1 else ""
        return f"{line}; the other {len(self.missing_runs)} take about {span(seconds)} on one core of a CPU{wall}"


def _seconds(jobs: Sequence[tuple[Run, Reading]], stored: Container[Run]) -> float:
    """The cost of jobs: ``stored`` runs are not trained, and checkpoints of a run that is are stored on the way."""
    train = [run for run, reading in jobs if "accuracy" in reading.parts]  # as ``cpu_seconds`` has it
    trained = {run for run in train if run not in stored}
    saved = sum(
        training_seconds(run) for run in train if run in stored or (run is not run.whole and run.whole in trained)
    )
    return sum(cpu_seconds(*job) for job in jobs) - saved


def make_plan(cases: Iterable[Case], conditions: Conditions, store: Store) -> Plan:
    """Plan the runs of these cases: each run once, however many curves share it."""
    cases = tuple(cases)
    curves = tuple(dict.fromkeys(curve for case in cases for curve in case.curves))
    jobs = slowest_first({job: None for case in cases for job in case.jobs(conditions)})
    missing = tuple(job for job in jobs if not store.has(*job))
    trained = frozenset(run for run in dict.fromkeys(run for run, _ in missing) if store.trained(run))
    return Plan(cases, curves, tuple(jobs), missing, trained)


Missing = dict[Run, list[tuple[Run, Reading]]]  # what a run lacks, of itself and of its checkpoints


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
    missing: Missing = {}
    for run, reading in plan.missing:
        missing.setdefault(run.whole, []).append((run, reading))
    found = lines(plan, conditions)
    groups = []
    for task, group in groupby(found, key=lambda line: line.task):
        members, scale = list(group), conditions.regime.scale(task)
        grid = " ".join(map(str, scale.batch_sizes))
        rows = [
            (str(task), str(m.recipe), grid, str(scale.seeds), *_counts(m.runs, missing, plan.trained)) for m in members
        ]
        groups.append(rows + _sum(str(task), members, missing, plan.trained))
    return [*groups, _sum("all tasks", found, missing, plan.trained)] if len(groups) > 1 else groups


def _sum(name: str, members: list[Line], missing: Missing, trained: Container[Run]) -> list[tuple[str, ...]]:
    """The row below several lines; no row below a single one, which says it all."""
    runs = list(dict.fromkeys(run for line in members for run in line.runs))
    return [(name, counted(len(members), "line"), "", "", *_counts(runs, missing, trained))] if len(members) > 1 else []


def _counts(runs: Sequence[Run], missing: Missing, trained: Container[Run]) -> tuple[str, str, str]:
    left = [job for run in runs for job in missing.get(run, ())]
    stored = sum(run not in missing for run in runs)
    return str(len(runs)), str(stored), span(_seconds(left, trained))


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
