"""What the controller gets done while workers train, and while they end."""

import importlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def workers_end(nodes: Sequence[Any]) -> Iterator[None]:
    """Have xdist end its workers meanwhile: a process that has trained takes a second to end."""
    ending = threading.Thread(target=nodes[0].nodemanager.teardown_nodes) if nodes else None
    if ending is not None:
        ending.start()
    try:
        yield
    finally:
        if ending is not None:
            ending.join()


def get_ready() -> None:
    """Begin to import what the report is drawn with: it takes a second, which would pass at the end."""
    threading.Thread(target=_import_drawing, daemon=True).start()


def _import_drawing() -> None:
    with suppress(Exception):  # whatever is wrong will be said where it is used
        importlib.import_module("repro.report.drawing.sheets")
