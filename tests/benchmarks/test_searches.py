"""What is counted of searches for lambda1: PyHessian's by its own stop, and ours against a random start."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from worlds import conditions

from benchmarks import power_iteration, starts
from benchmarks.starts import Searched, products, searched, told
from repro.experiment.recipes import LR
from repro.experiment.tasks import STDCNN_MNIST
from repro.runs.run import Run
from repro.science.data.sources import Source
from repro.science.networks.models import build


class Counted:
    """In place of a count of PyHessian's products: what a tolerance takes."""

    products = 0

    def __enter__(self) -> "Counted":
        return self

    def __exit__(self, *_: object) -> None:
        pass


def by_tolerance(values: dict[float, list[float]]) -> Callable[..., float]:
    """A power iteration that gives these values, a start each, and takes more products the tighter it is."""

    def iterate(_model: object, _x: object, _y: object, seed: int, _steps: int, tolerance: float) -> float:
        Counted.products = seed + round(1e-2 / tolerance)
        return values.get(tolerance, [9.0] * power_iteration.STARTS)[seed]

    return iterate


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({1e-3: [5.0, 5.0, 5.0]}, (1e-3, 11.0, True)),
        ({1e-3: [5.0, 5.0, 4.0], 1e-4: [5.0, 5.0, 5.0]}, (1e-4, 101.0, True)),  # every start, not most
        ({}, (1e-6, 10_001.0, False)),
    ],
)
def test_pyhessian_is_given_the_loosest_tolerance_that_is_near_from_every_start(
    monkeypatch: pytest.MonkeyPatch, values: dict[float, list[float]], expected: tuple[float, float, bool]
) -> None:
    monkeypatch.setattr(power_iteration, "Count", Counted)
    monkeypatch.setattr(power_iteration, "power_iteration", by_tolerance(values))
    images, labels = torch.zeros(1, 1), torch.zeros(1, dtype=torch.long)
    assert power_iteration.own_stop(nn.Identity, images, labels, lambda value: value == 5.0) == expected


FOUND = [
    Searched("M1-MNIST", (4, 8), (0.0, 0.0)),
    Searched("M1-MNIST", (6, 12), (0.0, 0.02)),
    Searched("C1-CIFAR10", (10, 13), (0.005, 0.0)),
]


def test_products_and_misses_are_told_by_task() -> None:
    first, second = told(FOUND)
    assert (first["task"], first["searches"], first["products"]) == ("M1-MNIST", 2, {"ours": 5, "random": 10})
    assert first["missed"]["ours"] == {"by more than 0.001": 0, "by more than 0.01": 0, "largest": 0.0}
    assert first["missed"]["random"] == {"by more than 0.001": 1, "by more than 0.01": 1, "largest": 0.02}
    assert second["missed"]["ours"] == {"by more than 0.001": 1, "by more than 0.01": 0, "largest": 0.005}
    figure = products(FOUND)
    assert (figure.ours, figure.peer) == (pytest.approx(20 / 3), 11)
    assert figure.value == pytest.approx(33 / 20)
    assert figure.range == (pytest.approx(1.3), pytest.approx(2.0))


def test_both_starts_are_measured_on_a_stored_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    where = conditions(data="surrogate")
    run = Run(STDCNN_MNIST, LR().sgd(64), 64, 0, 1, 64, "surrogate", "cpu")
    save_file(build(run.task, run.seed).state_dict(), tmp_path / "weights.safetensors")
    monkeypatch.setattr(starts, "source", lambda name: Source(name, "surrogate", tmp_path))
    found = searched(run, tmp_path / "weights.safetensors", where)
    assert [one.task for one in found] == ["StdCNN-MNIST"] * len(starts.SEEDS)
    for one in found:
        assert all(count > 1 for count in one.products)
        assert all(0 <= missed < 1 for missed in one.missed)
    assert min(missed for one in found for missed in one.missed) < 1e-3
