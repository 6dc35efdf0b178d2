"""File locks, which the system frees when their holder dies; a file system that has none is told in one line."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from ..errors import SettingError
from .text import TEMPORARY


@contextmanager
def locked(path: Path, setting: str, *, timeout: float = -1) -> Iterator[None]:
    """Hold the lock of a file.

    ``setting`` is what the user named its folder with. filelock.Timeout: another process holds it. SettingError: the
    file system gives no lock, or only one that would outlast a holder that is killed.
    """
    # where the system knows no locks, filelock would go on with a file that says "held"
    lock = filelock.FileLock(path, timeout=timeout, fallback_to_soft=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        raise
    except (OSError, NotImplementedError) as error:
        raise _refused(path, setting, getattr(error, "strerror", None) or str(error)) from None
    try:
        yield
    finally:
        lock.release()


def check_locks(folder: Path, setting: str) -> None:
    """Try to lock a file that nobody else knows of; SettingError: the folder's file system gives no locks."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=TEMPORARY) as own:
        try:
            with locked(Path(own.name), setting, timeout=0):
                pass
        except filelock.Timeout:
            raise _refused(Path(own.name), setting, "it says that others hold it") from None


def _refused(path: Path, setting: str, why: str) -> SettingError:
    return SettingError(f"{setting}: must be on a file system with file locks, and {path} could not be locked ({why})")
