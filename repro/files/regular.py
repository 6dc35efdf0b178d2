"""Files of unknown origin, read in bounded time and memory: regular ones alone, up to a size, and JSON that is plain.

What is opened may be a link, a folder, a FIFO that never says anything or a device that never ends.
"""

import errno
import json
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

from ..errors import SettingError
from ..words import printable

MOST: Final = 64 * 2**20  # bytes of a text file
BLOCK: Final = 2**20


def is_folder(path: Path) -> bool:
    """Whether it is a folder, which is no question of a name that none can have."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def at_home(text: str, setting: str) -> Path:
    """A path as a user writes it, where ``~`` is somebody's home. SettingError: nobody has that name."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise SettingError(f"{setting} {printable(text)}: must be a folder ({printable(str(error))})") from None


@contextmanager
def opened(path: Path, *, follow: bool = False) -> Iterator[BinaryIO]:
    """A regular file, open for reading; a link to one only where it is to be followed.

    ValueError: it is anything else. OSError: it cannot be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # or a FIFO would be waited for
    try:
        handle = os.open(path, flags | (0 if follow else getattr(os, "O_NOFOLLOW", 0)))
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ValueError("it is a link") from None
        if error.errno in (errno.ENXIO, errno.EISDIR) or (error.errno == errno.EACCES and path.is_dir()):
            raise ValueError("it is no regular file") from None
        raise
    kind = os.fstat(handle).st_mode
    if not stat.S_ISREG(kind):
        os.close(handle)
        raise ValueError(f"it is {'a folder' if stat.S_ISDIR(kind) else 'no regular file'}")
    with os.fdopen(handle, "rb") as file:
        yield file


def read_regular(path: Path, *, most: int = MOST, follow: bool = False) -> bytes:
    """The bytes of a regular file. ValueError: it is anything else, or larger than ``most`` bytes."""
    with opened(path, follow=follow) as file:
        found = file.read(most + 1)
    if len(found) > most:
        raise ValueError(f"it is larger than {most // 2**20} MiB")
    return found


def read_json(path: Path, *, most: int = MOST, follow: bool = False) -> Any:
    """What a regular file of JSON holds. ValueError: it is none, or holds a number that is not finite, or too much."""
    return parsed(read_regular(path, most=most, follow=follow))


def parsed(data: bytes) -> Any:
    """What the bytes of such a file hold."""
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_not_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _not_finite(text)


def _not_finite(text: str) -> NoReturn:
    raise ValueError(f"it holds {text[:20]}, which is no finite number")


def checksum(path: Path) -> str:
    """The SHA-256 of a regular file, in hexadecimal digits. ValueError: it is anything else."""
    digest = sha256()
    with opened(path) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
