"""Text that is safe to show: whatever a test, a file name or a terminal put into it."""

import re
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup, escape

from ..words import counted

ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)?", re.DOTALL)
FIGURE: Final = re.compile(r"fig\d+")
CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(value: Any) -> Any:
    """A text without the codes of a terminal and other characters that cannot be seen; anything else as it is."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return "" if value is None else value
    return CONTROL.sub("", ESCAPES.sub("", value))


def safe(text: str) -> Markup:
    """A text as it can stand within a drawing."""
    return escape(clean(text))


def written_lines(written: Sequence[Path]) -> list[str]:
    """A line for each file of a report, and a single one for its figures: 78 would push the verdicts off the screen."""
    figures = [path for path in written if FIGURE.fullmatch(path.stem)]
    lines = [f"written: {path}" for path in written if path not in figures]
    number = len({path.stem for path in figures})
    return lines + ([f"written: {figures[0].parent / 'fig*'}, {counted(number, 'figure')}"] if figures else [])


def slug(*parts: str) -> str:
    """A name that can stand in an address, made of others."""
    return "--".join(re.sub(r"[^A-Za-z0-9]+", "-", part).strip("-").lower() for part in parts) or "it"


def unique(names: list[str]) -> list[str]:
    """The same names, numbered where one comes again."""
    found: dict[str, None] = {}
    for name in names:
        found[next(one for n in count(1) if (one := name if n == 1 else f"{name}-{n}") not in found)] = None
    return [*found]
