"""The store: the folder where runs live, keyed by content. Free of torch.

    runs/KEY/run.json           the run's spec, how its training went, on what it was trained, and its weights' checksum
    runs/KEY/weights.safetensors    may be left out: a run's measures count without them
    runs/KEY/measures-READING.json
    locks/KEY.lock
    layout                      the version of all this (see ``layout``)
    decided/HASH.json           which claims a session decided under which declarations (see ``decided``)

Every file is written whole or not at all (a temporary file beside it, flushed to disk, then renamed), ``run.json``
last, so a process that is killed leaves nothing half done but a temporary file, which whoever makes the run next
removes. Who works on a run holds its lock; the system frees the lock of a process that dies. Any number of processes
may share a store. What was damaged since is noticed when it is read (see ``integrity``), set aside and made anew.
"""

import errno
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import filelock

from ..errors import ReproError, SettingError, WeightsError
from ..experiment.readings import Reading
from ..files.aside import DAMAGED, set_aside
from ..files.locks import check_locks, locked
from ..files.regular import checksum
from ..files.text import TEMPORARY, whole, write_text
from ..words import printable
from .integrity import MEASURES, RECORD, WEIGHTS, Believed, agree, believed, signed
from .layout import mark, require_layout
from .run import Run, of_record, reading_key

Record = dict[str, Any]
KEY: Final = re.compile(r"[0-9a-f]{20}")
Weights = bytes | Callable[[Path], object]  # or what is given a path, and writes them there
WEIGHTS_FILE: Final = "weights.safetensors"


