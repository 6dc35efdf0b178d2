"""Whether the runs of a report were trained on several kinds of processor, which round differently. Free of torch."""

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress

from ..files.text import read_text
from ..runs.store import Store
from ..words import counted


def trained_on(store: Store, keys: Iterable[str]) -> tuple[str, ...]:
    """Each processor with its number of runs, the most first; empty if all runs of these keys were trained on one."""
    found = Counter[str]()
    for key in keys:
        with suppress(OSError, ValueError, KeyError):  # a record that is gone or damaged says nothing
            found[str(json.loads(read_text(store.root / "runs" / key / "run.json"))["processor"])] += 1
    if len(found) < 2:
        return ()
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple(f"{processor} ({counted(runs, 'run')})" for processor, runs in ordered)
