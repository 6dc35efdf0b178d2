"""Why what a session needs is not stored, in a line for each reason. Free of torch.

A store may hold what is almost wanted: runs of another version of the code, or measures under another reading.
"""

import importlib.metadata
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

import msgspec

from ..experiment.readings import Reading
from ..words import counted
from .run import Job, Run
from .store import Record, Store

ALL: Final = 1 << 20  # runs that are looked at
VERSIONS: Final = ("version", "surrogate")  # of a run's spec
Stored = dict[str, list[tuple[Record, list[Record]]]]  # by the spec without its versions


def reasons(missing: Iterable[Job], trained: Collection[Run], store: Store) -> list[str]:
    """Lines on what is ``missing``, the commonest reason first, and on what is ``trained`` by another minor torch."""
    stored: Stored = defaultdict(list)
    for record, measures in store.sample(ALL):
        with suppress(KeyError, TypeError, AttributeError):  # no run of ours
            stored[_unversioned(record["run"])].append((record, measures))
    found = Counter(_reason(job, stored) for job in missing)
    lines = [f"missing: {counted(count, 'measurement')} {reason}" for reason, count in found.most_common()]
    return [*lines, *_of_other_torch(trained, stored)]


def minor(version: str) -> str:
    """A version of torch without what is mended in it or how it was built, as in ``2.11``."""
    return ".".join(version.split(".")[:2])


def _unversioned(spec: dict[str, Any]) -> str:
    return json.dumps({name: value for name, value in spec.items() if name not in VERSIONS}, sort_keys=True)


def _reason(job: Job, stored: Stored) -> str:
    spec = job.run.spec
    alike = stored.get(_unversioned(spec), [])
    same = [measures for record, measures in alike if _versions(record["run"]) == _versions(spec)]
    if same:
        return _unlike(job.reading, [*_readings(same[0])])
    if not alike:
        return "never made"
    other = "network" if all(record["run"].get("version") != job.run.version for record, _ in alike) else "surrogate"
    return f"made by another version of the {other}"


def _versions(spec: dict[str, Any]) -> list[Any]:
    return [spec.get(name) for name in VERSIONS]


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


def _of_other_torch(trained: Collection[Run], stored: Stored) -> list[str]:
    """A line for each other minor version of torch that runs of the session were trained by."""
    here, found = minor(importlib.metadata.version("torch")), Counter[str]()
    for run in trained:
        for record, _ in stored.get(_unversioned(run.spec), []):
            if _versions(record["run"]) == _versions(run.spec) and record.get("torch"):
                found[minor(str(record["torch"]))] += 1
    return [
        f"stored: {counted(count, 'training')} by torch {other}, this is {here}, which may round differently"
        for other, count in sorted(found.items())
        if other != here
    ]
