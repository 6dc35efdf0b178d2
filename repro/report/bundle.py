"""report.json read back: its parts, and the conditions of its session. Free of torch."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from ..errors import ReproError
from ..experiment.datasets import DATASETS
from ..experiment.readings import Reading
from ..experiment.regimes import Regime, Scale
from ..experiment.tasks import TASKS
from ..files.text import read_text
from ..runs.conditions import Conditions
from ..science.data.sources import Source

FORMAT: Final = 1  # raise it when a program that reads report.json has to read it otherwise
NAME: Final = "report.json"
# What is read of a report, and what it has to be: of the whole, of its session, of each claim.
WHOLE: Final = {"session": dict, "claims": list, "errors": list}
SESSION: Final = {"regime": dict, "data": dict}
CLAIM: Final = {
    **dict.fromkeys(("test", "id", "case", "verdict", "outcome", "shown", "declared"), str),
    "declaration": dict,
    "interval": list,
    "estimate": float | int | None,
}
ERROR: Final = {"test": str}


@dataclass(frozen=True)
class Report:
    """A report with the file it was read from."""

    path: Path
    session: dict[str, Any]
    claims: tuple[dict[str, Any], ...]
    errors: tuple[dict[str, Any], ...]

    @property
    def conditions(self) -> Conditions:
        """The conditions of its session; ReproError: they are not written as a session writes them."""
        try:
            return conditions_of(self.session)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            text = f"{type(error).__name__}: {error}"
            raise ReproError(f"{self.path}: the session's conditions cannot be read ({text})") from None


def load(place: Path) -> Report:
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
    if fault := _fault(content):
        raise ReproError(f"{path}: is no report of a session: {fault}")
    return Report(path, content["session"], tuple(content["claims"]), tuple(content["errors"]))


def _fault(content: Any) -> str:
    """What keeps a file from being a report that this version reads; empty if nothing."""
    if not isinstance(content, dict):
        return "it holds no table of parts"
    if "format" not in content:
        return "it has no format number (a report of an earlier version: run the session again, which trains nothing)"
    if content["format"] != FORMAT:
        return f"its format is {content['format']!r}, and this version reads {FORMAT}"
    if fault := _misfit(content, WHOLE) or _misfit(content["session"], SESSION):
        return fault
    partial = content["session"].get("partial", [])
    if not (isinstance(partial, list) and all(isinstance(word, str) for word in partial)):
        return "partial is not what it should be"
    return _entries_fault(content["claims"], content["errors"])


def _entries_fault(claims: Iterable[Any], errors: Iterable[Any]) -> str:
    for number, entry in enumerate(claims, start=1):
        if fault := _misfit(entry, CLAIM) or ("" if len(entry["interval"]) == 2 else "interval has no two ends"):
            return f"claim {number}: {fault}"
    faults = ((number, _misfit(error, ERROR)) for number, error in enumerate(errors, start=1))
    return next((f"error {number}: {fault}" for number, fault in faults if fault), "")


def _misfit(table: Any, kinds: Mapping[str, Any]) -> str:
    """The first part that is missing or of another kind; empty if all are as they should be."""
    if not isinstance(table, dict):
        return "no table"
    wrong = [name for name, kind in kinds.items() if name not in table or not isinstance(table[name], kind)]
    return f"{wrong[0]} is missing or not what it should be" if wrong else ""


def conditions_facts(conditions: Conditions) -> dict[str, Any]:
    """Conditions as plain JSON, from which ``conditions_of`` rebuilds them (but for where the data lay)."""
    regime = conditions.regime
    tasks = {task: asdict(scale) for task, scale in regime.scales.items()}
    return {
        "regime": {"name": regime.title, "reduced": regime.reduced, "tasks": tasks},
        "data": {name: {"kind": source.kind, "text": source.text} for name, source in conditions.sources.items()},
        **{name: getattr(conditions, name) for name in _plain_fields()},
    }


def conditions_of(session: Mapping[str, Any]) -> Conditions:
    """The conditions that ``conditions_facts`` wrote."""
    scales = {task: _scale(values) for task, values in session["regime"]["tasks"].items() if task in TASKS}
    sources = {name: Source(name, data["kind"], Path()) for name, data in session["data"].items() if name in DATASETS}
    rest = {name: _frozen(session[name]) for name in _plain_fields() if name in session}
    return Conditions(Regime(session["regime"]["name"], scales), sources, **rest)


def _plain_fields() -> list[str]:
    """The fields of conditions that are plain values: device, readings, and whatever is added."""
    return [field.name for field in fields(Conditions) if field.name not in ("regime", "sources")]


def _scale(values: Mapping[str, Any]) -> Scale:
    plain = {name: _frozen(value) for name, value in values.items() if name != "reading"}
    return Scale(**plain, reading=Reading(**{name: _frozen(value) for name, value in values["reading"].items()}))


def _frozen(value: Any) -> Any:
    """JSON's lists as the tuples they were."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
