"""report.json: what it holds, and how it is read back. Free of torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from ..errors import ReproError
from ..experiment import devices
from ..experiment import fields as numbers
from ..experiment.datasets import DATASETS
from ..experiment.fields import FIELDS, SEEDS, TooMuchError
from ..experiment.own import PREFIX
from ..experiment.papers import THIS, Paper
from ..experiment.precisions import FLOAT32
from ..experiment.readings import ALL_PARTS, NAMES, SOUND, Reading
from ..experiment.regimes import Regime, Scale
from ..experiment.tasks import TASKS
from ..files.regular import read_json
from ..files.staged import WHOLE, current
from ..runs.conditions import Conditions
from ..science.data.sources import Kind, Source
from ..verdicts.declaration import digest, folded, unfolded
from ..verdicts.entry import Broken, Entry, PlainCurve, Told
from ..words import printable
from .choices import Choice

FORMAT: Final = 1  # raise it when a program that reads report.json has to read it otherwise
NAME: Final = "report.json"
MOST: Final = 64 * 2**20  # bytes of a report that is read back
CARRIED: Final = [field.name for field in fields(Conditions) if field.name not in ("regime", "sources")]
MOST_RUNS: Final = 2_048  # of one recipe on one task
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
    trained_on: tuple[str, ...] = ()  # processors and versions of torch, where its runs were trained by several
    figures: tuple[int, ...] = ()
    paper: Paper = THIS
    store: str = ""  # where its runs are kept, from the report's folder on; see ``stores``
    merged: tuple[str, ...] = ()  # the commands of narrowed sessions whose verdicts were put among these

    @property
    def devices(self) -> str:
        """On which devices, as a person reads it."""
        return devices.told(self.device)

    @property
    def surrogate(self) -> bool:
        """Whether any of its data sets is the surrogate."""
        return any(data.kind == "surrogate" for data in self.data.values())


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All of report.json; ``terms`` of its verdicts' declarations and their ``curves``, by hash (see ``told_once``)."""

    format: int = FORMAT
    session: Session
    claims: tuple[Entry, ...]
    errors: tuple[Broken, ...]
    choices: tuple[Choice, ...] = ()
    terms: dict[str, Any] = msgspec.field(default_factory=dict)
    curves: dict[str, PlainCurve] = msgspec.field(default_factory=dict)

    @property
    def told(self) -> list[Told]:
        """Its verdicts, then the tests that have none."""
        return [*self.claims, *self.errors]


def told_once(report: Report) -> Report:
    """A report as it is written: terms and curves that many verdicts rest on stand once in it."""
    terms, curves = {**report.terms}, {**report.curves}
    claims = [
        with_curves(replace(entry, declaration=folded(entry.declaration, terms)), lambda c: _kept(c, curves))
        for entry in report.claims
    ]
    return replace(report, claims=tuple(claims), terms=terms, curves=curves)


def with_curves(entry: Entry, put: Callable[[PlainCurve | str], PlainCurve | str]) -> Entry:
    """An entry with something else in the place of each of its curves."""
    other = entry.equal_amount
    matched = replace(other, curves=tuple(map(put, other.curves))) if other else None
    return replace(entry, curves=tuple(map(put, entry.curves)), equal_amount=matched)


def _kept(curve: PlainCurve | str, known: dict[str, PlainCurve]) -> str:
    """The hash of a curve, which is ``known`` from then on."""
    if isinstance(curve, str):
        return curve
    name = digest(msgspec.to_builtins(curve))
    known[name] = curve
    return name


def session_of(conditions: Conditions, data: Mapping[str, DataTold] | None = None, **rest: Any) -> Session:
    """A session under these conditions, of which everything is told but where its data lay.

    ``data``: what is known of data sets in other words already.
    """
    regime = conditions.regime
    return Session(
        regime=RegimeTold(name=regime.title, reduced=regime.reduced, tasks=msgspec.to_builtins(regime.scales)),
        data={
            **{name: DataTold(kind=source.kind, text=source.text) for name, source in conditions.sources.items()},
            **(data or {}),
        },
        **{name: getattr(conditions, name) for name in CARRIED},
        **rest,
    )


