"""A store that holds everything a session wants, with measures made up: a session of it decides, draws and writes."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest import mock

from repro.cli.checkout import Checkout
from repro.cli.collecting import collect
from repro.experiment.datasets import DATASETS
from repro.experiment.readings import Reading
from repro.experiment.regimes import Regime
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store

from ..speed.networks import source
from .session import ROOT


def conditions(regime: Regime) -> Conditions:
    """Those of a session in a regime on this machine, on a CPU."""
    return Conditions(regime, {name: source(name) for name in DATASETS}, "cpu")


def jobs(where: Conditions) -> list[tuple[Run, Reading]]:
    """Every run with every reading that the claims want, each once."""
    cases = collect(Checkout(ROOT)).values()
    return list(dict.fromkeys(job for case in cases for job in case.jobs(where)))


def fill(folder: Path, wanted: Iterable[tuple[Run, Reading]]) -> Store:
    """Store made-up results of these runs: sound ones that differ from run to run, the same every time."""
    store = Store(folder)
    store.prepare()
    with mock.patch.object(os, "fsync"):  # thousands of files that nobody would miss
        for run, reading in wanted:
            if not store.trained(run):
                store.put_run(run, _record(run), lambda path: path.touch())
            content = {"reading": asdict(reading), "measures": _measures(run, reading), "seconds": 1.0}
            store.put_measures(run, reading, content)
    return store


def _record(run: Run) -> dict[str, Any]:
    losses = [1.0] * run.epochs
    return {"steps": run.last_step, "training_amount": run.amount, "diverged": False, "losses": losses, "seconds": 1.0}


def _measures(run: Run, reading: Reading) -> dict[str, Any]:
    """What a trained network might come to, and instruments that agree with it."""
    if "transfer" in reading.parts:
        return {"transfer_accuracy": 0.8}
    chance = int(hashlib.sha256(run.key.encode()).hexdigest()[:8], 16) / 2**32
    fgsm, pgd, top = 0.5 + 0.1 * chance, 0.4 + 0.1 * chance, 10 ** (1 + chance)
    found: dict[str, Any] = {
        "fgsm_accuracy": fgsm,
        "pgd_accuracy": pgd,
        "fgsm_sound_accuracy": fgsm,
        "pgd_sound_accuracy": pgd,
        "test_accuracy": 0.9,
        "train_accuracy": 0.95,
        "train_loss": 0.1,
        "median_margin": 4.0,
        "saturated": 0.02,
        "zero_gradient": 0.0,
        "lambda1": top,
        "lambda1_residual": top / 1000,
        "lambda1_smallest": -1.0,
        "lambda1_products": 9,
    }
    if "instruments" in reading.parts:
        found |= {"lambda1_elsewhere": top / 2, "lambda1_error": top / 10}
        found["instruments"] = {
            "fgsm_margin_accuracy": fgsm,
            "pgd_margin_accuracy": pgd,
            "images": 32.0,
            "clean_accuracy": 0.9,
            "noise_accuracy": 0.9,
            "disagreement": 0.0,
            "pgd_half_accuracy": 0.7,
            "pgd_double_accuracy": 0.1,
            "pgd_large_accuracy": 0.0,
            "right_without_gradient": 0.0,
        }
    return found
