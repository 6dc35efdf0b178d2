import copy
import hashlib
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.experiment.recipes import BENCHMARK, LR, LR_BS, SGD, Recipe
from repro.experiment.tasks import STDCNN_MNIST
from repro.science.computing.streams import stream
from repro.science.data.augmentation import crop_and_flip
from repro.science.networks.models import StdCNN, build
from repro.science.training.pulse import heard
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import History, orders, train

ROOT = Path(__file__).parents[3]
CPU = torch.device("cpu")
RECIPES = (LR(), LR(0.9), LR_BS(0.9), BENCHMARK)


def images_and_labels(count: int = 70, channels: int = 1, side: int = 28) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, channels, side, side, generator=generator), torch.arange(count) % 10


def convolutional() -> nn.Module:
    """Coloured 8x8 images, batch norm."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))


def linear() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(192, 10))


def flat(model: nn.Module) -> Tensor:
    return torch.cat([value.detach().double().flatten() for value in model.state_dict().values()])


def reference(
    model: nn.Module, images: Tensor, labels: Tensor, sgd: SGD, batch_size: int, epochs: int, seed: int, augmented: bool
) -> list[float]:
    """The same training as a tutorial writes it: torch.optim.SGD and a scheduler on the default memory layout."""
    optimizer = torch.optim.SGD(model.parameters(), lr=sgd.learning_rate, momentum=sgd.momentum)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, sgd.half_life or 10**9, gamma=0.5)
    order = torch.Generator().manual_seed(stream(seed, "order"))
    augmentation = torch.Generator().manual_seed(stream(seed, "augmentation"))
    torch.manual_seed(stream(seed, "dropout"))
    model.train()
    means = []
    for _ in range(epochs):
        permutation, total = torch.randperm(len(images), generator=order), 0.0
        for begin in range(0, len(images), batch_size):
            picked = permutation[begin : begin + batch_size]
            x = crop_and_flip(images[picked], augmentation) if augmented else images[picked]
            loss = F.cross_entropy(model(x), labels[picked])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(picked)
        scheduler.step()
        means.append(total / len(images))
    return means


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
@pytest.mark.parametrize("augmented", [False, True], ids=["plain", "augmented"])
def test_training_is_plain_sgd_with_batch_norm(recipe: Recipe, augmented: bool) -> None:
    """12 epochs, so that Benchmark halves twice; 70 images in batches of 16 leave a last one of 6."""
    ours, theirs = convolutional().double(), convolutional().double()
    images, labels = images_and_labels(channels=3, side=8)
    data, sgd = (images.double(), labels), recipe.sgd(16)
    settings = TrainingSettings(sgd=sgd, batch_size=16, epochs=12, seed=1, augmented=augmented)
    history = train(ours, *data, settings)
    losses = reference(theirs, *data, sgd, 16, 12, 1, augmented)
    assert history.losses == pytest.approx(losses, rel=1e-6)
    torch.testing.assert_close(flat(ours), flat(theirs), rtol=1e-9, atol=1e-11)
    assert not torch.allclose(flat(ours), flat(convolutional()), rtol=1e-3)


@pytest.mark.parametrize(
    ("dtype", "rounding"), [(torch.float64, 1e-9), (torch.float32, 1e-4)], ids=["double", "single"]
)
def test_training_is_plain_sgd_with_dropout(dtype: torch.dtype, rounding: float) -> None:
    ours, theirs, sgd = build(STDCNN_MNIST, 0).to(dtype), build(STDCNN_MNIST, 0).to(dtype), LR(0.9).sgd(32)
    images, labels = images_and_labels()
    torch.manual_seed(0)  # not the state that the masks are drawn from
    history = train(ours, images.to(dtype), labels, TrainingSettings(sgd=sgd, batch_size=32, epochs=3, seed=1))
    losses = reference(theirs, images.to(dtype), labels, sgd, 32, 3, 1, False)
    assert history.losses == pytest.approx(losses, rel=max(rounding, 1e-6))  # summed in single precision
    torch.testing.assert_close(flat(ours), flat(theirs), rtol=rounding, atol=rounding)
    assert ours.training


def test_benchmark_is_not_the_same_as_its_first_learning_rate() -> None:
    """That halving is felt at all, so that agreement with the reference says something."""
    losses = []
    for sgd in (BENCHMARK.sgd(16), LR(0.9).sgd(16)):
        settings = TrainingSettings(sgd=sgd, batch_size=16, epochs=8, seed=1)
        history = train(convolutional(), *images_and_labels(channels=3, side=8), settings)
        losses.append(history.losses)
    assert losses[0][:5] == losses[1][:5]
    assert losses[0][5:] != losses[1][5:]


# --- the same seed, the same weights ---


def trained(seed: int = 3) -> Tensor:
    model = build(STDCNN_MNIST, seed)
    settings = TrainingSettings(sgd=LR(0.9).sgd(32), batch_size=32, epochs=2, seed=seed, augmented=True)
    train(model, *images_and_labels(), settings)
    return flat(model)


def test_the_seed_decides_every_bit_whatever_happens_around() -> None:
    torch.manual_seed(1)
    first = trained()
    torch.manual_seed(2)
    train(StdCNN(), *images_and_labels(), TrainingSettings(sgd=LR().sgd(8), batch_size=8, epochs=1, seed=9))
    torch.rand(1000)
    assert torch.equal(trained(), first)
    assert not torch.equal(trained(seed=4), first)


def test_the_global_random_state_is_left_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    trained()
    assert torch.equal(torch.get_rng_state(), state)


def fingerprint() -> str:
    return hashlib.sha256(trained().numpy().tobytes()).hexdigest()


def test_another_process_gives_the_same_weights() -> None:
    program = "import runpy, sys, torch; torch.set_num_threads(1); print(runpy.run_path(sys.argv[1])['fingerprint']())"
    found = subprocess.run(
        [sys.executable, "-c", program, __file__], check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert found.stdout.strip() == fingerprint()


# --- the order of the images ---


class Recording(nn.Module):
    """Remembers the first pixel of every image it is shown, batch by batch."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []
        self.w = nn.Parameter(torch.zeros(10))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.seen.append(x[:, 0, 0, 0].clone())
        return self.w.expand(len(x), 10)


