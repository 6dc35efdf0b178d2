"""Small grammar for what people read."""


def counted(number: int, word: str) -> str:
    """A number of things, in the singular where it is one: ``1 seed``, ``1,024 training images``."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
