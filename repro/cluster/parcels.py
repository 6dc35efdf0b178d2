"""What goes to a worker and what comes back: whole runs as bytes, so that no folder need be shared.

``make_there`` runs in the worker: it lays out a store in a folder of its own, has the jobs made by the workshop that a
session on one machine uses, and returns the files. Keys and bits are therefore those of such a session.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import WeightsError, named_line
from ..experiment.readings import Reading
from ..runs.conditions import Conditions
from ..runs.integrity import RECORD, believed_of
from ..runs.run import Job, Run
from ..runs.store import WEIGHTS_FILE, Store, measures_name
from ..runs.workshop import Session, Workshop
from ..science.computing.faults import STATUS, lost_gpu
from . import ClusterError
from .at_work import Pulse
from .kept import kept
from .nodes import Files, find

Contents = Mapping[Run, Mapping[str, bytes]]  # the files of runs, by name


@dataclass(frozen=True)
class Parcel:
    """Jobs that one worker makes, in one go; ``stored``: what of them the session has, and what they are made from."""

    jobs: tuple[Job, ...]
    conditions: Conditions  # without sources: the worker has its own
    files: tuple[Files, ...]
    stored: Contents


@dataclass(frozen=True)
class Made:
    """What came of a parcel: the files of its runs; jobs that broke, each with why; where each job took how long."""

    contents: Contents
    broke: Mapping[Job, str]
    worker: str
    seconds: Mapping[Job, float]

    def has(self, job: Job) -> bool:
        """Whether what was measured of a job came."""
        return measures_name(job.reading) in self.contents.get(job.run, {})


def parcel(
    jobs: Iterable[Job],
    store: Store,
    conditions: Conditions,
    files: Iterable[Files],
    lacks: Callable[[Job, WeightsError], None],
) -> Parcel:
    """Pack jobs, with what is stored of their runs and of those that they are measured against.

    ``lacks`` is told of those that need weights which are not there; they are left out.
    """
    packed, stored = list[Job](), dict[Run, Mapping[str, bytes]]()
    for job in jobs:
        try:
            sound = [run for run in job.networks if run in stored or _sound(run, job, store)]
        except WeightsError as error:
            lacks(job, error)
        else:
            packed.append(job)
            stored |= {run: files_of(store, run) for run in sound if run not in stored}
    names = {job.run.task.dataset.name for job in packed}
    used = tuple(one for one in files if one.dataset in names)
    return Parcel(tuple(packed), replace(conditions, sources={}), used, stored)


def _sound(run: Run, job: Job, store: Store) -> bool:
    """Whether a run's record and weights are there; where they were damaged, it is trained anew for a job of its own.

    WeightsError: they are needed, and are not there.
    """
    sound = store.record(run) is not None and store.sound_weights(run) is not None
    if not sound and run != job.run:
        raise WeightsError(f"{run}: its record or weights were damaged, and transfer needs them")
    return sound


def files_of(store: Store, run: Run, measures: Iterable[Reading] = ()) -> dict[str, bytes]:
    """The files of a run's training, and those of these readings. FileNotFoundError: there is no such run."""
    folder = store.weights(run).parent
    names = [RECORD, WEIGHTS_FILE, *(measures_name(reading) for reading in measures)]
    return {name: (folder / name).read_bytes() for name in names}


def make_there(work: Parcel, worker: str, pulse: Pulse) -> Made:
    """Make the jobs of a parcel here. ClusterError: this machine has not the data, which it had when it was taken."""
    sources = {one.dataset: source for one in work.files if (source := find(one)) is not None}
    if missing := [one.dataset for one in work.files if one.dataset not in sources]:
        raise ClusterError(f"worker {worker}: {', '.join(missing)} is gone from its disk")
    with kept(work.jobs[0].run) as folder:
        store = Store(folder)
        store.prepare()
        for run, files in work.stored.items():
            put(store, run, files, ())
        session = Session(work.jobs, pulse=pulse, broke=_leave_if_lost)
        workshop = Workshop(store, replace(work.conditions, sources=sources), session)
        broke, seconds = _make(work.jobs, workshop, pulse)
        made: dict[Run, dict[str, bytes]] = {}
        for run, readings in _by_run(job for job in work.jobs if store.has(*job)).items():
            made[run] = files_of(store, run, readings)
            if work.stored.get(run, {}).get(WEIGHTS_FILE) == made[run][WEIGHTS_FILE]:  # the session has the training
                made[run] = {name: made[run][name] for name in map(measures_name, readings)}
    return Made(made, broke, worker, seconds)


def _leave_if_lost(_: Sequence[Run], error: Exception) -> None:
    """End a worker whose GPU failed, before it takes further parcels: Dask starts another, and tries this one again."""
    if lost_gpu(error):
        os._exit(STATUS)


def _make(jobs: tuple[Job, ...], workshop: Workshop, pulse: Pulse) -> tuple[dict[Job, str], dict[Job, float]]:
    """Have the jobs made, each whatever becomes of the others; why those that broke did, and what each took."""
    broke, seconds = {}, {}
    for job in jobs:
        pulse(job.run, 0, None)
        began = time.monotonic()
        try:
            workshop.obtain([job])
        except Exception as error:
            broke[job] = named_line(error)
        seconds[job] = time.monotonic() - began
    return broke, seconds


def put(store: Store, run: Run, files: Mapping[str, bytes], readings: Iterable[Reading]) -> None:
    """Store what came of a run: its training if it is there, then its measures under these readings.

    ValueError: what came is not what its checksums are of.
    """
    measured = (  # one that broke has no file; each is looked at when what came before it is stored
        (reading, believed_of(files[name], run.key, name).content)
        for name, reading in ((measures_name(reading), reading) for reading in readings)
        if name in files
    )
    if RECORD in files:
        sent = believed_of(files[RECORD], run.key, RECORD)
        if sent.weights not in (None, hashlib.sha256(files[WEIGHTS_FILE]).hexdigest()):
            raise ValueError(f"{run}: the weights that came are not those of its record")
        record = {name: value for name, value in sent.content.items() if name != "run"}  # the store writes that itself
        store.put_run(run, record, files[WEIGHTS_FILE], measured)
    else:
        for reading, measures in measured:
            store.put_measures(run, reading, measures)


def _by_run(jobs: Iterable[Job]) -> dict[Run, list[Reading]]:
    found: dict[Run, list[Reading]] = {}
    for run, reading in jobs:
        found.setdefault(run, []).append(reading)
    return found


def unpack(made: Made, jobs: Iterable[Job], store: Store) -> None:
    """Store what came back of these jobs."""
    for run, readings in _by_run(jobs).items():
        put(store, run, made.contents.get(run, {}), readings)