class Store:
    """Runs and their measures on disk."""

    def __init__(self, root: Path, tell: Callable[[str], object] = lambda _: None) -> None:
        """``tell`` is given a line for each file that could not be believed and was set aside."""
        self.root, self._tell = root, tell
        # what was read, by run and file: a file that is there is never changed, only made anew
        self._known: dict[tuple[str, str], Believed] = {}

    def prepare(self) -> None:
        """Make the store's folders; SettingError: they cannot be made or hold no locks, or are of a newer version."""
        require_layout(self.root)
        try:
            for name in ("runs", "locks"):
                folder = self.root / name
                folder.mkdir(parents=True, exist_ok=True)
                if not os.access(folder, os.W_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            check_locks(self.root / "locks", f"--store {self.root}")
            mark(self.root)
        except OSError as error:
            raise SettingError(
                f"--store {self.root}: must be a folder that can be written to ({error.strerror}); "
                "left out, it is .repro/store"
            ) from error

    def record(self, run: Run) -> Record | None:
        """How the run's training went, or None if it is not stored."""
        found = self._read(run, RECORD)
        return None if found is None else found.content

    def measures(self, run: Run, reading: Reading) -> Record | None:
        """The run's measures under a reading, or None if they are not stored."""
        name = measures_name(reading)
        for again in (False, True):
            found, record = self._read(run, name), self._read(run, RECORD)
            if found is None or record is None:
                break
            try:
                agree(record, found)
            except ValueError as error:
                self._forget(run, name)
                self._forget(run, RECORD)
                if again:
                    self.distrust(run, name, str(error))
                    return None
            else:
                break
        return None if found is None else found.content

    def _read(self, run: Run, name: str) -> Believed | None:
        wanted, path = (run.key, name), self._folder(run) / name
        if wanted not in self._known:
            try:
                self._known[wanted] = believed(path)
            except FileNotFoundError:
                return None
            except ValueError as error:
                self.distrust(run, name, str(error))
                return None
            except OSError as error:
                raise ReproError(f"{path}: cannot be read ({error.strerror}); it is part of the store") from None
        return self._known[wanted]

    def _record_now(self, run: Run) -> Believed | None:
        """The record as it is on disk at this moment, for who is about to write beside it."""
        self._forget(run, RECORD)
        found = self._read(run, RECORD)
        self._forget(run, RECORD)
        return found

    def _forget(self, run: Run, name: str) -> None:
        self._known.pop((run.key, name), None)

    def distrust(self, run: Run, name: str, why: str) -> None:
        """Set aside a file that cannot be believed, and say so: it is kept for a look, and made anew."""
        self._forget(run, name)
        folder = self._folder(run)
        self.aside(folder if folder.is_symlink() or not folder.is_dir() else folder / name, why, "it is made anew")

    def aside(self, path: Path, why: str, then: str) -> None:
        """Set a file aside and say why, and what becomes of it ``then``."""
        try:
            aside = set_aside(path)
        except OSError as error:
            self._tell(f"{path}: {printable(why)}; it cannot be set aside ({error.strerror})")
        else:
            if aside is not None:
                self._tell(f"{path}: {printable(why)}; set aside as {aside.name}, {then}")

    def has(self, run: Run, reading: Reading) -> bool:
        """Whether the run is trained and measured: looks for the files, reads none."""
        folder = self._folder(run)
        return (folder / measures_name(reading)).exists() and (folder / RECORD).exists()

    def trained(self, run: Run) -> bool:
        """Whether the run is trained, measured or not: looks for the file."""
        return (self._folder(run) / RECORD).exists()

    def whole(self, run: Run, reading: Reading) -> bool:
        """Whether the run is trained and measured: reads the files, and sets aside one that is damaged."""
        return self.record(run) is not None and self.measures(run, reading) is not None

    def weights(self, run: Run) -> Path:
        """Where the run's weights are."""
        return self._folder(run) / WEIGHTS_FILE

    def checksum_of_weights(self, run: Run) -> str | None:
        """The checksum that the run's record has of its weights, else that of the file, or None if it has neither."""
        record = self._read(run, RECORD)
        if record is not None and record.weights is not None:
            return record.weights
        with suppress(OSError, ValueError):
            return checksum(self.weights(run))
        return None

    def sound_weights(self, run: Run) -> Path | None:
        """Where the run's weights are, if they are those that its record is of; damaged ones are set aside.

        WeightsError: there are none, and none that were set aside, so that training would make others of its own.
        """
        path = self.weights(run)
        record = self._record_now(run)
        try:
            found = checksum(path)
        except FileNotFoundError:
            if any(path.parent.glob(f"{path.name}{DAMAGED}*")):
                return None
            raise WeightsError(
                f"{run}: its weights are not in {path.parent}, and a further reading needs them; bring them there, or "
                f"remove {RECORD} for the run to be trained anew"
            ) from None
        except ValueError as error:
            self.distrust(run, path.name, str(error))
            return None
        if record is not None and record.weights not in (None, found):
            self.distrust(run, path.name, "it is not what its record is of")
            return None
        return path

    def put_run(
        self, run: Run, record: Record, weights: Weights, measured: Iterable[tuple[Reading, Record]] = ()
    ) -> None:
        """Store a trained run, whose lock the caller holds, and then what was measured of it.

        What was measured on other weights goes with these, and what may have been, since it does not say on which.
        ReproError: the disk is full, say; what was stored stays.
        """
        with self._written(run) as new:
            with whole(self.weights(run), None if callable(weights) else weights) as path:
                if callable(weights):
                    weights(path)
                of = checksum(path) if callable(weights) else sha256(weights).hexdigest()
                self._forget(run, RECORD)
                same = not new and self.checksum_of_weights(run) == of
                if not same:  # nobody finds it beside others' weights
                    (self._folder(run) / RECORD).unlink(missing_ok=True)
            self._write(run, RECORD, {"run": run.spec, **record, WEIGHTS: of})
            for reading, measures in measured:
                self._write(run, measures_name(reading), {**measures, WEIGHTS: of})
            if not new:
                self._remove_others(run, {of, None} if same else {of})

    def _remove_others(self, run: Run, weights: Collection[str | None]) -> None:
        """Remove what was not measured on weights with one of these checksums; None: on any, for it does not say."""
        for path in self._folder(run).glob(f"{MEASURES}*.json"):
            if (found := self._read(run, path.name)) and found.weights not in weights:
                self._forget(run, path.name)
                path.unlink(missing_ok=True)

    def put_measures(self, run: Run, reading: Reading, measures: Record) -> None:
        """Store the measures of a run that is stored, whose lock the caller holds; see ``put_run``."""
        record = self._record_now(run)
        of = {WEIGHTS: record.weights} if record is not None and record.weights is not None else {}
        with self._written(run):
            self._write(run, measures_name(reading), {**measures, **of})

    @contextmanager
    def _written(self, run: Run) -> Iterator[bool]:
        """The run's folder, without what a process left that was killed as it wrote; yields whether it is new."""
        folder = self._folder(run)
        try:
            new = not folder.exists()  # there is nothing to be looked for in it then
            folder.mkdir(parents=True, exist_ok=True)
            for left in () if new else folder.glob(f"{TEMPORARY}*"):
                left.unlink(missing_ok=True)
            yield new
        except OSError as error:
            why = error.strerror or str(error)
            raise ReproError(
                f"--store {self.root}: {run} could not be stored ({why}); what was stored is whole"
            ) from error

    def _write(self, run: Run, name: str, value: Record) -> None:
        self._forget(run, name)
        _write(self._folder(run) / name, signed(value, f"{run.key}/{name}"))

    def all_measures(self, run: Run) -> list[Record]:
        """The run's measures, under whatever readings."""
        names = sorted(path.name for path in self._folder(run).glob(f"{MEASURES}*.json"))
        return [found.content for name in names if (found := self._read(run, name)) is not None]

    def sample(self, most: int, *, measured: bool = True) -> Iterator[tuple[Record, list[Record]]]:
        """The records of up to so many stored runs, with those of their measures; damaged files are passed over.

        Keys are hashes, so the first runs in their order are as good a sample as any.
        """
        for folder in sorted((self.root / "runs").glob("*"))[:most]:
            with suppress(OSError, ValueError):
                record = believed(folder / RECORD).content
                paths = folder.glob(f"{MEASURES}*.json") if measured else ()
                yield record, [believed(path).content for path in paths]

    def keys(self) -> list[str]:
        """The keys of the runs that are stored, in their order; what else lies among them is none."""
        folders = (self.root / "runs").glob("*")
        return sorted(path.name for path in folders if KEY.fullmatch(path.name) and (path / RECORD).exists())

    def run(self, key: str) -> Run | None:
        """The run of a key; None where it is not stored, or damaged, or nothing here fits its record."""
        with suppress(OSError, ValueError):
            run = of_record(believed(self.root / "runs" / key / RECORD).content)
            return run if run is not None and run.key == key else None
        return None

    @contextmanager
    def claimed(self, run: Run) -> Iterator[bool]:
        """Try to be the one who works on a run; yields False at once if another process is."""
        path = self.root / "locks" / f"{run.key}.lock"
        with ExitStack() as held:
            mine = True
            try:
                held.enter_context(locked(path, f"--store {self.root}", timeout=0))
            except filelock.Timeout:
                mine = False
            yield mine

    def _folder(self, run: Run) -> Path:
        return self.root / "runs" / run.key


def measures_name(reading: Reading) -> str:
    """The name of the file with the measures under a reading."""
    return f"{MEASURES}{reading_key(reading)}.json"


def _write(path: Path, value: Record) -> None:
    write_text(path, json.dumps(value, indent=1, allow_nan=False) + "\n")
