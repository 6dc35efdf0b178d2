"""A training that is taken up between two epochs is the one that it would have been, to the last bit."""

from collections.abc import Callable

import pytest
import torch

from repro.experiment.recipes import BENCHMARK, LR, SGD
from repro.experiment.tasks import C1_CIFAR10, M1_MNIST, RESNET18_CIFAR10, STDCNN_MNIST, Task
from repro.science.networks.models import build
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import State, train

EPOCHS = 4
CASES = [
    (STDCNN_MNIST, SGD(0.05, 0.9)),
    (M1_MNIST, LR().sgd(8)),
    (C1_CIFAR10, BENCHMARK.sgd(8)),
    (RESNET18_CIFAR10, SGD(0.05, 0.9)),
]


def trained(task: Task, sgd: SGD, keep: Callable[[Callable[[], State]], None], start: State | None = None) -> object:
    """The weights and the history of a small training."""
    shape = (20, task.dataset.channels, task.dataset.side, task.dataset.side)
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    model = build(task, 3, 4, ())
    settings = TrainingSettings(sgd=sgd, batch_size=8, epochs=EPOCHS, seed=3, augmented=task.dataset.augmented)
    history = train(model, images, torch.arange(20) % 10, settings, keep=keep, start=start)
    return {name: value.tolist() for name, value in model.state_dict().items()}, history


@pytest.mark.parametrize(("task", "sgd"), CASES, ids=[str(task) for task, _ in CASES])
def test_what_follows_a_state_is_what_followed_it(task: Task, sgd: SGD) -> None:
    states: list[State] = []
    whole = trained(task, sgd, lambda state: states.append(state()))
    assert [state.steps for state in states] == [3, 6, 9]
    for state in states:
        torch.manual_seed(99)  # whatever the process did before
        assert trained(task, sgd, lambda _: None, state) == whole


def test_a_state_of_another_network_is_refused() -> None:
    states: list[State] = []
    trained(STDCNN_MNIST, SGD(0.05, 0.0), lambda state: states.append(state()))
    with pytest.raises(ValueError, match="the state is of another network"):
        trained(M1_MNIST, SGD(0.05, 0.0), lambda _: None, states[0])
