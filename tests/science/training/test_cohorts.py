"""A cohort: each member ends as it does alone, whatever the others do."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from repro.experiment.recipes import BENCHMARK, LR, LR_BS, SGD
from repro.experiment.tasks import C1_CIFAR10, STDCNN_MNIST, Task
from repro.science.networks.models import build
from repro.science.training.cohorts import train_cohort
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import History, Training, train

COUNT, BATCH_SIZE = 22, 8
Kept = dict[str, Tensor]


def pixels(task: Task) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    shape = (COUNT, task.dataset.channels, task.dataset.side, task.dataset.side)
    return torch.rand(shape, generator=generator), torch.arange(COUNT) % 10


# dropout and augmentation, other recipes and seeds, ends at other steps; the fourth diverges in its second epoch
MEMBERS = [
    TrainingSettings(sgd=LR(0.9).sgd(BATCH_SIZE), batch_size=BATCH_SIZE, seed=0, epochs=4),
    TrainingSettings(sgd=LR(0.9).sgd(BATCH_SIZE), batch_size=BATCH_SIZE, seed=1, epochs=4, augmented=True),
    TrainingSettings(sgd=BENCHMARK.sgd(BATCH_SIZE), batch_size=BATCH_SIZE, seed=0, epochs=6, steps=7),
    TrainingSettings(sgd=SGD(1e12, 0.9), batch_size=BATCH_SIZE, seed=2, epochs=4),
    TrainingSettings(sgd=LR_BS().sgd(BATCH_SIZE), batch_size=BATCH_SIZE, seed=0, epochs=6, augmented=True),
]


def state(model: nn.Module) -> Kept:
    return {name: value.clone() for name, value in model.state_dict().items()}


def looks(model: nn.Module, seen: dict[int, Kept]) -> dict[int, Callable[[History], None]]:
    return {step: lambda history: seen.update({history.steps: state(model)}) for step in (2, 5)}


def same(one: Kept, other: Kept) -> bool:
    return all(torch.equal(one[name].nan_to_num(7.0), other[name].nan_to_num(7.0)) for name in one)


@pytest.mark.parametrize("task", [STDCNN_MNIST, C1_CIFAR10], ids=str)
def test_each_member_ends_in_exactly_the_weights_that_it_has_alone(task: Task) -> None:
    data, alone, together = pixels(task), [], []
    for settings in MEMBERS:
        model, seen = build(task, settings.seed), dict[int, Kept]()
        history = train(model, *data, settings, at_steps=looks(model, seen))
        alone.append((state(model), seen, history))
    trainings = []
    for settings in MEMBERS:
        model, seen = build(task, settings.seed), dict[int, Kept]()
        trainings.append(Training(model, *data, settings, at_steps=looks(model, seen)))
        together.append((model, seen))
    drawn = torch.get_rng_state()
    ends = train_cohort(trainings)
    assert torch.equal(torch.get_rng_state(), drawn)
    for (weights, looked_at, history), (model, seen), end in zip(alone, together, ends, strict=True):
        assert same(weights, state(model))
        assert repr(end) == repr(history)  # a loss that is no number does not equal itself
        assert seen.keys() == looked_at.keys() == {2, 5} & set(range(history.steps + 1))
        assert all(same(seen[step], looked_at[step]) for step in seen)
    assert [end.diverged for end in ends if isinstance(end, History)] == [False, False, False, True, False]
    assert len({end.steps for end in ends if isinstance(end, History)}) > 2


def test_a_member_that_breaks_is_told_of_and_loses_no_other() -> None:
    data, settings = pixels(STDCNN_MNIST), MEMBERS[0]

    def full(_: History) -> None:
        raise OSError("no space left on device")

    models = [build(STDCNN_MNIST, seed) for seed in range(3)]
    trainings = [
        Training(model, *data, settings, at_steps={3: full} if i == 1 else {}) for i, model in enumerate(models)
    ]
    first, second, third = train_cohort(trainings)
    assert isinstance(second, OSError)
    assert isinstance(first, History)
    assert isinstance(third, History)
    assert first.steps == third.steps == 12
    other = build(STDCNN_MNIST, 2)
    train(other, *data, settings)
    assert same(state(models[2]), state(other))


def test_a_network_that_draws_from_the_global_random_state_is_refused() -> None:
    data = pixels(STDCNN_MNIST)
    model = nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(28 * 28, 10))
    with pytest.raises(ValueError, match="Dropout: draws from the global random state"):
        train_cohort([Training(model, *data, MEMBERS[0])])


def test_afterwards_networks_draw_from_the_global_random_state_again() -> None:
    model = build(STDCNN_MNIST, 0)
    train_cohort([Training(model, *pixels(STDCNN_MNIST), MEMBERS[0])])
    x, found = pixels(STDCNN_MNIST)[0], []
    for _ in range(2):
        torch.manual_seed(0)
        found.append(model(x))
    assert torch.equal(*found)
