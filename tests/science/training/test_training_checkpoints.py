"""A training as it was on the way: to the last bit that of a training which ends there."""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.experiment.recipes import BENCHMARK, LR, LR_BS, SGD, Recipe, training_amount
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import History, orders, train

COUNT, BATCH_SIZE, EPOCHS = 70, 16, 7  # five steps an epoch, the last of six images; Benchmark halves after the fifth
PER_EPOCH = 5
STEPS = (1, 3, 5, 25, 26, 28, 35)  # within epochs, at the end of one, before and after the halving, at the very end


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(COUNT, 3, 8, 8, generator=generator), torch.arange(COUNT) % 10


def plain() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))


def batch_normed() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))


def with_dropout() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(4 * 36, 10))


Network = Callable[[], nn.Module]
Seen = dict[int, tuple[dict[str, Tensor], History]]


def trained(
    network: Network, sgd: SGD, *, augmented: bool = False, steps: int | None = None, at: tuple[int, ...] = ()
) -> tuple[dict[str, Tensor], History, Seen]:
    """The weights and buffers that a training ends with, its history, and both at the checkpoints."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = network()
    seen: Seen = {}

    def look(step: int) -> Callable[[History], None]:
        def put(history: History) -> None:
            seen[step] = (state(model), history)

        return put

    settings = TrainingSettings(sgd=sgd, batch_size=BATCH_SIZE, epochs=EPOCHS, seed=1, augmented=augmented, steps=steps)
    history = train(model, *data(), settings, at_steps={step: look(step) for step in at})
    return state(model), history, seen


def state(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("augmented", [False, True], ids=["as they are", "augmented"])
@pytest.mark.parametrize("network", [plain, batch_normed, with_dropout])
@pytest.mark.parametrize("recipe", [LR(), LR(0.9), LR_BS(0.9), BENCHMARK], ids=str)
def test_a_checkpoint_is_the_training_that_ends_there_to_the_last_bit(
    recipe: Recipe, network: Network, augmented: bool
) -> None:
    sgd = recipe.sgd(BATCH_SIZE)
    *_, seen = trained(network, sgd, augmented=augmented, at=STEPS)
    assert set(seen) == set(STEPS)
    for step, (weights, history) in seen.items():
        alone, its_history, _ = trained(network, sgd, augmented=augmented, steps=step)
        assert same(weights, alone)
        assert history == its_history
    assert not any(same(seen[a][0], seen[b][0]) for a, b in itertools.pairwise(STEPS))


@pytest.mark.parametrize("network", [plain, batch_normed, with_dropout])
def test_training_goes_on_as_if_no_checkpoint_had_been_looked_at(network: Network) -> None:
    sgd = BENCHMARK.sgd(BATCH_SIZE)
    looked_at, history, _ = trained(network, sgd, augmented=True, at=STEPS)
    undisturbed, its_history, _ = trained(network, sgd, augmented=True)
    assert same(looked_at, undisturbed)
    assert history == its_history
    assert same(trained(network, sgd, augmented=True, steps=PER_EPOCH * EPOCHS)[0], undisturbed)


def test_a_training_of_so_many_steps_counts_them_and_their_amount() -> None:
    sgd = BENCHMARK.sgd(BATCH_SIZE)
    for step in STEPS:
        _, history, _ = trained(plain, sgd, steps=step)
        assert history.steps == step
        assert history.amount == training_amount(sgd, PER_EPOCH, step)
        assert len(history.losses) == math.ceil(step / PER_EPOCH)
        assert not history.diverged


def test_more_steps_than_there_are_change_nothing() -> None:
    everything, history, _ = trained(plain, LR().sgd(BATCH_SIZE))
    more, its_history, seen = trained(plain, LR().sgd(BATCH_SIZE), steps=1000, at=(1000,))
    assert same(more, everything)
    assert its_history == history
    assert seen == {}


def test_the_loss_of_an_epoch_that_was_cut_short_is_the_mean_over_the_images_that_it_showed() -> None:
    """A learning rate of 0 leaves one network to compare with."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = plain()
    images, labels = data()
    _, order = orders(COUNT, 2, 1, torch.device("cpu"))
    shown = order[: 2 * BATCH_SIZE]
    expected = F.cross_entropy(model(images[shown]), labels[shown]).item()
    _, history, _ = trained(plain, SGD(0.0, 0.0), steps=PER_EPOCH + 2)
    assert history.losses[1] == pytest.approx(expected, rel=1e-6)
    assert history.losses[0] != pytest.approx(expected, rel=1e-3)


def test_a_training_that_diverges_leaves_sound_checkpoints_before_and_tells_of_it_after() -> None:
    """The first step leaves weights that are huge and finite; the next logits overflow."""
    sgd = SGD(1e20, 0.0)
    _, history, seen = trained(plain, sgd, at=tuple(range(1, PER_EPOCH + 1)))
    assert history.diverged_at == 1
    assert history.steps == PER_EPOCH  # it is looked at once an epoch
    weights, first = seen[1]
    assert not first.diverged
    assert math.isfinite(first.losses[0])
    assert all(value.isfinite().all() for value in weights.values())
    assert seen[PER_EPOCH][1].diverged_at == 1
    for step, (_, then) in seen.items():
        assert repr(trained(plain, sgd, steps=step)[1]) == repr(then)  # NaN does not equal itself
