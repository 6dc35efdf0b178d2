"""Whatever decides a claim as plain JSON, by what it holds: numbers, texts, margins, estimands, functions by name."""

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from ..statistics.units import Margin, Unit


def plain(value: Any) -> Any:
    """A value as JSON in which equal values have equal texts: 1 and 1.0 are one number. TypeError: it has none."""
    if value is None or isinstance(value, str | bool):
        return str(value) if isinstance(value, Enum) else value
    if isinstance(value, int | float):
        number = float(value)
        return number if abs(number) < float("inf") else str(number)  # NaN too: it is below nothing
    if isinstance(value, Unit):
        return value.name
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return _object(value)


def described(value: Any, without: Collection[str] = ()) -> dict[str, Any]:
    """The fields that a dataclass is compared by, as JSON, but for those that decide nothing."""
    names = [field.name for field in fields(value) if field.compare and field.name not in without]
    return {name: plain(getattr(value, name)) for name in names}


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
    found = {name: plain(part) for name, part in parts.items()}
    return found if isinstance(value, Margin) else {"kind": _kind(type(value)), **found}


def _kind(cls: type) -> str:
    """A class by its name; one from outside this house by its place, too, for its name may be that of another."""
    own = cls.__module__.startswith(f"{__package__.partition('.')[0]}.")
    return cls.__name__ if own else f"{cls.__module__}.{cls.__qualname__}"
