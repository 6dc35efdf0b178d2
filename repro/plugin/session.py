"""One invocation of `pytest claims`, as each of its processes sees it.

Under xdist the controller collects nothing, so what the selected claims need is found out by the workers. They share a
folder of the session: the first worker decides where the data comes from, and writes the plan or the error there; the
others read it, and the controller tells it to the user.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

from ..experiment import precisions
from ..experiment.trained_as import SAYS
from ..files.locks import locked
from ..files.text import read_text, write_text
from ..report import Ahead
from ..runs.conditions import Conditions
from ..runs.costs import Costs, known
from ..runs.store import Store
from ..runs.workshop import Journal, Session, Workshop
from ..science.data.sources import Source, resolve
from ..verdicts.claim import Case
from ..verdicts.deciding import judge
from ..verdicts.plan import Plan, make_plan
from ..verdicts.verdict import Verdict
from .options import Settings
from .outcomes import about
from .rerun import Rerun


@dataclass(frozen=True)
class Told:
    """What a process that collects the tests tells the controller, which with workers collects none."""

    headline: str = ""  # for the user
    error: str = ""  # for the user, instead of a session
    missing: int = 0  # runs
    claims: dict[str, dict[str, str]] = field(default_factory=dict)  # what each selected claim test is about
    deselected: int = 0  # claim tests that were collected and left out


class Shared:
    """The folder of a session that its processes share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal.jsonl"
        self.ahead = Ahead(folder / "figures")
        self._sources, self._told, self._over = folder / "sources.json", folder / "told.json", folder / "over"

    def sources(self, names: list[str], settings: Settings) -> dict[str, Source]:
        """Where the named data sets come from; found out (perhaps downloaded) by the first process that asks."""
        with locked(self.folder / "sources.lock", f"the folder of temporary files (TMPDIR), {self.folder.parent},"):
            known = self.read_sources()
            if known is None:
                surrogate_allowed = settings.regime.name != "paper" and settings.regime.reduced
                known = resolve(
                    names, settings.data_root, surrogate_allowed=surrogate_allowed, download=not settings.plan
                )
                write_text(self._sources, json.dumps({n: [s.kind, str(s.root)] for n, s in known.items()}))
        return known

    def read_sources(self) -> dict[str, Source] | None:
        """The decision of ``sources``, or None if there is none."""
        if not self._sources.exists():
            return None
        stored = json.loads(read_text(self._sources))
        return {name: Source(name, kind, Path(root)) for name, (kind, root) in stored.items()}

    def tell(self, told: Told) -> None:
        """Leave what the controller has to know."""
        write_text(self._told, json.dumps(asdict(told)))

    def told(self) -> Told:
        """What ``tell`` left; empty if nothing."""
        return Told(**json.loads(read_text(self._told))) if self._told.exists() else Told()

    def finish(self) -> None:
        """Say that the session is over: workers begin no further run."""
        self._over.touch()

    @property
    def over(self) -> bool:
        """Whether the session is over."""
        return self._over.exists()


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
    """What a process of the session that runs tests holds: conditions, store, plan and workshop."""

    def __init__(
        self,
        settings: Settings,
        shared: Shared,
        worker: str,
        processes: int,
        rerun: Rerun,
        notify: Callable[[], None] = lambda: None,
    ) -> None:
        self.settings, self.shared, self.worker, self.processes = settings, shared, worker, processes
        self.rerun, self.notify = rerun, notify  # the latter is called when a run was begun or ended here
        self.collected: set[str] = set()  # ids of claim tests, before any was deselected
        self.cases: tuple[Case, ...] = ()

    def prepare(self, cases: Mapping[str, Case]) -> None:
        """Take in the selected claims by their tests: find their data and the store. ReproError: one is of no use."""
        self.cases = tuple(cases.values())
        header = self.header()
        if not self.settings.plan:
            self.store.prepare()
        headline = "\n".join([*header, *self.cost()])
        claims = {test: about(case) for test, case in cases.items()}
        left_out = len(self.collected) - len(cases)
        self.shared.tell(Told(headline, "", len(self.plan.missing), claims, left_out))

    @cached_property
    def conditions(self) -> Conditions:
        """The session's conditions."""
        names = sorted({case.task.dataset.name for case in self.cases})
        return conditions_of(self.settings, self.shared.sources(names, self.settings))

    @cached_property
    def store(self) -> Store:
        """The session's store."""
        return Store(self.settings.store)

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
        journal = Journal(self.shared.journal, self.worker, self.notify)
        alone, over = self.processes == 1, lambda: self.shared.over
        session = Session(self.plan.jobs, alone=alone, journal=journal, over=over)
        return Workshop(self.store, self.conditions, session)

    def verdict(self, case: Case, test: pytest.Item) -> Verdict:
        """The verdict on a case, after making what runs it lacks."""
        return judge(case, self.store, self.conditions, self.rerun.command(test), self.workshop.obtain)

    def help_out(self) -> None:
        """Do what is left to do for others once this process has no tests left: train, then draw.

        Where seeds are added until a claim is decided, what a figure shows is known when all are.
        """
        self.workshop.help_out()
        if not (self.shared.over or self.settings.until_decided):
            self.shared.ahead.draw(self.plan.figures, self.store, self.conditions, set(self.plan.jobs))

    def header(self) -> list[str]:
        """The conditions in words: regime, data, device, store."""
        regime = self.settings.regime
        note = " (reduced: says nothing of the paper's own scale)" if regime.reduced else ""
        lines = [f"regime: {regime.title}{note}"]
        if self.settings.until_decided:
            looks = {" ".join(map(str, self.conditions.looks(case.task))): None for case in self.cases}
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
