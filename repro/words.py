"""Small grammar for what people read: numbers, durations, what a mistyped word meant, and what others wrote."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

LONGEST: Final = 200  # characters of somebody else's text that are shown


def counted(number: int, word: str, plural: str = "") -> str:
    """A number of things, in the singular where it is one: ``1 seed``, ``1,024 training images``, ``2 processes``."""
    return f"{number:,} {word if number == 1 else plural or f'{word}s'}"


def listed(parts: Sequence[str]) -> str:
    """Parts of a sentence.

    >>> listed(["one", "two", "three"])
    'one, two and three'
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)


def span(seconds: float) -> str:
    """A duration, to two digits."""
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{seconds:.0f} second{'' if f'{seconds:.0f}' == '1' else 's'}"


def near(word: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known words that are most like one, the nearest first; whether letters are small makes no difference."""
    by_lower = {name.lower(): name for name in known}
    if word.lower() in by_lower:
        return [by_lower[word.lower()]]
    return [by_lower[found] for found in difflib.get_close_matches(word.lower(), by_lower, most)]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question to put behind a line that refuses a word, as in ``; did you mean M1-MNIST?``; empty if none is near.

    >>> did_you_mean("ratio-keep-curvature", ["ratio-keeps-curvature", "counter-example"])
    '; did you mean ratio-keeps-curvature?'
    """
    found = near(word, known)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def seen_from(folder: Path, path: Path) -> Path:
    """A path as whoever stands in a folder names it: what lies in there without the folder, all else as it is.

    >>> seen_from(Path("/project"), Path("/project/.data")).as_posix()
    '.data'
    """
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def printable(text: str, most: int = LONGEST) -> str:
    """Somebody else's text as a line may show it: what cannot be printed is escaped, and what is too long is cut."""
    short = text if len(text) <= most else f"{text[: most - 3]}..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short)
