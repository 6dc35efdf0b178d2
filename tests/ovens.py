"""A workshop in which making a run takes no time: what the tests of who makes which run when share."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro.experiment.readings import Reading
from repro.experiment.recipes import SGD
from repro.experiment.regimes import QUICK
from repro.experiment.tasks import STDCNN_MNIST
from repro.runs.conditions import Conditions
from repro.runs.run import Job, Run
from repro.runs.store import Store
from repro.runs.workshop import Makers, Session, Workshop
from repro.science.data.sources import Source

CONDITIONS = Conditions(QUICK, {"MNIST": Source("MNIST", "surrogate", Path())}, "cpu")
READING = QUICK.scale(STDCNN_MNIST).reading


def jobs(runs: Iterable[Run]) -> list[Job]:
    """Each of the runs under the first reading."""
    return [Job(run, READING) for run in runs]


FIRST = Run(STDCNN_MNIST, SGD(0.01, 0.0), 64, 0, 1, 100, "surrogate", "cpu")
RUNS = [replace(FIRST, seed=seed) for seed in range(8)]
JOBS = jobs(RUNS)


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


def workshop(store: Store, oven: Any, session: Sequence[Job] = (), **further: Any) -> Workshop:
    makers = {name: further.pop(name) for name in ("cohort", "together") if name in further}
    return Workshop(store, CONDITIONS, Session(session, **further), Makers(oven, **makers))
