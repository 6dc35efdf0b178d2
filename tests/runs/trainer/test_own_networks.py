"""Networks of the next author go all the way: they are trained, stored, measured and found again."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import READING, RUN, measured
from torch import Tensor, nn

from repro.experiment.datasets import MNIST
from repro.experiment.networks import NETWORKS, network
from repro.experiment.tasks import Task
from repro.runs import trainer
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store

pytestmark = pytest.mark.usefixtures("own_threads")


class Viewing(nn.Module):
    """It asks for a view of a convolution's output, which only PyTorch's default layout has."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 5, stride=3), nn.Conv2d(4, 8, 3, stride=3)
        self.last = nn.Linear(8 * 2 * 2, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        found = torch.relu(self.second(torch.relu(self.first(pixels))))
        return self.last(found.view(len(found), -1))


def tied() -> nn.Module:
    """Two layers of one weight, which has two names in what is stored."""
    model = nn.Sequential(
        *(nn.Flatten(), nn.Linear(784, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8), nn.Linear(8, 10))
    )
    model[5].weight = model[3].weight
    return model


@pytest.fixture(params=[Viewing, tied])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """A run of a network that somebody entered."""
    network("Own", lambda *_, **__: request.param())
    yield replace(RUN, task=Task("Own", MNIST))
    del NETWORKS["Own"]


def test_it_is_trained_once_and_measured_from_what_is_stored(
    run: Run, tmp_path: Path, conditions: Conditions, trainings: list[Any]
) -> None:
    store = Store(tmp_path)
    store.prepare()
    trainer.make(run, READING, store, conditions)
    first = measured(store, run)
    again = replace(READING, attacked_images=10)
    trainer.make(run, again, store, conditions)
    assert trainings == [run.seed]
    assert measured(store, run, again)["test_accuracy"] == first["test_accuracy"] > 0
