"""The conftest.py of the small projects that these tests make: the real plugin, no network, and training is played.

A played run lasts ``PLAYED_SECONDS`` and leaves a record and measures that follow from the run alone: accuracy that
hardly varies, an eigenvalue that varies a lot. M1-MNIST cannot be trained, M1-FashionMNIST diverges. Who made which run
when stands in ``played.jsonl``. ``PLAYED_FAULT``, as in ``lambda1_residual=9e9``, is what the instruments read instead
of what a sound one would. Without ``PLAYED_SECONDS`` training is real.
"""

import hashlib
import os
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from repro import errors
from repro.experiment.datasets import DATASETS
from repro.experiment.readings import Reading
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.runs.workshop import Journal
from repro.science.data import sources

pytest_plugins = ["repro.plugin"]
HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    from repro.plugin import gpus, progress  # pytest wants to be the first to import a plugin

    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setattr(sources, "_downloaded", lambda *_: False)
    _warn("PLAYED_EARLY_WARNING")
    if "PLAYED_SECONDS" in os.environ:
        trainer = ModuleType("repro.runs.trainer")
        trainer.make = play  # type: ignore[attr-defined]
        patch.setitem(sys.modules, "repro.runs.trainer", trainer)
    if "PLAYED_EVERY" in os.environ:  # seconds between two lines of progress
        patch.setattr(progress, "EVERY", float(os.environ["PLAYED_EVERY"]))
    if "PLAYED_GPUS" in os.environ:  # a machine with this many
        patch.setattr(gpus, "visible", lambda: int(os.environ["PLAYED_GPUS"]))
    if (HERE / "data").is_dir():  # what lies there counts as the published files
        for dataset in DATASETS.values():
            for name in dataset.files:
                if (HERE / "data" / name).is_file():
                    digest = hashlib.md5((HERE / "data" / name).read_bytes()).hexdigest()
                    patch.setitem(dataset.files, name, digest)


@pytest.hookimpl(trylast=True, specname="pytest_configure")
def warnings_are_errors(config: pytest.Config) -> None:  # as in the project's own conftest.py
    config.getini("filterwarnings").insert(0, "error")


def _warn(name: str) -> None:
    if name in os.environ:
        warnings.warn(os.environ[name], stacklevel=1)


def pytest_unconfigure() -> None:
    if "torch" in sys.modules:
        (HERE / "cache").mkdir(exist_ok=True)
        (HERE / "cache" / "torch-was-imported").touch()


def play(run: Run, reading: Reading, store: Store, _conditions: Conditions, *_: Sequence[Run] | str | None) -> None:
    journal = Journal(HERE / "played.jsonl", f"process {os.getpid()}")
    journal.write("begin", run)
    time.sleep(float(os.environ["PLAYED_SECONDS"]))
    _warn("PLAYED_WARNING")
    if str(run.task) == "M1-MNIST" and "PLAYED_GPU_FAULT" in os.environ:
        raise RuntimeError("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be ...")
    if str(run.task) == "M1-MNIST":
        raise getattr(errors, os.environ.get("PLAYED_ERROR", ""), RuntimeError)("the oven is cold\nand dark")
    diverged = str(run.task) == "M1-FashionMNIST"
    record = {"steps": 10, "training_amount": 1.0, "diverged": diverged, "losses": [2.3], "seconds": 0.1}
    store.put_run(run, record, lambda path: path.write_bytes(run.key.encode()))
    store.put_measures(run, reading, {"measures": {} if diverged else _measures(run), "seconds": 0.1})
    journal.write("end", run)


def _measures(run: Run) -> dict[str, Any]:
    name, _, value = os.environ.get("PLAYED_FAULT", "").partition("=")
    fault = {name: float(value)} if name else {}
    # by its name: its key would be another one with each version of the code, and other claims would be undecided
    noise = int(hashlib.sha256(str(run).encode()).hexdigest()[:8], 16) / 2**32
    return {
        **dict.fromkeys(("test_accuracy", "fgsm_accuracy", "pgd_accuracy"), 0.9 + 0.001 * noise),
        **dict.fromkeys(("fgsm_sound_accuracy", "pgd_sound_accuracy"), 0.9 + 0.001 * noise),
        **dict.fromkeys(("saturated", "zero_gradient"), 0.0),
        "train_accuracy": 0.95,
        "train_loss": 0.1,
        "median_margin": 3.0,
        "lambda1": 10 ** (2 * noise),
        "lambda1_residual": 1e-3,
        "lambda1_smallest": -1.0,
        "lambda1_products": 9,
        **fault,
    }
