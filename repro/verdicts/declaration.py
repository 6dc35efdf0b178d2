"""What decides a claim, as plain data and as a hash: a margin that was moved shows. Free of torch.

Hashed are the claim's id and case, its estimand with every field (margins among them), its curves in their order, and
the error it is decided at. Left out is what decides nothing: the sentence, the reason of the margin, the figures; and
what a session chooses: the regime with its seeds and batch sizes. So a session that adds seeds declares nothing new.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, Final

from ..errors import ReproError
from ..statistics.estimands import ERROR
from ..statistics.units import CORRELATION, FACTOR, POINTS, SHARE, Margin, Unit
from .claim import Case
from .curves import Curve

DIGITS: Final = 12  # of the hash, in hexadecimal
UNITS: Final = {unit.name: unit for unit in (POINTS, FACTOR, SHARE, CORRELATION)}


def declaration(case: Case) -> dict[str, Any]:
    """All that decides a case, as plain JSON. ReproError: its estimand holds something that is none."""
    try:
        holds_if = _plain(case.holds_if)
    except TypeError as error:
        raise ReproError(f"{case.claim.id}: holds_if = {case.holds_if!r} cannot be hashed: {error}") from None
    return {
        "claim": case.claim.id,
        "case": case.id,
        "holds_if": holds_if,
        "curves": [_curve(curve) for curve in case.curves],
        "error": ERROR,
    }


def digest(declared: Mapping[str, Any]) -> str:
    """The hash of a declaration: sha256 of its canonical JSON, the first 12 hexadecimal digits."""
    text = json.dumps(declared, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What differs between two declarations, a phrase each, as in ``holds_if.within: 5 points -> 2 points``."""
    one, other = _leaves(before), _leaves(after)
    return [
        f"{path}: {one.get(path, 'none')} -> {other.get(path, 'none')}"
        for path in dict.fromkeys([*one, *other])
        if one.get(path) != other.get(path)
    ]


def _curve(curve: Curve) -> dict[str, Any]:
    """A curve without the label of its measure, which decides nothing."""
    measure = curve.measure
    return {
        "task": str(curve.task),
        "recipe": [curve.recipe.name, float(curve.recipe.momentum)],
        "measure": measure.field,
        "unit": measure.unit.name,
        "floor": measure.floor,
        "diverged": measure.diverged,
    }


def _plain(value: Any) -> Any:
    """A value as JSON in which equal values have equal texts: 1 and 1.0 are one number."""
    if value is None or isinstance(value, str | bool):
        return str(value) if isinstance(value, Enum) else value
    if isinstance(value, int | float):
        number = float(value)
        return number if abs(number) < float("inf") else str(number)  # NaN too: it is below nothing
    if isinstance(value, Unit):
        return value.name
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return _object(value)


def _object(value: Any) -> dict[str, Any] | str:
    """An estimand (or a part of one) by its class and fields; a function by its name."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
    elif callable(value) and hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    elif hasattr(value, "__dict__"):
        parts = vars(value)
    else:
        raise TypeError(f"a {type(value).__name__} is no number, text, list, margin or object with fields")
    plain = {name: _plain(part) for name, part in parts.items()}
    return plain if isinstance(value, Margin) else {"kind": type(value).__name__, **plain}


def _margin(value: Mapping[str, Any]) -> str:
    """A margin in its own words; empty for what is none, as anything in a stranger's report may be."""
    try:
        return str(Margin(value["size"], UNITS[value["unit"]])) if len(value) == 2 else ""
    except (KeyError, TypeError, ValueError, OverflowError):
        return ""


def _leaves(value: Any, path: str = "") -> dict[str, str]:
    """Every leaf of nested data under its path; a margin is a leaf, in its own words."""
    if isinstance(value, Mapping) and (margin := _margin(value)):
        return {path: margin}
    if not isinstance(value, Mapping | list):
        return {path: f"{value:g}" if isinstance(value, float) else str(value)}
    parts = value.items() if isinstance(value, Mapping) else enumerate(value, start=1)
    found: dict[str, str] = {}
    for name, part in parts:
        found |= _leaves(part, f"{path}.{name}" if path else str(name))
    return found
