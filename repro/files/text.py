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
    # file names that are no UTF-8 become the bytes again that they were
    with whole(path, text.encode("utf-8", "surrogateescape")):
        pass


@contextmanager
def whole(path: Path, data: bytes | None = None) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, and vanishes when it does not.

    It holds ``data``; without, the block writes it.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{TEMPORARY}{path.name}-")
    temporary = Path(name)
    try:
        _fill(handle, data)
        yield temporary
        if data is None:  # whoever wrote may have put another file there than the handle was of
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _fill(handle: int, data: bytes | None) -> None:
    """Write and flush data, if there is any, by the handle that made the file: to open it again is what takes time."""
    try:
        if data is not None:
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
    finally:
        os.close(handle)
