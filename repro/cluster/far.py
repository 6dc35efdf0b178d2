"""Gets a session's runs made by the workers of a cluster, in the place of a workshop that makes them itself.

A run goes out with its checkpoints and all its readings, so that it comes back finished; where several runs of a cohort
are trained side by side (on a GPU), they go out together. What is measured on two networks goes out when both are
stored. No more is out than workers can be at, so the memory that a sweep takes does not grow with its length; and since
Dask counts the death of a worker against all that was sent to it, no run is blamed for another. The session holds the
lock of each run that is out: several sessions may share a store.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Final, Protocol

from ..runs.conditions import Conditions
from ..runs.run import Job, Run
from ..runs.store import Store
from ..runs.workshop import WAIT, Session, StoppedError, cohort_size
from . import ClusterError, LostError
from .nodes import Files
from .parcels import Made, Parcel, parcel, unpack

AGAIN: Final = 3  # times that a parcel is sent again whose result did not arrive


class Pool(Protocol):
    """Workers that make parcels."""

    def slots(self) -> int:
        """How many parcels can be made at a time, now. LostError: there will be no more."""

    def submit(self, work: Parcel) -> Future[Made]:
        """Have a parcel made. Its future raises LostError where the connection broke, ClusterError where it failed."""


@dataclass
class _Out:
    """A parcel that is out: its jobs, and the locks of its runs."""

    jobs: tuple[Job, ...]
    claims: ExitStack


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
        self._known: set[Job] = set()
        self._queue: deque[tuple[Job, ...]] = deque()  # each the jobs of one run
        self._transfers: dict[Run, list[Job]] = {}  # those that wait for a network, by each of the two
        self._out: dict[Future[Made], _Out] = {}
        self._broke: dict[Job, str] = {}
        self._again: Counter[Job] = Counter()  # how often it was sent again, by the first of its jobs
        self._lost: LostError | None = None
        self._add(session.jobs)

    def obtain(self, wanted: Iterable[Job]) -> None:
        """Return when all that is wanted is stored.

        ClusterError: it broke on a worker, or the cluster is lost. StoppedError: the session ended before.
        """
        jobs = [*dict.fromkeys(wanted)]
        there = [job for job in jobs if self._store.has(*job)]
        self._known -= {job for job in there if not self._store.whole(*job)}  # damaged, and so to be made anew
        self._add(jobs)
        missing = [job for job in jobs if not self._store.has(*job)]
        while missing:
            if self._session.over():
                raise StoppedError(f"the session was stopped while {len(missing)} runs were missing")
            self._raise_what_broke(missing)
            came = self._step()
            missing = [job for job in missing if not (job in came if came else self._store.has(*job))]

    def _raise_what_broke(self, missing: Iterable[Job]) -> None:
        for job in missing if self._broke else ():
            if job in self._broke:
                raise ClusterError(f"{job.run}: {self._broke[job]}")
        if self._lost is not None:
            raise self._lost

    def _step(self) -> set[Job]:
        """Send what there is room for, and take in what has come back; the jobs that were stored."""
        try:
            room = self._pool.slots() - len(self._out)
        except LostError as error:
            self._lost = error
            return set()
        for _ in range(min(room, len(self._queue))):
            if self._queue:  # one that was sent may have taken others of its cohort along
                self._send(self._queue.popleft())
        if not self._out:
            time.sleep(WAIT)  # until there are workers, or another session has made its runs
            return set()
        done, _ = wait(self._out, timeout=WAIT, return_when=FIRST_COMPLETED)
        return {job for future in done for job in self._take_in(future, self._out.pop(future))}

    def _add(self, jobs: Iterable[Job]) -> None:
        """Take up jobs that are not stored: those of a run together, in the order in which the first of them comes."""
        groups: dict[Run, list[Job]] = {}
        for job in jobs:
            if job in self._known or self._store.has(*job):
                continue
            self._known.add(job)
            if job.kind == "transfer":
                self._add_transfer(job)
            else:
                groups.setdefault(job.run.whole, []).append(job)
        self._queue.extend(map(tuple, groups.values()))

    def _add_transfer(self, job: Job) -> None:
        if self._ready(job):
            self._queue.append((job,))
        else:
            for network in (job.run, job.run.sibling):
                self._transfers.setdefault(network, []).append(job)

    def _ready(self, job: Job) -> bool:
        return self._store.trained(job.run) and self._store.trained(job.run.sibling)

    def _send(self, jobs: tuple[Job, ...]) -> None:
        """Send the jobs of a run that are still missing, with those of its cohort; later if others are at it."""
        with ExitStack() as held:
            if not held.enter_context(self._store.claimed(jobs[0].run.whole)):
                self._queue.append(jobs)
                return
            sent = (*jobs, *(job for group in self._companions(jobs[0], held) for job in group))
            sent = tuple(job for job in sent if not self._store.has(*job))
            if sent:
                future = self._pool.submit(parcel(sent, self._store, self._conditions, self._files))
                self._out[future] = _Out(sent, held.pop_all())

    def _companions(self, job: Job, held: ExitStack) -> list[tuple[Job, ...]]:
        """Further runs of the cohort that are queued, and nobody is at."""
        most, found = self._cohort(job.run) - 1, list[tuple[Job, ...]]()
        if most <= 0 or job.kind != "train" or self._store.trained(job.run):
            return found
        for jobs in [*self._queue]:
            other = jobs[0].run
            alike = jobs[0].kind == "train" and replace(other, seed=job.run.seed, sgd=job.run.sgd) == job.run
            if len(found) < most and alike and held.enter_context(self._store.claimed(other.whole)):
                self._queue.remove(jobs)
                found.append(jobs)
        return found

    def _take_in(self, future: Future[Made], out: _Out) -> list[Job]:
        """Store what came back, and free its runs; what the connection took with it is sent again."""
        with out.claims:
            try:
                made = future.result()
                unpack(made, out.jobs, self._store)
            except (ClusterError, ValueError) as error:
                first = out.jobs[0]
                if isinstance(error, LostError) and self._again[first] < AGAIN:
                    self._again[first] += 1
                    self._queue.appendleft(out.jobs)
                else:
                    self._break(dict.fromkeys(out.jobs, str(error)))
                return []
        self._break(made.broke)
        self._note(made)
        for job in dict.fromkeys(job for run in made.contents for job in self._transfers.pop(run, ())):
            if self._ready(job):
                self._queue.appendleft((job,))
            else:
                self._transfers.setdefault(job.run, []).append(job)
                self._transfers.setdefault(job.run.sibling, []).append(job)
        return [job for job in out.jobs if job not in made.broke]

    def _break(self, broke: Mapping[Job, str]) -> None:
        """Remember what broke, for those who want it; what is measured on its network broke with it."""
        self._broke.update(broke)
        for job in broke:
            if job.kind == "train" and not self._store.trained(job.run):
                for waiting in self._transfers.pop(job.run, ()):
                    self._broke[waiting] = self._broke[job]

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

    def help_out(self) -> None:
        """Have all made that the session misses, whatever breaks."""
        while (self._queue or self._out) and not self._session.over() and self._lost is None:
            self._step()
