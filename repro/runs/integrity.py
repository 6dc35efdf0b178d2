"""What a file of the store must be to be believed. Free of torch.

A file of JSON carries the SHA-256 of its own content and of the place that it belongs to (``KEY/run.json``), under the
name ``checksum``; the record also has that of the run's weights, and measures that of the weights they were taken of.
So a byte that flipped, an edited digit, a file that was cut or one that belongs to another run is noticed. A record is
the one of its folder where the folder's name is the hash of the run in it.

Files of before there were checksums are unsigned. They are believed where they hold exactly what such files hold, of
the right types and in the right ranges, and where their own names follow from them. They stay unsigned: a checksum that
is made up later would vouch for what nobody checked. A checksum protects from accidents, and from no one who forges.
"""

import hashlib
import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ..files.regular import parsed, read_regular
from .run import MEASURING_VERSION, hash_of

Content = dict[str, Any]

CHECKSUM: Final = "checksum"
WEIGHTS: Final = "weights"  # of a record and of measures: the checksum of the weights that they speak of
RECORD: Final = "run.json"
MEASURES: Final = "measures-"
MOST: Final = 16 * 2**20  # bytes of a record
SHARES: Final = frozenset(
    f"{name}_accuracy" for name in ("test", "train", "fgsm", "fgsm_sound", "pgd", "pgd_sound", "transfer")
) | {"saturated", "zero_gradient"}
TAKEN: Final = {  # of each part of a reading, what its measures have in any case
    "accuracy": ("test_accuracy", "train_accuracy", "train_loss", "median_margin"),
    "attacks": ("fgsm_accuracy", "fgsm_sound_accuracy"),
    "curvature": ("lambda1",),
    "transfer": ("transfer_accuracy",),
}

Count = Annotated[int, Meta(ge=0, le=2**53)]
NotNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Number = Annotated[float, Meta(ge=-1e308, le=1e308)] | None


class _Record(msgspec.Struct):
    """The types and ranges of what a record holds, as far as it is there."""

    run: dict[str, Any]
    steps: Count | UnsetType = UNSET
    training_amount: NotNegative | UnsetType = UNSET
    diverged: bool | UnsetType = UNSET
    diverged_at: Count | UnsetType | None = UNSET
    losses: list[float] | UnsetType = UNSET
    seconds: NotNegative | UnsetType | None = UNSET
    weights: str | UnsetType = UNSET


class _Unsigned(msgspec.Struct, forbid_unknown_fields=True):
    """The record of before there were checksums: all of this, and nothing else."""

    run: dict[str, Any]
    steps: Count
    training_amount: NotNegative
    diverged: bool
    losses: list[float]
    seconds: NotNegative | None
    diverged_at: Count | None = None
    execution: str = ""
    torch: str = ""
    machine: str = ""
    processor: str = ""
    cohort: Count | str = 0


class _Measures(msgspec.Struct):
    """The types and ranges of what a file of measures holds, as far as it is there."""

    reading: dict[str, Any] | UnsetType = UNSET
    measures: dict[str, Number | dict[str, Number]] | UnsetType = UNSET
    seconds: NotNegative | UnsetType = UNSET
    weights: str | UnsetType = UNSET


class _UnsignedMeasures(msgspec.Struct, forbid_unknown_fields=True):
    """The measures of before there were checksums."""

    reading: dict[str, Any]
    measures: dict[str, Number | dict[str, Number]]
    seconds: NotNegative


@dataclass(frozen=True)
class Believed:
    """What a file holds but for its checksums: whether it had its own, and that of the weights if it has one."""

    content: Content
    signed: bool
    weights: str | None


def signed(content: Content, place: str) -> Content:
    """The content with its checksum, for a file at this place (``KEY/NAME``)."""
    return {**content, CHECKSUM: _digest(content, place)}


def _digest(content: Content, place: str) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(f"{place}\n{text}".encode()).hexdigest()


def believed(path: Path) -> Believed:
    """What a record or a file of measures holds, at its place in a store.

    FileNotFoundError: there is none. ValueError: it cannot be believed; the words say why. OSError: it cannot be read.
    """
    _ordinary(path.parent)
    return believed_of(read_regular(path, most=MOST), path.parent.name, path.name)


def believed_of(data: bytes, key: str, name: str) -> Believed:
    """What the bytes of such a file hold. ValueError: they cannot be believed."""
    try:
        content = parsed(data)
        if not isinstance(content, dict):
            raise ValueError("it holds no table of parts")
        found = content.pop(CHECKSUM, None)
        if found is not None and found != _digest(content, f"{key}/{name}"):
            raise ValueError("it is not what its checksum is of")
        _shaped(content, name, signed=found is not None)
        if name == RECORD and hash_of(content["run"]) != key:
            raise ValueError("it is the record of another run")
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON ({error})") from None
    except (RecursionError, OverflowError):
        raise ValueError("it is nested too deep, or holds too large a number") from None
    return Believed(content, found is not None, content.pop(WEIGHTS, None))


def _ordinary(folder: Path) -> None:
    """ValueError: the run's folder is a link, which might lead anywhere, or no folder."""
    try:
        kind = folder.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISLNK(kind):
        raise ValueError("its folder is a link")
    if not stat.S_ISDIR(kind):
        raise ValueError("its folder is none")


def _shaped(content: Content, name: str, *, signed: bool) -> None:
    """ValueError: a part is of the wrong type or out of its range, or what is unsigned has another shape."""
    if name == RECORD:
        msgspec.convert(content, _Record if signed else _Unsigned)
    elif signed:
        _in_range(msgspec.convert(content, _Measures).measures)
    else:
        told = msgspec.convert(content, _UnsignedMeasures)
        _in_range(told.measures)
        _follows(told, name)


def _in_range(measures: dict[str, Number | dict[str, Number]] | UnsetType) -> None:
    """ValueError: an accuracy is none, or a loss."""
    if isinstance(measures, dict):
        msgspec.convert({field: value for field, value in measures.items() if field in SHARES}, dict[str, Share])
        if "train_loss" in measures:
            msgspec.convert(measures["train_loss"], NotNegative)


def _follows(told: _UnsignedMeasures, name: str) -> None:
    """ValueError: unsigned measures lack one that their reading takes, or the file's name is not that reading's."""
    versions, reading = range(1, MEASURING_VERSION + 1), dict(told.reading)
    if reading.get("given_epsilon") is None:  # as in keys: what nobody set is not told
        reading.pop("given_epsilon", None)
    if not any(name == f"{MEASURES}{hash_of({**reading, 'version': v})}.json" for v in versions):
        raise ValueError("its name is not that of the reading in it")
    taken = [field for part in told.reading.get("parts", ()) for field in TAKEN.get(part, ())]
    if told.measures and (lacking := [field for field in taken if field not in told.measures]):
        raise ValueError(f"it lacks the measure {lacking[0]}")


def agree(record: Believed, measures: Believed) -> None:
    """ValueError: some measures are not of the run whose record is beside them, or say nothing of one that has some."""
    if measures.weights != record.weights and None not in (measures.weights, record.weights):
        raise ValueError("it was measured on other weights than the record is of")
    if measures.signed or measures.content["measures"] or record.content["diverged"]:
        return
    if [*measures.content["reading"]["parts"]] != ["transfer"]:  # from a network that diverged
        raise ValueError("it holds no measures, and the run did not diverge")


def hashes(content: Mapping[str, Any]) -> str:
    """The name of a file that is named by its content, as those of what sessions decided are."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]
