"""A session's runs in parts that share nothing, for array jobs: which run belongs to which part. Free of torch.

What belongs together is made by one part: a run with its checkpoints, shorter trainings and readings, and the runs of
an even seed and the next one, each of which is attacked with images made on the other. A later seed is attacked with
images made on the one before it; where another part trains that one, this measure is left for the session that has all
parts. Groups are dealt by what they cost, so that parts end at about the same time. The built-in table of costs
decides, not what runs took somewhere: every part has to come to the same division, on whatever machine.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self

from .costs import Costs
from .run import Job, Run
from .workshop import StoppedError


@dataclass(frozen=True)
class Shard:
    """One part of a session: the ``number``-th, from 1, of ``count``."""

    number: int
    count: int

    @classmethod
    def read(cls, text: str) -> Self:
        """The part that a text like 3/8 names. ValueError: it names none."""
        number, _, count = text.partition("/")
        if not (_is_number(number) and _is_number(count) and 1 <= int(number) <= int(count)):
            raise ValueError(text)
        return cls(int(number), int(count))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def of(self, jobs: Iterable[Job]) -> list[Job]:
        """Those of a session's jobs that this part makes, in the order of the session."""
        jobs = [*jobs]
        dealt = deal(jobs, self.count)
        mine = self.number - 1
        return [job for job in jobs if dealt[group_of(job.run)] == mine and _is_whole(job, dealt, mine)]


class ElsewhereError(StoppedError):
    """A verdict needs runs that other parts of the session make."""


def group_of(run: Run) -> Run:
    """What stands for all runs that are made by the same part as this one."""
    return replace(run.whole, seed=run.seed - run.seed % 2)


def deal(jobs: Iterable[Job], count: int) -> dict[Run, int]:
    """The part, from 0, of each group of runs: the dearest first, each to the part that has the least to do."""
    sums = defaultdict[Run, float](float)
    for job, seconds in Costs().of(sorted(jobs, key=_name)).items():
        sums[group_of(job.run)] += seconds
    loads = [(0.0, part) for part in range(count)]
    dealt = {}
    for group in sorted(sums, key=lambda group: (-sums[group], group.key)):
        load, part = loads[0]
        heapq.heapreplace(loads, (load + sums[group], part))
        dealt[group] = part
    return dealt


def _name(job: Job) -> tuple[str, str]:
    return job.run.key, repr(job.reading)


def _is_whole(job: Job, dealt: dict[Run, int], part: int) -> bool:
    """Whether a part has all networks that a job takes."""
    return job.kind != "transfer" or dealt.get(group_of(job.run.sibling)) == part


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()
