"""Who trains which run when: makes sure that runs are in the store, together with any number of other processes.

A process that needs a run which another one is training does not wait: it trains another run that is missing. Only when
nothing is left to do but what others do already does it wait for them. Torch is imported with the first missing run.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from ..errors import ReproError, WeightsError, error_line, named_line
from ..experiment.readings import Reading
from ..science.training.pulse import heard
from ..words import counted
from .conditions import Conditions
from .run import Job, Run
from .store import Store

Make = Callable[[Run, Reading, Store, Conditions, Sequence[Run], str | None], None]
Together = Callable[[Sequence[tuple[Run, Sequence[Run]]], Store, Conditions], Mapping[Run, str]]
WAIT: Final = 0.1  # seconds between looks at what another process is making
# Runs of a cohort that one process trains side by side on a GPU. On an H200, at batch size 64, StdCNN took 2,314,
# 5,088, 6,580 and 7,595 steps a second, all members together, as 1, 4, 8 and 16 of them; M1 1,206, 1,626, 1,704 and
# 1,714; C1 1,295, 1,947, 2,091 and 2,087. What more than four of M1 and C1 gain is not worth what is lost where a
# cohort of such long runs is cut short. ResNet18 was not measured.
COHORT: Final = {"M1": 4, "StdCNN": 16, "C1": 4, "ResNet18": 1}


def cohort_size(run: Run) -> int:
    """How many runs are trained together where this is one of them; on a CPU each is trained by itself."""
    return COHORT.get(run.task.architecture, 1) if run.device == "cuda" else 1


def make_here(run: Run, *further: Any) -> None:
    """Train and measure a run in this process."""
    from .trainer import make  # torch takes seconds to import, and a session that finds everything stored needs none

    make(run, *further)


def together_here(members: Sequence[tuple[Run, Sequence[Run]]], *further: Any) -> Mapping[Run, str]:
    """Train runs of one cohort in this process; those that broke, and why."""
    from .trainer import train_together

    return train_together(members, *further)


@dataclass(frozen=True)
class Journal:
    """A file that every process of a session appends to: which run was begun and ended when, and by whom.

    One short line a write, in append mode: the system keeps such writes of several processes whole.
    """

    path: Path
    worker: str
    notify: Callable[[], None] = lambda: None  # called after each event

    def write(self, event: str, run: Run, at: float | None = None) -> None:
        """Append one event, of now or of a time that ``time.time`` gave."""
        when = time.time() if at is None else at
        line = {"event": event, "run": run.key, "name": str(run), "worker": self.worker, "time": when}
        with suppress(OSError), self.path.open("ab", buffering=0) as file:  # no run hangs on it
            file.write(json.dumps(line).encode() + b"\n")
        self.notify()


@dataclass(frozen=True)
class Makers:
    """Who makes runs: ``make`` one of them, ``together`` as many of one cohort as ``cohort`` says."""

    make: Make = make_here
    together: Together = together_here
    cohort: Callable[[Run], int] = cohort_size


@dataclass(frozen=True)
class Session:
    """What a process knows of its session: ``jobs`` are all that any test will need, in the order to begin them in.

    ``over`` says that it ended; ``tell`` is given a line of what could not be made and is done without; ``fits`` says
    whether there is time for jobs. ``pulse`` is told of a run after each epoch of its training, with the number of
    epochs that are done and the mean loss, and once it is made, with 0 and None; ``broke`` of the runs that something
    broke over, before the next is begun. A process that is ``alone`` makes the runs of the test at hand first, so that
    verdicts come as they can. One of several makes the first jobs of the session first, whatever test it is at: what is
    begun is finished, and no slow run is left for the end.
    """

    jobs: Sequence[Job] = ()
    alone: bool = True
    journal: Journal | None = None
    over: Callable[[], bool] = lambda: False
    tell: Callable[[str], object] = lambda _: None
    pulse: Callable[[Run, int, float | None], None] = lambda *_: None
    broke: Callable[[Sequence[Run], Exception], None] = lambda *_: None
    fits: Callable[..., bool] = lambda *_: True


class StoppedError(ReproError):
    """The session ended before the runs that were asked for were made."""


def require_somebody_at(missing: Sequence[Job], store: Store) -> None:
    """StoppedError: no process is at jobs for which there is no time here, nor at the networks that they take."""
    for run in dict.fromkeys(run.whole for job in missing for run in job.networks):
        with store.claimed(run) as free:
            if not free:
                return
    if not any(store.has(*job) for job in missing):
        raise StoppedError(f"there was no time for {counted(len(missing), 'missing measurement')}")


class Workshop:
    """Gets runs made, by this process and by the others of its session."""

    def __init__(
        self, store: Store, conditions: Conditions, session: Session | None = None, makers: Makers | None = None
    ) -> None:
        self._store, self._conditions = store, conditions
        self._session, self._makers = session or Session(), makers or Makers()
        self._rank = {job: rank for rank, job in enumerate(self._session.jobs)}
        self._apart: dict[Run, str] = {}  # what broke in a cohort and is trained by itself, and why
        self._given_up: set[Job] = set()
        self._without: set[Job] = set()  # checks that need weights which are not there, and that verdicts do without
        self._checkpoints: dict[Run, dict[Run, None]] = {}
        self._foresee(self._session.jobs)

    def obtain(self, wanted: Iterable[Job]) -> None:
        """Return when all that is wanted is stored, made by this process or by others.

        Jobs are begun in the session's order; those that it does not have come last, in their own. What breaks while
        one of them is made here is raised; StoppedError: the session ended before.
        """
        jobs = sorted(dict.fromkeys(wanted), key=lambda job: self._rank.get(job, len(self._rank)))
        self._foresee(jobs)
        missing = [job for job in jobs if not self._store.whole(*job)]
        while missing := [job for job in missing if job not in self._without]:
            if self._session.over():
                raise StoppedError(
                    f"the session was stopped, and {counted(len(missing), 'run')} of this claim had not been made"
                )
            if not self._make_one(missing):
                if not any(map(self._session.fits, missing)):
                    require_somebody_at(missing, self._store)
                time.sleep(WAIT)
            missing = [job for job in missing if not self._store.has(*job)]

    def _make_one(self, missing: Sequence[Job]) -> bool:
        """Make one run, of those that are missing here or of the session; whether there was one to make."""
        if self._session.alone:
            return any(self._attempt(job) for job in missing) or self._help()
        return self._help() or any(self._attempt(job) for job in missing)

    def _foresee(self, jobs: Iterable[Job]) -> None:
        """Remember which checkpoints will be wanted, for when their runs are trained."""
        for run, _ in jobs:
            if run.on_the_way:
                self._checkpoints.setdefault(run.whole, {})[run] = None

    def help_out(self) -> None:
        """Train what the session still misses and nobody is training; for a process with no tests left."""
        while not self._session.over() and self._help():
            pass

    def _help(self) -> bool:
        """Try one run that the session misses; whether there was one. Who needs a run that breaks will hear of it."""
        for job in self._session.jobs:
            if job in self._given_up:
                continue
            try:
                if self._attempt(job):
                    return True
            except Exception:
                self._given_up.add(job)
                return True
        return False

    def _attempt(self, job: Job) -> bool:
        """Make a run unless it is stored or another process is at it; whether it was made here."""
        run, reading = job
        if self._store.has(run, reading) or not self._session.fits(job):
            return False
        if job.kind == "transfer" and not self._store.trained(run.sibling):
            return False  # not yet: the sibling is among what is wanted, too
        # a run and what is derived from it are one piece of work: training the one leaves its checkpoints
        with self._store.claimed(run.whole) as mine:
            if not mine or self._store.has(run, reading):
                return False
            self._note("begin", run)
            self._train_cohort(run)
            checkpoints = [*self._checkpoints.get(run, ())]
            try:
                with heard(partial(self._session.pulse, run)):
                    self._makers.make(run, reading, self._store, self._conditions, checkpoints, self._apart.get(run))
            except WeightsError as error:
                if job.kind != "transfer":
                    raise
                self._do_without(job, error)
            except Exception as error:
                self._session.broke([run], error)
                raise
            self._session.pulse(run, 0, None)
            self._note("end", run)
        return True

    def _do_without(self, job: Job, error: WeightsError) -> None:
        self._without.add(job)
        self._given_up.add(job)
        self._session.tell(f"{error_line(error)}: the check by transfer is not made")

    def _train_cohort(self, run: Run) -> None:
        """Train a run together with others that the session misses, where that is faster; all are measured later.

        Whatever breaks here, the run itself is left to be trained by itself, and so are those that broke.
        """
        if run is not run.whole or run in self._apart or self._store.trained(run):
            return
        with ExitStack() as claims:
            members = [run, *self._companions(run, self._makers.cohort(run) - 1, claims)]
            if len(members) == 1:
                return
            jobs = [(member, [*self._checkpoints.get(member, ())]) for member in members]
            try:
                broke = self._makers.together(jobs, self._store, self._conditions)
            except Exception as error:  # before or after the training itself: each that is not stored can be trained
                self._session.broke(members, error)
                left = (member for member in members if not self._store.trained(member))
                broke = dict.fromkeys(left, named_line(error))
            self._apart.update(broke)

    def _companions(self, run: Run, most: int, claims: ExitStack) -> list[Run]:
        """Runs of the same cohort that are missing and nobody is at, claimed until ``claims`` ends.

        No more than there is time for: each makes all of them take longer.
        """
        first: dict[Run, Job] = {}  # what each run is wanted for first
        for job in self._session.jobs:
            first.setdefault(job.run, job)
        found: list[Run] = []
        for other in first:
            if len(found) >= most:
                break
            if other == run or not run.alike(other) or other in self._apart or self._store.trained(other):
                continue
            if not self._session.fits(*(first[member] for member in (run, *found, other) if member in first)):
                break
            if claims.enter_context(self._store.claimed(other)) and not self._store.trained(other):
                found.append(other)
        return found

    def _note(self, event: str, run: Run) -> None:
        if self._session.journal is not None:
            self._session.journal.write(event, run)
