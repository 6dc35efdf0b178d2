"""Every file of a store, checked as it is read: which are sound, which carry no checksum, which are damaged."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..files.aside import DAMAGED
from ..files.regular import checksum, read_json
from ..runs.integrity import MEASURES, RECORD, Believed, agree, believed, hashes
from ..runs.store import KEY, WEIGHTS_FILE


@dataclass
class StoreCheck:
    """What a store's files came to: how many are signed or ``unsigned``, and a line for each that is damaged."""

    signed: int = 0
    unsigned: int = 0
    damaged: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The counts of a store without damage, for a line."""
        old = f", {self.unsigned} of before there were checksums (unsigned)" if self.unsigned else ""
        return f"{self.signed} files with their checksums{old}"


def check_store(root: Path) -> StoreCheck:
    """Check all files of a store; nothing is changed, and no link is followed."""
    found = StoreCheck()
    for folder in _entries(root / "runs"):
        of_run(folder, found)
    decided(root, found)
    return found


def decided(root: Path, found: StoreCheck) -> list[Path]:
    """The sound files of what sessions decided; what they came to is added to ``found``."""
    files = [path for path in _entries(root / "decided") if path.suffix == ".json"]
    return [path for path in files if _checked(path, found, lambda path: hashes(read_json(path)) == path.stem)]


def _entries(folder: Path) -> Iterator[Path]:
    """What lies in a folder, but for what was set aside."""
    try:
        yield from (path for path in sorted(folder.iterdir()) if DAMAGED not in path.name)
    except OSError:
        return


def of_run(folder: Path, found: StoreCheck) -> list[Path]:
    """The sound files of a stored run, the record first; none without it. What they came to is added to ``found``."""
    if not KEY.fullmatch(folder.name):
        return []  # what was set aside, or what a file manager left
    try:
        record = believed(folder / RECORD)
    except FileNotFoundError:
        return []  # a run that is being stored
    except (ValueError, OSError) as error:
        found.damaged.append(f"{folder / RECORD}: {error}")
        return []
    _count(record, found)
    names = [path for path in _entries(folder) if path.name.startswith(MEASURES) and path.suffix == ".json"]
    measured = [path for path in names if _measures(path, record, found)]
    weights, own = folder / WEIGHTS_FILE, record.weights
    sound = _checked(weights, found, lambda path: own in (None, checksum(path)), signed=own is not None)
    return [folder / RECORD, *measured, *([weights] if sound else [])]


def _measures(path: Path, record: Believed, found: StoreCheck) -> bool:
    try:
        measures = believed(path)
        agree(record, measures)
    except (ValueError, OSError) as error:
        found.damaged.append(f"{path}: {error}")
        return False
    _count(measures, found)
    return True


def _count(file: Believed, found: StoreCheck) -> None:
    found.signed += file.signed
    found.unsigned += not file.signed


def _checked(path: Path, found: StoreCheck, sound: Callable[[Path], bool], *, signed: bool = True) -> bool:
    """Whether a file is there and sound; one that is not sound is noted."""
    if not os.path.lexists(path):
        return False  # a run may be stored without its weights
    try:
        if not sound(path):
            raise ValueError("it is not what its checksum is of")
    except (ValueError, OSError, RecursionError, TypeError) as error:
        found.damaged.append(f"{path}: {error}")
        return False
    found.signed += signed
    found.unsigned += not signed
    return True
