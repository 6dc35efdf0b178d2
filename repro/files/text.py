"""Text files as this package writes and reads them: in UTF-8 whatever the locale, and whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

TEMPORARY: Final = ".writing-"  # what the names of unfinished files begin with


def read_text(path: Path) -> str:
    """The text of a file; the byte order mark that some editors begin it with is no part of it."""
    return path.read_text("utf-8-sig")


def write_text(path: Path, text: str) -> None:
    """Write a file's text at once: who reads meanwhile, or after a kill, finds the old text or the new."""
    with whole(path) as temporary:
        # file names that are no UTF-8 become the bytes again that they were
        temporary.write_text(text, "utf-8", errors="surrogateescape")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, and vanishes when it does not."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{TEMPORARY}{path.name}-")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
