"""Small grammar for what people read: numbers of things, durations, and what others wrote."""

from typing import Final

LONGEST: Final = 200  # characters of somebody else's text that are shown


def counted(number: int, word: str) -> str:
    """A number of things, in the singular where it is one: ``1 seed``, ``1,024 training images``."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def span(seconds: float) -> str:
    """A duration, to two digits."""
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            value = seconds / size
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def printable(text: str, most: int = LONGEST) -> str:
    """Somebody else's text as a line may show it: what cannot be printed is escaped, and what is too long is cut."""
    short = text if len(text) <= most else f"{text[: most - 3]}..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in short)