def shown(batch_size: int, sgd: SGD, seed: int = 0) -> list[Tensor]:
    images = torch.arange(70.0).view(70, 1, 1, 1).expand(70, 1, 2, 2)
    model = Recording()
    settings = TrainingSettings(sgd=sgd, batch_size=batch_size, epochs=2, seed=seed)
    train(model, images, torch.arange(70) % 10, settings)
    return model.seen


def test_every_recipe_and_batch_size_of_a_seed_sees_one_order() -> None:
    first = torch.cat(shown(8, LR().sgd(8)))
    for batch_size, recipe in ((16, LR(0.9)), (32, LR_BS()), (70, BENCHMARK), (512, LR())):
        assert torch.equal(torch.cat(shown(batch_size, recipe.sgd(batch_size))), first)
    assert not torch.equal(torch.cat(shown(8, LR().sgd(8), seed=1)), first)


def test_an_epoch_shows_each_image_once_in_an_order_of_its_own() -> None:
    epochs = torch.cat(shown(16, LR().sgd(16))).view(2, 70)
    assert torch.equal(epochs.sort().values, torch.arange(70.0).expand(2, 70))
    assert not torch.equal(*epochs)
    assert not torch.equal(epochs[0], torch.arange(70.0))
    assert [order.tolist() for order in orders(70, 2, 0, CPU)] == epochs.long().tolist()


def test_the_last_batch_of_an_epoch_is_what_is_left() -> None:
    assert [len(batch) for batch in shown(32, LR().sgd(32))] == [32, 32, 6] * 2
    assert [len(batch) for batch in shown(512, LR().sgd(32))] == [70] * 2


# --- the history ---


def test_the_history_counts_steps_and_the_amount_of_training() -> None:
    settings = TrainingSettings(sgd=BENCHMARK.sgd(16), batch_size=16, epochs=7, seed=0)
    history = train(linear(), *images_and_labels(channels=3, side=8), settings)
    assert len(history.losses) == 7
    assert history.steps == 7 * 5
    assert history.amount == pytest.approx((5 * 0.01 + 2 * 0.005) * 5 / 0.1)
    assert not history.diverged


def test_the_loss_of_an_epoch_is_the_mean_over_its_images_each_before_its_step() -> None:
    """Batches of 32, 32 and 6 count by their size; a learning rate of 0 leaves one loss to compare with."""
    model, (images, labels) = linear(), images_and_labels(channels=3, side=8)
    expected = F.cross_entropy(model(images), labels).item()
    history = train(model, images, labels, TrainingSettings(sgd=SGD(0.0, 0.0), batch_size=32, epochs=2, seed=0))
    assert history.losses == pytest.approx((expected, expected), rel=1e-6)


def test_a_training_that_diverges_is_stopped_and_says_where() -> None:
    images, labels = images_and_labels(channels=3, side=8)
    model = nn.Sequential(convolutional(), nn.Linear(10, 10))
    settings = TrainingSettings(sgd=SGD(1e18, 0.9), batch_size=16, epochs=10, seed=0)
    history = train(model, 1e3 * images, labels, settings)
    assert history.diverged
    assert history.diverged_at == len(history.losses) < 10
    assert not math.isfinite(history.losses[-1])
    assert all(math.isfinite(loss) for loss in history.losses[:-1])
    assert history.steps == 5 * history.diverged_at


def test_weights_that_overflow_in_the_last_step_are_a_divergence_too() -> None:
    """The loss of an epoch is taken before its last step, so it cannot tell."""
    images, labels = images_and_labels(channels=3, side=8)
    settings = TrainingSettings(sgd=SGD(3e38, 0.0), batch_size=70, epochs=1, seed=0)
    history = train(linear(), 1e3 * images, labels, settings)
    assert math.isfinite(history.losses[-1])
    assert history.diverged_at == 1


def test_a_history_that_ended_well_did_not_diverge() -> None:
    assert not History((1.0,), 1, 0.01, None).diverged
    assert History((1.0, math.nan), 2, 0.02, 2).diverged


def test_augmentation_is_felt_and_leaves_the_images() -> None:
    images, labels = images_and_labels(channels=3, side=8)
    before, losses = copy.deepcopy(images), []
    for augmented in (False, True):
        settings = TrainingSettings(sgd=LR().sgd(16), batch_size=16, epochs=2, seed=0, augmented=augmented)
        losses.append(train(linear(), images, labels, settings).losses)
    assert losses[0] != losses[1]
    assert torch.equal(images, before)


def test_who_listens_is_told_of_every_epoch_with_its_loss() -> None:
    told: list[tuple[int, float]] = []
    images, labels = torch.rand(12, 4), torch.arange(12) % 10
    settings = TrainingSettings(sgd=SGD(0.1, 0.0), batch_size=5, epochs=3, seed=0)
    with heard(lambda epochs, loss: told.append((epochs, loss))):
        history = train(nn.Linear(4, 10), images, labels, settings)
    assert told == [(epoch, loss) for epoch, loss in enumerate(history.losses, 1)]
    train(nn.Linear(4, 10), images, labels, settings)
    assert len(told) == 3
