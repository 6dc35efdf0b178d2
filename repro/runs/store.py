"""The store: the folder where runs live, keyed by content. Free of torch.

    runs/KEY/run.json           the run's spec, how its training went, on what it was trained
    runs/KEY/weights.safetensors
    runs/KEY/measures-READING.json
    locks/KEY.lock
    decided/HASH.json           which claims a session decided under which declarations (see repro.verdicts.history)

Every file is written whole or not at all (a temporary file beside it, flushed to disk, then renamed), ``run.json``
last, so a process that is killed leaves nothing half done but a temporary file, which whoever makes the run next
removes. Who works on a run holds its lock; the system frees the lock of a process that dies. Any number of processes
may share a store.
"""

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock

from ..errors import SettingError
from ..experiment.readings import Reading
from ..files.locks import check_locks, locked
from ..files.text import TEMPORARY, read_text, whole, write_text
from .run import Run, reading_key

Record = dict[str, Any]


class Store:
    """Runs and their measures on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        # what was read, by run and file: a file that is there is never changed, only made anew
        self._known: dict[tuple[str, str], Record] = {}

    def prepare(self) -> None:
        """Make the store's folders; SettingError if they cannot be made, or hold no locks."""
        try:
            for name in ("runs", "locks"):
                folder = self.root / name
                folder.mkdir(parents=True, exist_ok=True)
                if not os.access(folder, os.W_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            check_locks(self.root / "locks", f"--store {self.root}")
        except OSError as error:
            raise SettingError(
                f"--store {self.root}: must be a folder that can be written to ({error.strerror}); "
                "left out, it is .repro/store"
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
        with whole(self.weights(run)) as path:
            write_weights(path)
        self._write(run, "run.json", {"run": run.spec, **record})

    def put_measures(self, run: Run, reading: Reading, measures: Record) -> None:
        """Store the measures of a run that is stored."""
        self._write(run, f"measures-{reading_key(reading)}.json", measures)

    def _write(self, run: Run, name: str, value: Record) -> None:
        self._known.pop((run.key, name), None)
        _write(self._folder(run) / name, value)

    def sample(self, most: int) -> Iterator[tuple[Record, list[Record]]]:
        """The records of up to so many stored runs, each with those of its measures; damaged files are passed over.

        Keys are hashes, so the first runs in their order are as good a sample as any.
        """
        for folder in sorted((self.root / "runs").glob("*"))[:most]:
            with suppress(OSError, ValueError):
                record = _parsed(folder / "run.json")
                yield record, [_parsed(path) for path in folder.glob("measures-*.json")]

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
        path = self.root / "locks" / f"{run.key}.lock"
        with ExitStack() as held:
            try:
                held.enter_context(locked(path, f"--store {self.root}", timeout=0))
            except filelock.Timeout:
                mine = False
            else:
                mine = True
            yield mine

    def _folder(self, run: Run) -> Path:
        return self.root / "runs" / run.key


def _read(path: Path) -> Record | None:
    try:
        return _parsed(path)
    except FileNotFoundError:
        return None
    except ValueError:
        with suppress(FileNotFoundError):  # damaged from outside: kept for a look, by whoever saw it first, made anew
            path.replace(path.with_suffix(".damaged"))
        return None


def _parsed(path: Path) -> Record:
    """What a file holds. ValueError: it is no JSON object, or no text at all."""
    value = json.loads(read_text(path))
    if not isinstance(value, dict):
        raise ValueError(f"{path}: must be a JSON object")
    return value


def _write(path: Path, value: Record) -> None:
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")
