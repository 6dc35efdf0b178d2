"""A workshop in which making a run takes no time: what the tests of who makes which run when share."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro.conditions import Conditions
from repro.regimes import QUICK
from repro.runs import Run
from repro.science.readings import Reading
from repro.science.recipes import SGD
from repro.science.sources import Source
from repro.science.tasks import STDCNN_MNIST
from repro.store import Store
from repro.workshop import Workshop

CONDITIONS = Conditions(QUICK, {"MNIST": Source("MNIST", "surrogate", Path())}, "cpu")
READING = QUICK.scale(STDCNN_MNIST).reading
FIRST = Run(STDCNN_MNIST, SGD(0.01, 0.0), 64, 0, 1, 100, "surrogate", "cpu")
RUNS = [replace(FIRST, seed=seed) for seed in range(8)]
JOBS = [(run, READING) for run in RUNS]


def put(store: Store, run: Run) -> None:
    store.put_run(run, {}, lambda path: path.write_bytes(b"weights"))
    store.put_measures(run, READING, {})


class Oven:
    """What makes runs here, and remembers which; ``on`` says what else happens when a run is made."""

    def __init__(self, on: dict[Run, Callable[[], Any]] | None = None) -> None:
        self.made: list[Run] = []
        self.told: dict[Run, str | None] = {}  # why it broke in a cohort
        self.on = on or {}

    def __call__(
        self, run: Run, reading: Reading, store: Store, conditions: Conditions, _: Sequence[Run], broke: str | None
    ) -> None:
        self.told[run] = broke
        assert reading == READING
        assert conditions is CONDITIONS
        self.made.append(run)
        self.on.get(run, lambda: None)()
        put(store, run)


def breaks() -> None:
    raise RuntimeError("out of memory")


def workshop(store: Store, oven: Oven, session: Any = (), **further: Any) -> Workshop:
    return Workshop(store, CONDITIONS, session, make=oven, **further)
