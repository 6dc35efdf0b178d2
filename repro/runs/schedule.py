"""When a sweep would be over on so many workers: list scheduling, played through. Free of torch.

As in ``workshop``: a worker that is free takes the first work of the list that may begin. What belongs to one run
(its training, its checkpoints and further readings) is done by one worker at a time, and a reading waits for the
training it needs. Source of the bounds: Graham 1969, Bounds on multiprocessing timing anomalies.
"""

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from .costs import Job


@dataclass(frozen=True)
class Work:
    """Work for one worker: ``of`` is what it belongs to, ``after`` the names of work that must be done before."""

    name: Hashable
    seconds: float
    of: Hashable
    after: tuple[Hashable, ...] = ()


@dataclass(frozen=True)
class Slot:
    """Work as it was done: by which worker, from when to when, in seconds since the beginning."""

    work: Work
    worker: int
    begin: float
    end: float


@dataclass(frozen=True)
class Schedule:
    """Who does what when, in the order in which it begins."""

    slots: tuple[Slot, ...]
    workers: int

    @property
    def makespan(self) -> float:
        """Seconds until the last work is done."""
        return max((slot.end for slot in self.slots), default=0.0)

    @cached_property
    def work(self) -> float:
        """Seconds of all work, on one worker."""
        return sum(slot.work.seconds for slot in self.slots)

    @cached_property
    def longest(self) -> float:
        """Seconds of all that belongs to one run, of the longest: no number of workers ends sooner."""
        sums: defaultdict[Hashable, float] = defaultdict(float)
        for slot in self.slots:
            sums[slot.work.of] += slot.work.seconds
        return max(sums.values(), default=0.0)

    @property
    def lower_bound(self) -> float:
        """Seconds that no order of the work can beat."""
        return max(self.work / self.workers, self.longest)

    @property
    def idle(self) -> float:
        """The share of the workers' time, up to the makespan, in which they have nothing to do."""
        return 1 - self.work / (self.workers * self.makespan) if self.makespan else 0.0

    def timeline(self, worker: int) -> list[Slot]:
        """What one worker does, in turn."""
        return [slot for slot in self.slots if slot.worker == worker]


def simulate(work: Sequence[Work], workers: int) -> Schedule:
    """Do the work with so many workers, who take it in its order.

    ValueError: no workers, two pieces of one name, or work that waits for what is not there or for itself.
    """
    if workers < 1:
        raise ValueError(f"workers={workers}: must be at least 1")
    if len({w.name for w in work}) < len(work):
        raise ValueError("work: no two pieces may have one name")
    return Schedule(tuple(_Play(work, workers).slots()), workers)


class _Play:
    """The state of a simulation. Work is named by its place in the list, which is its rank."""

    def __init__(self, work: Sequence[Work], workers: int) -> None:
        self._work = work
        self._lacks = [len(set(w.after)) for w in work]
        self._next: defaultdict[Hashable, list[int]] = defaultdict(list)  # what waits for work of this name
        for i, w in enumerate(work):
            for name in set(w.after):
                self._next[name].append(i)
        self._ready = [i for i, lacks in enumerate(self._lacks) if not lacks]  # a heap, for it is sorted
        self._free = list(range(workers))
        self._held: dict[Hashable, list[int]] = {}  # what is being worked on, and what waits for that
        self._running: list[tuple[float, int, int]] = []  # end, worker, work

    def slots(self) -> list[Slot]:
        now, done = 0.0, []
        while True:
            for i, worker in self._begun():
                end = now + self._work[i].seconds
                heapq.heappush(self._running, (end, worker, i))
                done.append(Slot(self._work[i], worker, now, end))
            if not self._running:
                break
            now = self._running[0][0]
            while self._running and self._running[0][0] == now:
                self._end(*heapq.heappop(self._running)[1:])
        if len(done) < len(self._work):
            left = next(w.name for w, lacks in zip(self._work, self._lacks, strict=True) if lacks)
            raise ValueError(f"{left}: waits for work that is not there, or for itself")
        return done

    def _begun(self) -> Iterable[tuple[int, int]]:
        while self._free and self._ready:
            i = heapq.heappop(self._ready)
            held = self._held.get(self._work[i].of)
            if held is not None:
                held.append(i)
                continue
            self._held[self._work[i].of] = []
            yield i, heapq.heappop(self._free)

    def _end(self, worker: int, i: int) -> None:
        heapq.heappush(self._free, worker)
        for other in self._held.pop(self._work[i].of):
            heapq.heappush(self._ready, other)
        for other in self._next[self._work[i].name]:
            self._lacks[other] -= 1
            if not self._lacks[other]:
                heapq.heappush(self._ready, other)


def work_of(jobs: Iterable[Job], seconds: Mapping[Job, float]) -> list[Work]:
    """Jobs as work, in their order: a reading follows those trainings that it needs which are among the jobs."""
    jobs = list(jobs)
    first = {run: (run, reading) for run, reading in jobs if "accuracy" in reading.parts}
    found = []
    for run, reading in jobs:
        needs = [run.whole] if "accuracy" in reading.parts else [run, run.whole]
        needs += [run.sibling] if "transfer" in reading.parts else []
        after = dict.fromkeys(first[need] for need in needs if need in first and first[need] != (run, reading))
        found.append(Work((run, reading), seconds[run, reading], run.whole, tuple(after)))
    return found
