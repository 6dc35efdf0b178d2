"""Why what a session needs is not stored, in a line for each reason. Free of torch.

A store may hold what is almost wanted: runs of another version of the code, or measures under another reading.
"""

import importlib.metadata
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

import msgspec

from ..experiment.devices import DEVICES
from ..experiment.readings import Reading
from ..words import counted
from .run import Job, Run
from .store import Record, Store

ALL: Final = 1 << 20  # runs that are looked at
VERSIONS: Final = ("version", "surrogate")  # of a run's spec


def reasons(missing: Iterable[Job], trained: Collection[Run], store: Store) -> list[str]:
    """Lines on what is ``missing``, the commonest reason first, and on what is ``trained`` by another minor torch."""
    jobs, others = [*missing], defaultdict[str, list[dict[str, Any]]](list)
    if any(store.record(job.run) is None for job in jobs):
        for record, _ in store.sample(ALL, measured=False):
            with suppress(KeyError, TypeError, AttributeError):  # no run of ours
                others[_unversioned(record["run"])].append(record["run"])
    found = Counter(_reason(job, others, store) for job in jobs)
    lines = [f"missing: {counted(count, 'measurement')} {reason}" for reason, count in found.most_common()]
    return [*lines, *_of_other_torch(trained, store)]


def minor(version: str) -> str:
    """A version of torch without what is mended in it or how it was built, as in ``2.11``."""
    return ".".join(version.split(".")[:2])


def _unversioned(spec: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in spec.items() if name not in VERSIONS}, sort_keys=True)


def _reason(job: Job, others: Mapping[str, Sequence[Mapping[str, Any]]], store: Store) -> str:
    """Why a job is missing; ``others``: the specs of stored runs, by what they are without their versions."""
    if store.record(job.run) is not None:
        return _unlike(job.reading, [*_readings(store.all_measures(job.run))])
    alike = others.get(_unversioned(job.run.spec), [])
    if not alike:
        possible = DEVICES if others else ()
        elsewhere = [device for device in possible if _unversioned({**job.run.spec, "device": device}) in others]
        return f"of networks that are stored as trained on {elsewhere[0]} (--device)" if elsewhere else "never made"
    other = "network" if all(spec.get("version") != job.run.version for spec in alike) else "surrogate"
    return f"made by another version of the {other}"


def _readings(measures: Iterable[Record]) -> Iterable[Reading]:
    for one in measures:
        with suppress(KeyError, msgspec.MsgspecError):  # of a form that this version does not know
            yield msgspec.convert(one["reading"], Reading)


def _unlike(wanted: Reading, stored: Sequence[Reading]) -> str:
    """In what the nearest of the readings under which a trained run was measured is not the one that is wanted."""
    if wanted in stored:
        return "measured by another version of the measuring"
    alike = [reading for reading in stored if reading.parts == wanted.parts]
    if not alike:
        return f"of networks that are trained, never made: {', '.join(wanted.parts)}"
    ours = asdict(wanted)
    unlike = [[name for name, value in asdict(reading).items() if value != ours[name]] for reading in alike]
    names, nearest = min(zip(unlike, alike, strict=True), key=lambda one: len(one[0]))
    told = (f"{_told(nearest, name)}, not {_value(wanted, name)}" for name in names)
    return f"of networks that are trained, measured with {' and '.join(told)}"


def _told(reading: Reading, name: str) -> str:
    return f"{name.removeprefix('given_').replace('_', ' ')} {_value(reading, name)}"


def _value(reading: Reading, name: str) -> str:
    value = getattr(reading, name)
    if value is None:
        return "the paper's" if name == "given_epsilon" else "all"
    return str(value)


def _of_other_torch(trained: Collection[Run], store: Store) -> list[str]:
    """A line for each other minor version of torch that runs of the session were trained by."""
    here, records = minor(importlib.metadata.version("torch")), filter(None, map(store.record, trained))
    found = Counter(minor(str(record["torch"])) for record in records if record.get("torch"))
    return [
        f"stored: {counted(count, 'training')} by torch {other}, this is {here}, which may round differently"
        for other, count in sorted(found.items())
        if other != here
    ]
