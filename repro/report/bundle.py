"""report.json: what it holds, and how it is read back. Free of torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ..errors import ReproError
from ..experiment.datasets import DATASETS
from ..experiment.own import PREFIX
from ..experiment.precisions import FLOAT32
from ..experiment.readings import ALL_PARTS, NAMES, SOUND, Reading
from ..experiment.regimes import Regime, Scale
from ..experiment.tasks import TASKS
from ..files.text import read_text
from ..runs.conditions import Conditions
from ..science.data.sources import Kind, Source
from ..verdicts.declaration import folded, unfolded
from ..verdicts.entry import Broken, Entry, Told
from .choices import Choice

FORMAT: Final = 1  # raise it when a program that reads report.json has to read it otherwise
NAME: Final = "report.json"
CARRIED: Final = [field.name for field in fields(Conditions) if field.name not in ("regime", "sources")]
SCALE: Final = {field.name for kind in (Scale, Reading) for field in fields(kind)}


class RegimeTold(msgspec.Struct, frozen=True, kw_only=True):
    """The regime of a session; ``tasks``: each one's ``Scale``, of which another version may hold something else."""

    name: str
    reduced: bool
    tasks: dict[str, dict[str, Any]]


class DataTold(msgspec.Struct, frozen=True, kw_only=True):
    """What a data set was."""

    kind: Kind
    text: str


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine that a report was made on; see ``runs.hardware``."""

    system: str = ""
    processor: str = ""
    cores: int | None = None
    memory_gib: float | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session as its report tells of it: how it was called, under which conditions, where."""

    command: str = ""
    seconds: float = 0.0
    partial: tuple[str, ...] = ()  # what narrowed it
    strict: bool = False
    regime: RegimeTold
    data: dict[str, DataTold]
    device: str
    readings: tuple[str, ...] = (SOUND,)
    until_decided: int | None = None
    trained_as: tuple[str, ...] = ()
    precision: str = FLOAT32
    commit: str | None = None
    dirty: bool | None = None
    versions: dict[str, str] = msgspec.field(default_factory=dict)
    hardware: Machine = Machine()
    trained_on: tuple[str, ...] = ()  # the processors, where the runs that verdicts stand on were trained on several
    figures: tuple[int, ...] = ()

    @property
    def surrogate(self) -> bool:
        """Whether any of its data sets is the surrogate."""
        return any(data.kind == "surrogate" for data in self.data.values())


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of report.json; ``terms``: of its verdicts' declarations, by their hash (see ``told_once``)."""

    format: int = FORMAT
    session: Session
    claims: tuple[Entry, ...]
    errors: tuple[Broken, ...]
    choices: tuple[Choice, ...] = ()
    terms: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def told(self) -> list[Told]:
        """Its verdicts, then the tests that have none."""
        return [*self.claims, *self.errors]


def told_once(report: Report) -> Report:
    """A report as it is written: terms that many verdicts were declared under stand once in it."""
    terms = {**report.terms}
    claims = [replace(entry, declaration=folded(entry.declaration, terms)) for entry in report.claims]
    return replace(report, claims=tuple(claims), terms=terms)


def session_of(conditions: Conditions, **rest: Any) -> Session:
    """A session under these conditions, of which everything is told but where its data lay."""
    regime = conditions.regime
    return Session(
        regime=RegimeTold(name=regime.title, reduced=regime.reduced, tasks=msgspec.to_builtins(regime.scales)),
        data={name: DataTold(kind=source.kind, text=source.text) for name, source in conditions.sources.items()},
        **{name: getattr(conditions, name) for name in CARRIED},
        **rest,
    )


@dataclass(frozen=True)
class Loaded:
    """A report with the file it was read from; ``session`` as that has it, with what only other versions know."""

    path: Path
    report: Report
    session: Mapping[str, Any]

    @property
    def conditions(self) -> Conditions:
        """The conditions of its session. ReproError: a scale is none, or holds something this version does not know."""
        told = self.report.session
        if unknown := {*told.readings} - {*NAMES}:
            raise ReproError(f"{self.path}: this version does not know the session's reading {min(unknown)!r}")
        try:
            scales = {task: _scale(table) for task, table in told.regime.tasks.items() if task in TASKS}
        except ValueError as error:
            raise ReproError(f"{self.path}: the session's conditions cannot be read: {_place(error)}") from None
        sources = {name: Source(name, data.kind, Path()) for name, data in told.data.items() if name in DATASETS}
        return Conditions(Regime(told.regime.name, scales), sources, **{name: getattr(told, name) for name in CARRIED})


def _scale(table: dict[str, Any]) -> Scale:
    scale = msgspec.convert(table, Scale)
    if unknown := {*table, *table["reading"]} - SCALE:
        raise ValueError(f"a task's scale has {min(unknown)}, which this version does not know")
    strange = [part for part in scale.reading.parts if part not in ALL_PARTS and not part.startswith(PREFIX)]
    if strange:
        raise ValueError(f"Invalid value {strange[0]!r} - at `$.reading.parts`")
    return scale


def load(place: Path) -> Loaded:
    """The report in an artifacts folder, or of a report.json. ReproError: one line that says why there is none."""
    path = place / NAME if place.is_dir() else place
    if not path.is_file():
        raise ReproError(
            f"{path}: there is no such file; pytest claims writes it into its --artifacts"
            if place.is_dir()
            else f"{place}: must be an artifacts folder or a {NAME}, and is neither"
        )
    try:
        content = json.loads(read_text(path))
    except OSError as error:
        raise ReproError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:  # no JSON, or no text at all
        raise ReproError(f"{path}: is damaged, or no JSON ({error})") from None
    try:
        return Loaded(path, _report(content), content["session"])
    except (ValueError, RecursionError) as error:
        raise ReproError(f"{path}: is no report of a session: {_place(error)}") from None


def _report(content: Any) -> Report:
    """Plain JSON as a report. ValueError: what keeps it from being one that this version reads."""
    if not isinstance(content, dict):
        raise ValueError("it holds no table of parts")
    if "format" not in content:
        raise ValueError(
            "it has no format number (a report of an earlier version: run the session again, which trains nothing)"
        )
    if content["format"] != FORMAT:
        raise ValueError(f"its format is {content['format']!r}, and this version reads {FORMAT}")
    report = msgspec.convert(content, Report)
    whole = [replace(entry, declaration=unfolded(entry.declaration, report.terms)) for entry in report.claims]
    return replace(report, claims=tuple(whole))


def _place(error: Exception) -> str:
    """What is wrong, and where: from the top of the file, which needs no name."""
    return str(error).replace("`$.", "`")