@dataclass(frozen=True)
class Loaded:
    """A report with the file it was read from; ``session`` as that has it, with what only other versions know.

    ``beside``: whether it was found in its artifacts folder, where its figures are, too.
    """

    path: Path
    report: Report
    session: Mapping[str, Any]
    beside: bool = field(default=False, compare=False)

    @property
    def artifacts(self) -> Path:
        """The folder that it belongs to, also while it is on its way there with others."""
        folder = self.path.parent
        return folder.parent if self.beside and folder.name == WHOLE else folder

    @property
    def conditions(self) -> Conditions:
        """The conditions of its session. ReproError: a scale is none, or holds something this version does not know."""
        told = self.report.session
        if unknown := {*told.readings} - {*NAMES}:
            raise ReproError(
                f"{self.path}: this version does not know the session's reading {printable(min(unknown))!r}"
            )
        if told.until_decided is not None and not 2 <= told.until_decided <= SEEDS.most:
            raise ReproError(f"{self.path}: the session's until_decided must be 2 to {SEEDS.most:,}")
        try:
            scales = {task: _scale(table) for task, table in told.regime.tasks.items() if task in TASKS}
        except ValueError as error:
            raise ReproError(f"{self.path}: the session's conditions cannot be read: {_place(error)}") from None
        sources = {name: Source(name, data.kind, Path()) for name, data in told.data.items() if name in DATASETS}
        return Conditions(Regime(told.regime.name, scales), sources, **{name: getattr(told, name) for name in CARRIED})


def _scale(table: dict[str, Any]) -> Scale:
    scale = msgspec.convert(table, Scale)
    for name, one in FIELDS.items():
        value = scale.field(name)
        # the others are words, and have been read as such; a report may be of a session that left PGD out
        if isinstance(one.kind, numbers.Kind) and not (name == "pgd_restarts" and value == 0):
            _checked(name, one.kind, value)
    if scale.seeds * len(scale.batch_sizes) > MOST_RUNS:
        raise ValueError(f"a task has {scale.seeds * len(scale.batch_sizes):,} runs a line, more than {MOST_RUNS:,}")
    if unknown := {*table, *table["reading"]} - SCALE:
        raise ValueError(f"a task's scale has {min(unknown)}, which this version does not know")
    strange = [part for part in scale.reading.parts if part not in ALL_PARTS and not part.startswith(PREFIX)]
    if strange:
        raise ValueError(f"Invalid value {strange[0]!r} - at `$.reading.parts`")
    return scale


def _checked(name: str, kind: numbers.Kind, value: Any) -> None:
    """ValueError: a field of a scale is not what the option for it takes."""
    try:
        kind.checked([*value] if kind.several else 0 if value is None else value)
    except TooMuchError as error:
        raise ValueError(f"{name} must be {error}") from None
    except ValueError:
        raise ValueError(f"{name} = {printable(str(value))} must be {kind.right}") from None


def load(place: Path) -> Loaded:
    """The report in an artifacts folder, or of a report.json. ReproError: one line that says why there is none."""
    try:
        folder = _is_folder(place)
        path = current(place, NAME) if folder else place
        if path.is_dir():
            raise FileNotFoundError
        content = read_json(path, most=MOST, follow=not folder)
    except FileNotFoundError:
        raise ReproError(
            f"{path}: there is no such file; pytest claims writes it into its --artifacts"
            if folder
            else f"{place}: must be an artifacts folder or a {NAME}, and is neither"
        ) from None
    except OSError as error:
        raise ReproError(f"{place}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # no JSON, or no text at all, or no file; a name that cannot be one
        raise ReproError(f"{path}: is damaged, or no JSON ({error})") from None
    try:
        return Loaded(path, _report(content), content["session"], folder)
    except (ValueError, RecursionError) as error:
        raise ReproError(f"{path}: is no report of a session: {_place(error)}") from None


def _is_folder(place: Path) -> bool:
    try:
        return place.is_dir()
    except (OSError, ValueError):  # a name that is too long, or has a null character in it
        raise ReproError(f"{printable(str(place))}: must be an artifacts folder or a {NAME}, and is neither") from None


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
    try:
        devices.by_task(report.session.device)
    except ValueError as error:
        right = f"must be {' or '.join(devices.DEVICES)}, and TASK=DEVICE for a task on another"
        raise ValueError(f"its device {right}, and {printable(str(error))!r} is not") from None
    whole = [
        with_curves(
            replace(entry, declaration=unfolded(entry.declaration, report.terms)),
            lambda curve: report.curves.get(curve, curve) if isinstance(curve, str) else curve,
        )
        for entry in report.claims
    ]
    return replace(report, claims=tuple(whole))


def _place(error: Exception) -> str:
    """What is wrong, and where: from the top of the file, which needs no name."""
    return str(error).replace("`$.", "`")
