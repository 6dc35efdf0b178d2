"""The store: the folder where runs live, keyed by content. Free of torch.

    runs/KEY/run.json           the run's spec, how its training went, on what it was trained
    runs/KEY/weights.safetensors
    runs/KEY/measures-READING.json
    locks/KEY.lock
    decided/HASH.json           which claims a session decided under which declarations (see repro.decided)

Every file is written whole or not at all (a temporary file beside it, flushed to disk, then renamed), ``run.json``
last, so a process that is killed leaves nothing half done but a temporary file, which whoever makes the run next
removes. Who works on a run holds its lock; the system frees the lock of a process that dies. Any number of processes
may share a store.
"""

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import filelock

from .errors import SettingError
from .runs import Run, reading_key
from .science.readings import Reading

Record = dict[str, Any]
TEMPORARY: Final = ".writing-"  # what the names of unfinished files begin with


class Store:
    """Runs and their measures on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # what was read, by run and file: a file that is there is never changed, only made anew
        self._known: dict[tuple[str, str], Record] = {}

    def prepare(self) -> None:
        """Make the store's folders; SettingError if they cannot be made."""
        try:
            for name in ("runs", "locks"):
                folder = self.root / name
                folder.mkdir(parents=True, exist_ok=True)
                if not os.access(folder, os.W_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise SettingError(
                f"--store {self.root}: must be a folder that can be written to ({error.strerror}); "
                "left out, it is the folder store in --artifacts"
            ) from error

    def record(self, run: Run) -> Record | None:
        """How the run's training went, or None if it is not stored."""
        return self._read(run, "run.json")

    def measures(self, run: Run, reading: Reading) -> Record | None:
        """The run's measures under a reading, or None if they are not stored."""
        return self._read(run, f"measures-{reading_key(reading)}.json")

    def _read(self, run: Run, name: str) -> Record | None:
        wanted = run.key, name
        if wanted not in self._known:
            found = _read(self._folder(run) / name)
            if found is None:
                return None
            self._known[wanted] = found
        return self._known[wanted]

    def has(self, run: Run, reading: Reading) -> bool:
        """Whether the run is trained and measured: looks for the files, reads none."""
        folder = self._folder(run)
        return (folder / f"measures-{reading_key(reading)}.json").exists() and (folder / "run.json").exists()

    def trained(self, run: Run) -> bool:
        """Whether the run is trained, measured or not: looks for the file."""
        return (self._folder(run) / "run.json").exists()

    def whole(self, run: Run, reading: Reading) -> bool:
        """Whether the run is trained and measured: reads the files, and sets aside one that is damaged."""
        return self.record(run) is not None and self.measures(run, reading) is not None

    def weights(self, run: Run) -> Path:
        """Where the run's weights are."""
        return self._folder(run) / "weights.safetensors"

    def put_run(self, run: Run, record: Record, write_weights: Callable[[Path], None]) -> None:
        """Store a trained run, whose lock the caller holds; ``write_weights`` is given the path to write them to."""
        self._folder(run).mkdir(parents=True, exist_ok=True)
        for left in self._folder(run).glob(f"{TEMPORARY}*"):  # by a process that was killed as it wrote
            left.unlink(missing_ok=True)
        with _whole(self.weights(run)) as path:
            write_weights(path)
        self._write(run, "run.json", {"run": run.spec, **record})

    def put_measures(self, run: Run, reading: Reading, measures: Record) -> None:
        """Store the measures of a run that is stored."""
        self._write(run, f"measures-{reading_key(reading)}.json", measures)

    def _write(self, run: Run, name: str, value: Record) -> None:
        self._known.pop((run.key, name), None)
        _write(self._folder(run) / name, value)

    def decided(self) -> list[Record]:
        """What sessions left with ``put_decided``, in no order."""
        return [record for path in (self.root / "decided").glob("*.json") if (record := _read(path)) is not None]

    def put_decided(self, record: Record) -> None:
        """Keep what a session decided, in a file of its own."""
        folder = self.root / "decided"
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()[:20]
        _write(folder / f"{name}.json", record)

    @contextmanager
    def claimed(self, run: Run) -> Iterator[bool]:
        """Try to be the one who works on a run; yields False at once if another process is."""
        lock = filelock.FileLock(self.root / "locks" / f"{run.key}.lock", timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def _folder(self, run: Run) -> Path:
        return self.root / "runs" / run.key


def _read(path: Path) -> Record | None:
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except ValueError:  # no JSON, or no text at all
        value = None
    if isinstance(value, dict):
        return value
    with suppress(FileNotFoundError):  # damaged from outside: kept for a look, by whoever saw it first, and made anew
        path.replace(path.with_suffix(".damaged"))
    return None


def _write(path: Path, value: Record) -> None:
    with _whole(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n")


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
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
