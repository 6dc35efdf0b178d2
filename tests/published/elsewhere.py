"""Whether it matters where a network is trained: the same runs of a task on a GPU and on a processor."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from statistics import median
from typing import Any, Final

from repro.experiment.devices import CPU, CUDA
from repro.experiment.tasks import Task
from repro.report.bundle import load
from repro.runs.run import Run
from repro.runs.store import Store

from .findings import PUBLISHED
from .tables import table

HEAD: Final = ("measure", "between the devices: median", "most", "between two seeds: median", "most")

Values = Mapping[str, float]
Pair = tuple[Values, Values]
Apart = Callable[[Values, Values], float]


def section(task: Task) -> dict[str, Any]:
    """How far the same runs are apart on both devices, and two seeds on the GPU. ValueError: there are no such runs."""
    measured = dict(_measured(task))
    both = [(run, twin) for run in measured if (twin := replace(run, device=CPU)) != run and twin in measured]
    if not both:
        raise ValueError(f"{task}: no run was measured on both devices")
    twins = [(measured[run], measured[twin]) for run, twin in both]
    seeds = [*_seeds({run: values for run, values in measured.items() if run.device == CUDA})]
    found = {name: [[apart(*pair) for pair in pairs] for pairs in (twins, seeds)] for name, (apart, _) in APART.items()}
    return {
        "runs": len(twins),
        "table": table(HEAD, (_row(name, of) for name, of in found.items())),
        "no_further": all(max(devices) <= max(others) for devices, others in found.values()),
    }


def _measured(task: Task) -> Iterator[tuple[Run, Values]]:
    """Whole trainings of the task that are measured, of any device."""
    conditions, store = load(PUBLISHED).conditions, Store(PUBLISHED / "store")
    for key in store.keys():  # noqa: SIM118  # no mapping
        run = store.run(key)
        if run is None or run.task != task or run.steps is not None:
            continue
        if found := store.measures(run, conditions.reading_of(run)):
            yield run, found["measures"]


def _seeds(measured: Mapping[Run, Values]) -> Iterator[Pair]:
    """Every two seeds of a recipe at a batch size."""
    cells: dict[Run, list[Values]] = {}
    for run, values in measured.items():
        cells.setdefault(replace(run, seed=0), []).append(values)
    return (pair for values in cells.values() for pair in combinations(values, 2))


def _row(name: str, found: Sequence[Sequence[float]]) -> list[str]:
    return [name, *(APART[name][1].format(of(values)) for values in found for of in (median, max))]


def _points(field: str) -> Apart:
    return lambda one, other: 100 * abs(one[field] - other[field])


def _factor(one: Values, other: Values) -> float:
    return math.exp(abs(math.log(one["lambda1"] / other["lambda1"])))


POINTS: Final = "{:.1f} points"
APART: Final[Mapping[str, tuple[Apart, str]]] = {
    "test accuracy": (_points("test_accuracy"), POINTS),
    "FGSM accuracy": (_points("fgsm_accuracy"), POINTS),
    "PGD accuracy": (_points("pgd_accuracy"), POINTS),
    "lambda1": (_factor, "x{:.2f}"),
}
