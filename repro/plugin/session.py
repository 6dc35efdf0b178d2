"""What a process that runs tests holds once it collected claims: their conditions, store, plan and workshop."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from ..errors import SettingError
from ..experiment.devices import CUDA, device_of, used
from ..experiment.readings import require_within_pixels
from ..experiment.regimes import require_whole_batches
from ..files.text import write_text
from ..report import Ahead
from ..runs.conditions import Conditions
from ..runs.costs import Costs, known
from ..runs.layout import require_layout
from ..runs.rates import FIGURE, VERDICT
from ..runs.run import Job, Run
from ..runs.shards import ElsewhereError
from ..runs.store import Store
from ..runs.workshop import Journal, Makers, Session, Workshop
from ..science.data.sources import Source
from ..verdicts.claim import Case
from ..verdicts.deciding import judge
from ..verdicts.finishing import finishing
from ..verdicts.history import Note, decided, looks_before
from ..verdicts.plan import Plan, make_plan
from ..verdicts.verdict import Verdict
from ..words import counted
from . import lost_gpu
from .gpus import lacking, without
from .header import header
from .options import STORE
from .outcomes import about
from .places import named
from .settings import Settings
from .shared import CLUSTER, OVER, Process, Told

if TYPE_CHECKING:
    from ..cluster.far import FarWorkshop
    from .far import Far

DOUBT: Final = 1.25  # of what a run is predicted to take, that much is kept free for it in a session with a limit
ENDING: Final = 3.0  # seconds in which workers end and a report without figures is written


def conditions_of(settings: Settings, sources: Mapping[str, Source]) -> Conditions:
    """The conditions of a session whose data come from these sources."""
    return Conditions(
        regime=settings.regime,
        sources=sources,
        device=settings.device,
        readings=settings.readings,
        until_decided=settings.until_decided,
        trained_as=settings.trained_as,
        precision=settings.precision,
    )


class ClaimSession:
    """The conditions, store, plan and workshop of the selected claims, in one of the session's processes."""

    def __init__(self, process: Process, cases: Mapping[pytest.Item, Case]) -> None:
        self.settings, self.shared, self.processes = process.settings, process.shared, process.processes
        self.cases = tuple(cases.values())
        self._process = process
        self._about = {test.nodeid: {"test": named(test), **about(case)} for test, case in cases.items()}
        self.shared.folder.mkdir(mode=0o700, exist_ok=True)
        self._before: dict[str, float] = {}  # the accuracy of the run that was made here last

    def prepare(self, left_out: int) -> None:
        """Find the data and the store; tell the controller. ReproError: one is of no use."""
        require_layout(self.settings.store)
        for task in dict.fromkeys(task for case in self.cases for task in case.tasks):
            require_whole_batches(task, self.settings.regime.scale(task))
            for reading in (self.conditions.reading(task), *(o.reading for o in self.conditions.alternatives(task))):
                require_within_pixels(str(task), reading, task.dataset)
        told = header(self.settings, self.conditions, self.cases, self.plan)
        on_gpu = [run for run in self.own.lacking if run.device == CUDA] if self._lacks_gpu else []
        if on_gpu and not self.settings.plan:
            why = f", and {counted(len(on_gpu), 'run')} must be made on one"
            raise SettingError(lacking(why, self.settings.gpu_option))
        if not self.settings.plan:
            self.store.prepare()
            self._keep_from_git()
        headline = "\n".join([*told, *self._cluster(), *self.cost()])
        self.shared.tell(Told(headline, "", len(self.own.missing), self._about, left_out, self._predicted()))

    def _predicted(self) -> dict[str, tuple[str, list[float]]]:
        """The recipes of each run that is missing, and the seconds that each of its measurements will probably take."""
        recipes: dict[str, dict[str, None]] = {}
        for curve in self.plan.curves:
            for run in curve.runs(self.conditions):
                recipes.setdefault(run.key, {})[str(curve.recipe)] = None
        found: dict[str, tuple[str, list[float]]] = {}
        for job, seconds in self.own.missing.items():
            whole = ", ".join(recipes.get(job.run.whole.key, ()))
            found.setdefault(job.run.key, (whole, []))[1].append(seconds)
        return found

    def _keep_from_git(self) -> None:
        """The folder in a user's project that holds the store is none of what the project keeps."""
        hidden = self.settings.store.parent
        if hidden.name == STORE.parent.name and not (hidden / ".gitignore").exists():
            write_text(hidden / ".gitignore", "*\n")

    @cached_property
    def conditions(self) -> Conditions:
        """The session's conditions."""
        names = sorted({task.dataset.name for case in self.cases for task in case.tasks})
        return conditions_of(self.settings, self.shared.sources(names, self.settings))

    @cached_property
    def store(self) -> Store:
        """The session's store."""
        return Store(self.settings.store, self.shared.remark)

    @cached_property
    def decided(self) -> list[Note]:
        """What sessions before this one decided from the store."""
        return decided(self.store)

    @cached_property
    def plan(self) -> Plan:
        """The runs of the selected claims."""
        return make_plan(self.cases, self.conditions, self.store, self.costs)

    @cached_property
    def own(self) -> Plan:
        """What this session makes of the plan: all of it, or the part that --shard names."""
        if self.settings.shard is None:
            return self.plan
        jobs = self.settings.shard.of(self.plan.jobs)
        missing = {job: self.plan.missing[job] for job in jobs if job in self.plan.missing}
        return replace(self.plan, jobs=tuple(jobs), missing=missing)

    @cached_property
    def costs(self) -> Costs:
        """What runs cost on this machine, as far as that is known."""
        devices = sorted(used(self.conditions.device))
        return Costs(took for device in devices for took in known(self.store, device))

    def cost(self) -> list[str]:
        """What the session needs and, where something is missing, how long that will take, by which rates."""
        lines = [self.plan.summary()]
        if self.settings.shard is not None:
            lines.append(f"shard {self.settings.shard}: {self.own.summary()}")
        if not self.own.missing:
            return lines
        return [*lines, self.own.prediction(self.processes), f"estimated with {self.costs.says}"]

    @cached_property
    def workshop(self) -> "Workshop | FarWorkshop":
        """Where this process gets its runs made."""
        journal = Journal(self.shared.journal, self._process.name, self._process.notify)
        limited = self.settings.minutes is not None
        session = Session(
            finishing(self.own, self.conditions, self.processes),
            alone=self.processes == 1 and not limited,
            journal=journal,
            over=lambda: self.shared.marked(OVER),
            tell=self.shared.remark,
            pulse=self._pulse,
            broke=partial(lost_gpu.leave_if_lost, self._process),
            fits=self._fits if limited else lambda *_: True,
        )
        if self.settings.cluster is not None:
            return self.far.workshop(self.store, self.conditions, session)
        return Workshop(self.store, self.conditions, session, self._makers())

    def _makers(self) -> Makers | None:
        """Who makes its runs, where that is not simply this process."""
        if self._lacks_gpu:
            return Makers(make=partial(without, self.settings.gpu_option))
        return lost_gpu.makers(self.shared) if self.settings.gpu else None

    def _pulse(self, run: Run, epoch: int, loss: float | None) -> None:
        """Tell how far the run is that this process is at; epoch 0: it is made, and how well it does is known."""
        if epoch:
            far = {"epoch": epoch, "epochs": run.last_epoch, "loss": loss}
            self.shared.beat(self._process.name, run=run.key, **far, **self._before)
            self._process.notify()
            return
        measures = (self.store.measures(run, self.conditions.reading_of(run)) or {}).get("measures", {})
        self._before = {"accuracy": measures["test_accuracy"]} if "test_accuracy" in measures else {}
        self.shared.beat(self._process.name, **self._before)

    @property
    def _lacks_gpu(self) -> bool:
        """Whether runs cannot be made here. A session that finds all of its runs stored makes none."""
        return self.settings.gpu and not self._process.gpus and not self.settings.elsewhere

    @cached_property
    def far(self) -> "Far":
        """The cluster that makes the runs. ReproError: it cannot be used."""
        assert self.settings.cluster is not None
        try:
            from .far import Far
        except ModuleNotFoundError as error:
            raise SettingError(
                f"--cluster {self.settings.cluster}: needs Dask ({error}); pip install distributed"
            ) from None
        return Far(self.settings, self.conditions, self._process.say, self._tell_of_cluster, gpu=self._takes_gpu)

    @property
    def _takes_gpu(self) -> bool:
        """Whether runs of a GPU are to be made: some are missing, or seeds may be added to a claim on them."""
        tasks = {str(task) for case in self.cases for task in case.tasks} if self.settings.until_decided else set()
        added = any(device_of(self.conditions.device, task) == CUDA for task in tasks)
        return added or any(run.device == CUDA for run in self.own.lacking)

    def _tell_of_cluster(self, workers: int, at: Mapping[str, Mapping[str, Any]]) -> None:
        """Tell what the workers of the cluster are at, for the live view and for other terminals."""
        self.shared.beat(CLUSTER, workers=workers, at=at)
        self._process.notify()

    def _cluster(self) -> list[str]:
        """Reach the cluster if there is anything to make; what the user is told of it."""
        if self.settings.cluster is None or self.settings.plan or not self.own.missing:
            return []
        self.processes = max(1, self.far.slots)
        return [f"cluster: {self.settings.cluster}, {counted(self.far.slots, 'worker')}"]

    def close(self) -> None:
        """Leave the cluster."""
        if "far" in vars(self):
            self.far.close()

    def _fits(self, *jobs: Job) -> bool:
        """Whether jobs will probably be over in time, one by one, with the training they need and the report."""
        left = {run for job in jobs for run in job.networks if not self.store.trained(run)}
        trained = (run for run in left if not run.on_the_way or run.whole not in left)
        seconds = sum(self.costs.seconds(*job) for job in jobs) + sum(map(self.costs.seconds, trained))
        return time.time() + DOUBT * seconds + self._ending <= self.settings.ends

    @cached_property
    def _ending(self) -> float:
        """The seconds that the report will probably take; its figures are looked for once, for jobs by the thousand."""
        return ENDING + FIGURE * len(self.plan.figures) + VERDICT * len(self.cases)

    def verdict(self, case: Case, test: pytest.Item) -> Verdict:
        """The verdict on a case, after making what runs it lacks."""
        if self.settings.shard is not None:
            self._make_own(case)
        before = looks_before(self.decided, case, self.conditions)
        rerun = self._process.rerun.command(test)
        return judge(case, self.store, self.conditions, rerun, self._obtain, before)

    def _obtain(self, wanted: Iterable[Job]) -> None:
        """Get jobs made; where all are stored, no cluster is reached for them."""
        jobs = [*wanted]
        if self.settings.cluster is None or not all(self.store.whole(*job) for job in jobs):
            self.workshop.obtain(jobs)

    def _make_own(self, case: Case) -> None:
        """Make this part's runs of a case. ElsewhereError: it needs others, too."""
        own, wanted = set(self.own.jobs), case.jobs(self.conditions)
        self._obtain(job for job in wanted if job in own)
        if left := sum(not self.store.has(*job) for job in wanted):
            shard = self.settings.shard
            raise ElsewhereError(f"{left} of its {len(wanted)} measurements are not those of shard {shard}")

    def help_out(self) -> None:
        """Do what is left to do for others once this process has no tests left: train, then draw.

        Where seeds are added until a claim is decided, what a figure shows is known when all are.
        """
        assert isinstance(self.workshop, Workshop)  # with a cluster there are no processes to help
        self.workshop.help_out()
        if not (self.shared.marked(OVER) or self.settings.until_decided or self.settings.shard):
            ahead = Ahead(self.shared.figures, self.settings.linear_axis)
            with suppress(OSError):  # what is not drawn here is drawn for the report
                ahead.draw(self.plan.figures, self.store, self.conditions, set(self.plan.jobs))
