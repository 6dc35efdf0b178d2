"""Gets a session's runs made by the workers of a cluster, in the place of a workshop that makes them itself.

A run goes out with its checkpoints and all its readings, so that it comes back finished; where several runs of a cohort
are trained side by side (on a GPU), they go out together. What is measured on two networks goes out when both are
stored. No more is out than workers can be at, so the memory that a sweep takes does not grow with its length; and since
Dask counts the death of a worker against all that was sent to it, no run is blamed for another. The session holds the
lock of each run that is out: several sessions may share a store.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import replace
from typing import Final, Protocol

from ..errors import ReproError, WeightsError, error_line
from ..runs.conditions import Conditions
from ..runs.run import Job, Run
from ..runs.store import Store
from ..runs.workshop import WAIT, Session, StoppedError, cohort_size, require_somebody_at
from ..words import counted
from . import ClusterError, LostError
from .nodes import Files
from .parcels import Made, Parcel, parcel, unpack

LOOK: Final = 1.0  # seconds between two looks whether another session has made what is under way here, at least
SELDOM: Final = 20  # times as long as a look takes: where thousands of runs are missing, looks would take half the time
AGAIN: Final = 3  # times that a parcel is sent again whose result did not arrive


class Pool(Protocol):
    """Workers that make parcels."""

    def slots(self) -> int:
        """How many parcels can be made at a time, now. LostError: there will be no more."""

    def submit(self, work: Parcel) -> Future[Made]:
        """Have a parcel made. Its future raises LostError where the connection broke, ClusterError where it failed."""


class FarWorkshop:
    """Gets runs made by a pool of workers."""

    def __init__(
        self,
        store: Store,
        conditions: Conditions,
        session: Session,
        pool: Pool,
        files: Iterable[Files] = (),
        cohort: Callable[[Run], int] = cohort_size,
    ) -> None:
        self._store, self._conditions, self._session, self._pool = store, conditions, session, pool
        self._files, self._cohort = tuple(files), cohort
        self._queue: dict[tuple[Job, ...], None] = {}  # in order, each the jobs of one run
        self._out: dict[Future[Made], tuple[tuple[Job, ...], ExitStack]] = {}  # with the locks of its runs
        self._under_way: set[Job] = set()  # queued or out
        self._broke: dict[Job, str] = {}
        self._stored: set[Job] = set()  # by this session: what was just written is not read back
        self._without: set[Job] = set()  # checks that lack weights, and that verdicts do without
        self._again: Counter[Job] = Counter()  # how often it was sent again, by the first of its jobs
        self._lost: LostError | None = None
        self._next_look = 0.0
        self._add(session.jobs)

    def obtain(self, wanted: Iterable[Job]) -> None:
        """Return when all that is wanted is stored.

        ClusterError: it broke on a worker, or the cluster is lost. StoppedError: the session ended before.
        """
        missing = [job for job in dict.fromkeys(wanted) if not self._store.whole(*job)]
        self._stored -= {*missing}  # something became of it since
        self._add(missing)
        while missing := self._look(missing):
            if self._session.over():
                raise StoppedError(
                    f"the session was stopped, and {counted(len(missing), 'run')} of this claim had not been made"
                )
            self._raise_what_broke(missing)
            self._require_time(missing)
            self._work(missing)

    def _look(self, missing: Iterable[Job]) -> list[Job]:
        """What is missing still, whoever made the rest."""
        began = time.monotonic()
        settled = self._without | self._stored
        found = [job for job in missing if job not in settled and not self._store.has(*job)]
        ended = time.monotonic()
        self._next_look = ended + max(LOOK, SELDOM * (ended - began))
        return found

    def _work(self, missing: Sequence[Job]) -> None:
        """Go on until nothing that is missing is under way here, or another session may have made it by now."""
        under_way = True
        while under_way and self._lost is None and time.monotonic() < self._next_look and not self._session.over():
            self._step()
            under_way = any(job in self._under_way for job in reversed(missing))  # what was sent last comes last

    def _raise_what_broke(self, missing: Iterable[Job]) -> None:
        """ClusterError: what is missing broke, or a network that it is measured on; or the cluster is lost."""
        for job in missing if self._broke else ():
            untrained = [run for run in job.networks if not self._store.trained(run)]
            for one in (job, *(Job(run, self._conditions.reading_of(run)) for run in untrained)):
                if one in self._broke:
                    raise ClusterError(f"{one.run}: {self._broke[one].removeprefix(f'{one.run}: ')}")
        if self._lost is not None:
            raise self._lost

    def _require_time(self, missing: Sequence[Job]) -> None:
        """StoppedError: no job that is missing will be made, for there is no time for what it needs."""
        if self._out:
            return
        runs = {run.whole for job in missing for run in job.networks}
        if not any(self._can_begin(jobs) for jobs in self._queue if jobs[0].run.whole in runs):
            require_somebody_at(missing, self._store)

    def _step(self) -> None:
        """Send what there is room for, and take in what has come back."""
        try:
            slots = self._pool.slots()
        except LostError as error:
            self._lost = error
            return
        self._fill(slots)
        if not self._out:
            time.sleep(WAIT)  # until there are workers, or another session has made its runs
            return
        done, _ = wait(self._out, timeout=WAIT, return_when=FIRST_COMPLETED)
        came = [(future, *self._out.pop(future)) for future in done]
        self._fill(slots)  # before what came is stored, for workers have nothing to do meanwhile
        for one in came:
            self._take_in(*one)

    def _fill(self, slots: int) -> None:
        """Send what there is room for."""
        for jobs in [*self._queue] if len(self._out) < slots else ():  # a copy of thousands is not made for nothing
            if len(self._out) >= slots:
                return
            if jobs in self._queue:  # another may have taken it along, of its cohort
                self._send(jobs)

    def _add(self, jobs: Iterable[Job]) -> None:
        """Take up jobs that are not stored."""
        settled = self._under_way | self._broke.keys() | self._without
        new = [job for job in dict.fromkeys(jobs) if job not in settled and not self._store.has(*job)]
        self._under_way.update(new)
        self._queue |= _by_run(new)

    def _can_begin(self, jobs: tuple[Job, ...]) -> bool:
        """Whether the networks that jobs are measured on are stored, and there is time for what is missing of them."""
        ready = jobs[0].kind != "transfer" or all(map(self._store.trained, jobs[0].networks))
        return ready and self._session.fits(*(job for job in jobs if not self._store.has(*job)))

    def _send(self, jobs: tuple[Job, ...]) -> None:
        """Send the jobs of a run that are still missing, with those of its cohort; not yet where others are at it."""
        with ExitStack() as held:
            if not self._can_begin(jobs) or not held.enter_context(self._store.claimed(jobs[0].run.whole)):
                return
            del self._queue[jobs]
            taken = [*jobs, *(job for group in self._companions(jobs, held) for job in group)]
            missing = [job for job in taken if not self._store.has(*job)]
            try:
                work = parcel(missing, self._store, self._conditions, self._files, self._lack_weights)
                sent = self._pool.submit(work) if work.jobs else None
            except (ReproError, OSError) as error:  # a file that cannot be read, a connection that is gone
                self._broke |= dict.fromkeys(missing, error_line(error))
                self._under_way -= {*taken}
                return
            self._under_way -= {*taken} - {*work.jobs}
            if sent is not None:
                self._out[sent] = work.jobs, held.pop_all()

    def _lack_weights(self, job: Job, error: WeightsError) -> None:
        """Give up a job that lacks weights: a check by transfer is done without, and what else needs them breaks."""
        if job.kind == "transfer":
            self._without.add(job)
            self._session.tell(f"{error_line(error)}: the check by transfer is not made")
        else:
            self._broke[job] = error_line(error)

    def _companions(self, begun: tuple[Job, ...], held: ExitStack) -> list[tuple[Job, ...]]:
        """Further runs of the cohort that are queued and nobody is at, as many as there is time for."""
        job, together = begun[0], [*begun]
        most, found = self._cohort(job.run) - 1, list[tuple[Job, ...]]()
        if most <= 0 or job.kind != "train" or self._store.trained(job.run):
            return found
        for jobs in [*self._queue]:
            other = jobs[0]
            alike = other.kind == "train" and job.run.alike(other.run) and self._can_begin((*together, *jobs))
            if len(found) < most and alike and held.enter_context(self._store.claimed(other.run.whole)):
                del self._queue[jobs]
                found.append(jobs)
                together += jobs
        return found

    def _take_in(self, future: Future[Made], jobs: tuple[Job, ...], claims: ExitStack) -> None:
        """Store what came back, and free its runs; what the connection took with it is sent again."""
        with claims:
            try:
                made = future.result()
                unpack(made, jobs, self._store)
            except (ReproError, ValueError) as error:
                first = jobs[0]
                if isinstance(error, LostError) and self._again[first] < AGAIN:
                    self._again[first] += 1
                    self._queue = _by_run(jobs) | self._queue
                    return
                self._broke |= dict.fromkeys(jobs, error_line(error))
            else:
                self._broke |= made.broke
                self._note(made)
                self._stored |= {job for job in jobs if made.has(job)}
                for job in jobs:
                    if job not in made.broke and job not in self._stored:
                        self._lack_weights(job, WeightsError(f"{job.run}: worker {made.worker} could use no weights"))
        self._under_way -= {*jobs}

    def _note(self, made: Made) -> None:
        """Leave in the journal who made which run when, by this machine's clock."""
        if self._session.journal is None:
            return
        at, journal = time.time() - sum(made.seconds.values()), replace(self._session.journal, worker=made.worker)
        for job, seconds in made.seconds.items():
            if job not in made.broke:
                journal.write("begin", job.run, at)
                journal.write("end", job.run, at + seconds)
            at += seconds


def _by_run(jobs: Iterable[Job]) -> dict[tuple[Job, ...], None]:
    """The jobs of each run together, in the order in which the first of them comes; checks by transfer by themselves.

    Those wait for another run, and nothing waits for them.
    """
    groups: dict[Job | Run, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job if job.kind == "transfer" else job.run.whole, []).append(job)
    return dict.fromkeys(map(tuple, groups.values()))
