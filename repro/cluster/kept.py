"""Where a worker makes a run: a folder in the user's cache that outlives it, so that a run whose worker died goes on.

    at-work/KEY-KIND/    a store with what is made of the run so far: states of its training, its record, its readings

KIND stands for what the bits depend on: this project's files, torch and the processor. A worker of the same kind that
has the same cache folder, on the same machine or by a home folder that machines share, takes it up; any other begins
from the start. Whoever works in a folder holds its lock, which the system frees when a process dies.
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import filelock

from ..errors import SettingError
from ..files.locks import locked
from ..runs.hardware import processor
from ..runs.run import Run
from ..science.data.sources import cache_folder
from .nodes import passport

LOCK: Final = "lock"
OLD: Final = 7 * 86400.0  # seconds after which what nobody took up is removed


def place() -> Path:
    """The folder of all of them."""
    return cache_folder() / "at-work"


@contextmanager
def kept(run: Run) -> Iterator[Path]:
    """The run's folder, with what a worker left in it that died; it is gone when the block has ended well.

    Where there can be none, or another process is in it, it is a temporary folder that nobody takes up.
    """
    folder = place() / f"{run.whole.key}-{_kind()}"
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(_claimed(folder))
            os.utime(folder)  # what lies deeper in it does not renew it
            _sweep()
        except (OSError, SettingError, filelock.Timeout):
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="repro-parcel-")))
        yield folder
        shutil.rmtree(folder, ignore_errors=True)


def _claimed(folder: Path) -> AbstractContextManager[None]:
    return locked(folder / LOCK, f"the user's cache folder, {folder.parent},", timeout=0)


def _kind() -> str:
    return hashlib.sha256(repr((passport(), processor())).encode()).hexdigest()[:12]


def _sweep() -> None:
    """Remove what workers left that died, and where for long nobody came or kept a state."""
    for folder in place().glob("*"):
        with suppress(OSError, SettingError, filelock.Timeout):
            if time.time() - max(path.stat().st_mtime for path in (folder, *folder.glob("runs/*"))) > OLD:
                with _claimed(folder):
                    shutil.rmtree(folder, ignore_errors=True)
