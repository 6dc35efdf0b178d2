"""Runs that took hours are found by the keys that they are stored under, and none is taken for another one."""

import hashlib
import json
from pathlib import Path

import pytest

from repro.experiment.datasets import DATASETS
from repro.experiment.recipes import BENCHMARK, LR, LR_BS, MOMENTA
from repro.experiment.regimes import GRID, PAPER
from repro.experiment.tasks import TASKS
from repro.runs.conditions import Conditions
from repro.runs.run import Run, from_spec
from repro.science.data.sources import Source

ROOT = Path(__file__).parents[2]
RUNS = ROOT / "artifacts" / "published" / "store" / "runs"


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (
            Run(TASKS["StdCNN-FashionMNIST"], BENCHMARK.sgd(512), 512, 0, 100, None, "published", "cpu"),
            "10454d6c5d4837c9e6c8",
        ),
        (
            Run(TASKS["StdCNN-FashionMNIST"], BENCHMARK.sgd(512), 512, 0, 100, None, "published", "cpu", steps=540),
            "54cbc0793f272bcf34cc",
        ),
        (
            Run(TASKS["StdCNN-FashionMNIST"], LR().sgd(256), 256, 0, 100, None, "published", "cpu", steps=5400),
            "def7e101de835ff82885",
        ),
    ],
)
def test_runs_that_took_hours_at_the_papers_scale_are_found_where_they_are_stored(run: Run, key: str) -> None:
    assert run.key == key


# their batch norm was another one, and before that C1 was not padded and a narrow ResNet18 laid out otherwise
@pytest.mark.parametrize("task", ["C1-CIFAR10", "ResNet18-CIFAR10"])
def test_runs_from_before_a_network_was_changed_are_not_found_as_its_own(task: str) -> None:
    run = Run(TASKS[task], LR().sgd(64), 64, 0, 100, None, "published", "cpu")
    assert run.spec["version"] == 5
    for version in (3, 4):
        before = json.dumps({**run.spec, "version": version}, sort_keys=True, separators=(",", ":"))
        assert run.key != hashlib.sha256(before.encode()).hexdigest()[:20]


def test_every_published_run_is_found_by_its_key() -> None:
    published = list(RUNS.glob("*/run.json"))
    assert published
    for record in published:
        assert from_spec(json.loads(record.read_text("utf-8"))["run"]).key == record.parent.name


def test_a_session_of_the_papers_regime_finds_every_published_run_of_its_grid() -> None:
    """As a point of a curve: by its recipe, whose rule is asked by way of the regime's anchor."""
    sources = {name: Source(name, "published", ROOT) for name in DATASETS}
    asked = {
        Conditions(PAPER, sources, device).run(task, recipe, size, seed).key
        for device in ("cpu", "cuda")
        for task in (TASKS["StdCNN-MNIST"], TASKS["StdCNN-FashionMNIST"])
        for recipe in (BENCHMARK, *(rule(momentum) for rule in (LR, LR_BS) for momentum in MOMENTA))
        for size in GRID
        for seed in range(5)
    }
    stored = [json.loads(record.read_text("utf-8"))["run"] for record in RUNS.glob("*/run.json")]
    whole = [spec for spec in stored if spec["steps"] is None]
    assert whole
    assert {from_spec(spec).key for spec in whole} <= asked
