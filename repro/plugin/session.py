"""What a process that runs tests holds once it collected claims: their conditions, store, plan and workshop."""

import time
from collections.abc import Mapping
from functools import cached_property
from typing import Final

import pytest

from ..experiment import precisions
from ..experiment.trained_as import SAYS
from ..report import Ahead
from ..runs.conditions import Conditions
from ..runs.costs import Costs, known
from ..runs.rates import FIGURE, VERDICT
from ..runs.run import Job
from ..runs.store import Store
from ..runs.workshop import Journal, Session, Workshop
from ..science.data.sources import Source
from ..verdicts.claim import Case
from ..verdicts.deciding import judge
from ..verdicts.finishing import finishing
from ..verdicts.history import Note, decided, looks_before
from ..verdicts.plan import Plan, make_plan
from ..verdicts.verdict import Verdict
from .options import Settings
from .outcomes import about
from .places import named
from .shared import Process, Told

DOUBT: Final = 1.25  # of what a run is predicted to take, that much is kept free for it in a session with a limit
ENDING: Final = 3.0  # seconds in which workers end and a report without figures is written


def conditions_of(settings: Settings, sources: Mapping[str, Source]) -> Conditions:
    """The conditions of a session whose data come from these sources."""
    return Conditions(
        regime=settings.regime,
        sources=sources,
        device="cuda" if settings.gpu else "cpu",
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
        self._process, self._about = (
            process,
            {test.nodeid: {"test": named(test), **about(case)} for test, case in cases.items()},
        )
        self.shared.folder.mkdir(mode=0o700, exist_ok=True)

    def prepare(self, left_out: int) -> None:
        """Find the data and the store; tell the controller. ReproError: one is of no use."""
        header = self.header()
        if not self.settings.plan:
            self.store.prepare()
        headline = "\n".join([*header, *self.cost()])
        self.shared.tell(Told(headline, "", len(self.plan.missing), self._about, left_out))

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
    def costs(self) -> Costs:
        """What runs cost on this machine, as far as that is known."""
        return Costs(known(self.store, self.conditions.device))

    def cost(self) -> list[str]:
        """What the session needs and, where something is missing, how long that will take, by which rates."""
        lines = [self.plan.summary()]
        if not self.plan.missing:
            return lines
        return [*lines, self.plan.prediction(self.processes), f"estimated with {self.costs.says}"]

    @cached_property
    def workshop(self) -> Workshop:
        """Where this process gets its runs made."""
        journal = Journal(self.shared.journal, self._process.name, self._process.notify)
        limited = self.settings.minutes is not None
        session = Session(
            finishing(self.plan, self.conditions) if limited else self.plan.jobs,
            alone=self.processes == 1 and not limited,
            journal=journal,
            over=lambda: self.shared.over,
            tell=self.shared.remark,
            fits=self._fits if limited else lambda _: True,
        )
        return Workshop(self.store, self.conditions, session)

    def _fits(self, job: Job) -> bool:
        """Whether a job will probably be over in time, and the report after it."""
        seconds = self.plan.missing.get(job) or sum(self.costs.of([job]).values())
        report = ENDING + FIGURE * len(self.plan.figures) + VERDICT * len(self.cases)
        return time.time() + DOUBT * seconds + report <= self.settings.ends

    def verdict(self, case: Case, test: pytest.Item) -> Verdict:
        """The verdict on a case, after making what runs it lacks."""
        before = looks_before(self.decided, case, self.conditions)
        rerun = self._process.rerun.command(test)
        return judge(case, self.store, self.conditions, rerun, self.workshop.obtain, before)

    def help_out(self) -> None:
        """Do what is left to do for others once this process has no tests left: train, then draw.

        Where seeds are added until a claim is decided, what a figure shows is known when all are.
        """
        self.workshop.help_out()
        if not (self.shared.over or self.settings.until_decided):
            ahead = Ahead(self.shared.figures, self.settings.linear_axis)
            ahead.draw(self.plan.figures, self.store, self.conditions, set(self.plan.jobs))

    def header(self) -> list[str]:
        """The conditions in words: regime, data, device, store."""
        regime = self.settings.regime
        note = " (reduced: says nothing of the paper's own scale)" if regime.reduced else ""
        lines = [f"regime: {regime.title}{note}"]
        if self.settings.until_decided:
            looks = {
                " ".join(map(str, self.conditions.looks(task))): None for case in self.cases for task in case.tasks
            }
            lines.append(f"seeds: until decided, looking at {' or '.join(looks)}")
        lines += [f"trained as: {name} ({SAYS[name]})" for name in self.settings.trained_as]
        if self.settings.precision != precisions.FLOAT32:
            lines.append(f"precision: {self.settings.precision} ({precisions.SAYS[self.settings.precision]})")
        lines += [f"data: {source.text}" for source in self.conditions.sources.values()]
        lines.append(f"device: {self.conditions.device}, store: {self.settings.store}")
        if not regime.reduced and not self.settings.gpu and self.plan.missing:
            lines.append(
                "WARNING: the paper's scale without --gpu is a matter of CPU-weeks: --quick takes minutes, "
                "--plan says what would be trained"
            )
        return lines
