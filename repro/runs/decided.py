"""What sessions decided from a store, in its folder ``decided``: a file each, named by its checksum. Free of torch."""

import json
from pathlib import Path

from ..files.regular import read_json
from ..files.text import write_text
from .integrity import hashes
from .store import Record, Store


def decided(store: Store) -> list[Record]:
    """What sessions left with ``put_decided``, in no order."""
    return [record for path in (store.root / "decided").glob("*.json") if (record := _read(path, store))]


def put_decided(store: Store, record: Record) -> None:
    """Keep what a session decided, in a file of its own."""
    folder = store.root / "decided"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / f"{hashes(record)}.json", json.dumps(record, indent=1, allow_nan=False) + "\n")


def _read(path: Path, store: Store) -> Record | None:
    """What a file of decisions holds, whose name is its checksum; one that cannot be believed is set aside."""
    try:
        record = read_json(path)
        if not isinstance(record, dict) or hashes(record) != path.stem:
            raise ValueError("it is not what its name is the checksum of")
    except FileNotFoundError:
        return None
    except ValueError as error:
        store.aside(path, str(error), "what it held is forgotten")
        return None
    return record
