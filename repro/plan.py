"""The plan of a session: which runs its claims need, which are stored, and what the rest will cost. Free of torch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .claims import Case
from .conditions import Conditions
from .costs import cpu_seconds, slowest_first, span, training_seconds
from .curves import Curve
from .runs import Run
from .science.readings import Reading
from .store import Store


@dataclass(frozen=True)
class Plan:
    """The runs of a session, slowest first, and what is known of them before it starts."""

    cases: tuple[Case, ...]
    curves: tuple[Curve, ...]
    jobs: tuple[tuple[Run, Reading], ...]
    missing: tuple[tuple[Run, Reading], ...]

    @property
    def cpu_seconds(self) -> float:
        """The estimated cost of what is missing, on one core."""
        return _seconds(self.missing)

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
        line = (
            f"{len(self.cases)} claim tests on {len(self.curves)} curves need {len(self.runs)} runs"
            f"{f' and {len(self.checkpoints)} checkpoints of them' if self.checkpoints else ''}, "
            f"{len(self.runs) - len(self.missing_runs)} stored"
        )
        if not self.missing:
            return line
        seconds = self.cpu_seconds
        wall = f", about {span(seconds / processes)} on {processes} processes" if processes > 1 else ""
        return f"{line}; the other {len(self.missing_runs)} take about {span(seconds)} on one core of a CPU{wall}"


def _seconds(jobs: Sequence[tuple[Run, Reading]]) -> float:
    """The cost of jobs; a checkpoint of a run that is trained among them is stored on the way and only measured."""
    trained = {run for run, reading in jobs if "accuracy" in reading.parts}  # as in ``cpu_seconds``
    saved = sum(training_seconds(run) for run, _ in jobs if run is not run.whole and run.whole in trained)
    return sum(cpu_seconds(*job) for job in jobs) - saved


def make_plan(cases: Iterable[Case], conditions: Conditions, store: Store) -> Plan:
    """Plan the runs of these cases: each run once, however many curves share it."""
    cases = tuple(cases)
    curves = tuple(dict.fromkeys(curve for case in cases for curve in case.curves))
    jobs = slowest_first({job: None for case in cases for job in case.jobs(conditions)})
    return Plan(cases, curves, tuple(jobs), tuple(job for job in jobs if not store.has(*job)))


def table(plan: Plan, conditions: Conditions) -> Sequence[tuple[str, ...]]:
    """A row for each recipe on each task: task, recipe, batch sizes, seeds, runs, stored, CPU time of the rest.

    As in the summary, a run of which a reading or a checkpoint is missing is not stored.
    """
    missing: dict[Run, list[tuple[Run, Reading]]] = {}
    for run, reading in plan.missing:
        missing.setdefault(run.whole, []).append((run, reading))
    rows = []
    for task, recipe in dict.fromkeys((curve.task, curve.recipe) for curve in plan.curves):
        scale = conditions.regime.scale(task)
        runs = next(c for c in plan.curves if (c.task, c.recipe) == (task, recipe)).runs(conditions)
        left = [job for run in runs for job in missing.get(run, ())]
        rows.append(
            (
                str(task),
                str(recipe),
                " ".join(map(str, scale.batch_sizes)),
                str(scale.seeds),
                str(len(runs)),
                str(sum(run not in missing for run in runs)),
                span(_seconds(left)),
            )
        )
    return rows
