"""Runs that are trained in a second, and what is stored of them."""

import hashlib
from dataclasses import replace
from typing import Any

from repro.experiment.readings import Reading
from repro.experiment.recipes import BENCHMARK, LR_BS, SGD
from repro.experiment.tasks import STDCNN_MNIST
from repro.runs.run import Run
from repro.runs.store import Store

READING = Reading(test_images=40, attacked_images=20, pgd_steps=3, hessian_images=32)
RUN = Run(STDCNN_MNIST, LR_BS().sgd(32), 32, 0, 2, 200, "surrogate", "cpu")
OTHER = Run(STDCNN_MNIST, BENCHMARK.sgd(64), 64, 1, 1, None, "surrogate", "cpu")
DIVERGING = replace(RUN, sgd=SGD(1e6, 0.0))


def measured(store: Store, run: Run, reading: Reading = READING) -> dict[str, Any]:
    found = store.measures(run, reading)
    assert found is not None
    measures: dict[str, Any] = found["measures"]
    return measures


def fingerprint(store: Store, run: Run) -> list[Any]:
    """The weights to the last bit, and the measures."""
    return [hashlib.sha256(store.weights(run).read_bytes()).hexdigest(), measured(store, run)]
