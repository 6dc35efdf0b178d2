"""Every file of a store, checked as it is read: which are sound, which carry no checksum, which are damaged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..files.aside import DAMAGED
from ..files.regular import checksum, read_json
from ..runs.integrity import MEASURES, RECORD, Believed, agree, believed, hashes
from ..runs.store import WEIGHTS_FILE


@dataclass
class Audit:
    """What a store's files came to: how many are signed or ``unsigned``, and a line for each that is damaged."""

    signed: int = 0
    unsigned: int = 0
    damaged: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """The counts of a store without damage, for a line."""
        old = f", {self.unsigned} of before there were checksums (unsigned)" if self.unsigned else ""
        return f"{self.signed} files with their checksums{old}"


def audit(root: Path) -> Audit:
    """Check all files of a store; nothing is changed, and no link is followed."""
    found = Audit()
    for folder in _entries(root / "runs"):
        _of_run(folder, found)
    for path in _entries(root / "decided"):
        if path.suffix == ".json":
            _checked(path, found, lambda path: hashes(read_json(path)) == path.stem)
    return found


def _entries(folder: Path) -> Iterator[Path]:
    """What lies in a folder, but for what was set aside."""
    try:
        yield from (path for path in sorted(folder.iterdir()) if DAMAGED not in path.name)
    except OSError:
        return


def _of_run(folder: Path, found: Audit) -> None:
    try:
        record = believed(folder / RECORD)
    except FileNotFoundError:
        return  # a run that is being stored
    except (ValueError, OSError) as error:
        found.damaged.append(f"{folder / RECORD}: {error}")
        return
    _count(record, found)
    for path in _entries(folder):
        if path.name.startswith(MEASURES) and path.suffix == ".json":
            _measures(path, record, found)
    own = record.weights
    if own is not None:
        _checked(folder / WEIGHTS_FILE, found, lambda path: checksum(path) == own)
    elif (folder / WEIGHTS_FILE).exists():
        found.unsigned += 1


def _measures(path: Path, record: Believed, found: Audit) -> None:
    try:
        measures = believed(path)
        agree(record, measures)
    except (ValueError, OSError) as error:
        found.damaged.append(f"{path}: {error}")
    else:
        _count(measures, found)


def _count(file: Believed, found: Audit) -> None:
    found.signed += file.signed
    found.unsigned += not file.signed


def _checked(path: Path, found: Audit, sound: Callable[[Path], bool]) -> None:
    try:
        if not sound(path):
            raise ValueError("it is not what its checksum is of")
    except FileNotFoundError:
        return  # a run may be stored without its weights
    except (ValueError, OSError, RecursionError, TypeError) as error:
        found.damaged.append(f"{path}: {error}")
    else:
        found.signed += 1
