"""Sound networks pass every check of the attacks, and networks that hide their weakness are caught."""

import copy
import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.experiment.datasets import CIFAR10
from repro.experiment.readings import Reading
from repro.experiment.recipes import SGD
from repro.experiment.tasks import TASKS
from repro.science.attacks.accuracy import transfer_accuracy
from repro.science.data.sources import Source
from repro.science.data.splits import Data, Split, load
from repro.science.measuring.instruments import check_attacks, check_curvature
from repro.science.measuring.measures import measure
from repro.science.networks.models import build
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import train
from repro.verdicts.curves import FGSM, LAMBDA1, PGD, Measure
from repro.verdicts.instrument_checks import DOUBTS, failed, unchecked


def names(numbers: dict[str, float], of: Measure | None = None) -> set[str]:
    return set(failed(numbers, of))


# --- sound networks: the real ones where there is data for them, on the surrogate otherwise ---

# Epochs, and on how many images. None leaves a network at chance, one is too few.
TRAINED = {"M1-MNIST": (0, 6), "StdCNN-MNIST": (0, 1, 12), "C1-CIFAR10": (0, 2), "ResNet18-CIFAR10": (0, 4)}
COUNTS = {"M1-MNIST": 512, "StdCNN-MNIST": 2048, "C1-CIFAR10": 256, "ResNet18-CIFAR10": 256}
WELL = 12  # epochs of StdCNN


@pytest.fixture(scope="session")
def studied(surrogate_folder: Path) -> SimpleNamespace:
    """Networks of the paper after so many epochs, with test images, training images and epsilon."""
    root = os.environ.get("REPRO_DATA")
    made: dict[tuple[str, int, int], nn.Module] = {}

    def get(name: str, epochs: int, seed: int = 0) -> SimpleNamespace:
        task = TASKS[name]
        source = Source(task.dataset.name, "published" if root else "surrogate", Path(root or surrogate_folder))
        data = load(source)
        images, labels = data.train.part(COUNTS[name])
        if (name, epochs, seed) not in made:
            model = build(task, seed, width=4)
            if epochs:
                settings = TrainingSettings(sgd=SGD(0.02, 0.9), batch_size=32, epochs=epochs, seed=seed)
                train(model, images, labels, settings)
            made[name, epochs, seed] = model.eval()
        attacked = data.test.part(64)
        epsilon = task.dataset.epsilon_pixels
        return SimpleNamespace(
            model=made[name, epochs, seed],
            attacked=attacked,
            many=data.test.part(128),
            trained=(images[:64], labels[:64]),
            epsilon=epsilon,
        )

    return SimpleNamespace(get=get)


@pytest.mark.parametrize(("name", "epochs"), [(name, epochs) for name in TRAINED for epochs in TRAINED[name]])
def test_sound_networks_pass_every_check_however_well_they_are_trained(
    studied: SimpleNamespace, name: str, epochs: int
) -> None:
    one = studied.get(name, epochs)
    other = studied.get(name, min(epochs, 1), seed=1)  # one that has begun to learn is a source
    numbers = accuracies(one.model, one.attacked, one.epsilon)
    numbers |= check_attacks(one.model, *one.attacked, one.epsilon) | check_curvature(one.model, *one.trained)
    numbers["transfer_accuracy"] = transfer_accuracy(other.model, one.model, *one.attacked, epsilon=one.epsilon)
    assert unchecked(numbers) == []
    assert failed(numbers).keys() <= DOUBTS.keys()  # an eigenvalue of few images is one, however sound the search
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers
    if epochs == max(TRAINED[name]) and name.endswith("MNIST"):
        assert numbers["clean_accuracy"] > 0.5  # so there is something for an attack to break
    if epochs == 0:
        assert numbers["clean_accuracy"] < 0.4


@pytest.fixture
def sound(studied: SimpleNamespace) -> SimpleNamespace:
    """StdCNN, well trained."""
    return studied.get("StdCNN-MNIST", WELL)


class Constant(nn.Module):
    """Gives every image the same class: at chance, without a gradient, and truly not to be attacked."""

    def forward(self, x: Tensor) -> Tensor:
        return F.one_hot(torch.tensor(3), 10).float() + 0 * x.flatten(1).sum(1, keepdim=True)


def test_a_dead_network_is_sound(sound: SimpleNamespace) -> None:
    numbers = check_attacks(Constant(), *sound.attacked, sound.epsilon)
    assert numbers["clean_accuracy"] == numbers["pgd_large_accuracy"] == numbers["right_without_gradient"]
    assert failed(numbers) == {}


# --- masked networks: each is as accurate as the sound one it hides ---


class Masked(nn.Module):
    """A network with something done to its input or output that leaves its accuracy and takes its gradient."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(self.hide(x))

    def hide(self, x: Tensor) -> Tensor:
        return x


class Saturated(Masked):
    """Logits so many times as large, which changes no answer: the cross-entropy of what is right rounds to zero."""

    times = 1000

    def forward(self, x: Tensor) -> Tensor:
        return self.times * self.model(x)


class Quantised(Masked):
    """Sixteen greys: no gradient passes through rounding."""

    def hide(self, x: Tensor) -> Tensor:
        return (16 * x).round() / 16


class Noisy(Masked):
    """Noise on the input, drawn anew at each pass."""

    def hide(self, x: Tensor) -> Tensor:
        return x + 0.05 * torch.randn_like(x)


class Shattered(Masked):
    """A staircase with a ripple too small to see, so steep that the gradient's sign is that of the ripple."""

    def hide(self, x: Tensor) -> Tensor:
        phase = 40 * torch.arange(x[0].numel()).view_as(x[0]) ** 1.5
        return (16 * x).round() / 16 + 1e-4 * torch.sin(1e5 * x + phase)


def masked(make: type[Masked], sound: SimpleNamespace, epsilon: float | None = None) -> dict[str, float]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        numbers = check_attacks(make(copy.deepcopy(sound.model)).eval(), *sound.attacked, epsilon or sound.epsilon)
    assert numbers["clean_accuracy"] > 0.8
    return numbers


def accuracies(model: nn.Module, attacked: tuple[Tensor, Tensor], epsilon: float, steps: int = 4) -> dict[str, float]:
    """The accuracies of all attacked images, as a reading measures them."""
    images, labels = attacked
    split = Split((255 * images).round().to(torch.uint8), labels)
    reading = Reading(None, None, steps, None, parts=("attacks",))
    return measure(model, replace(CIFAR10, epsilon=epsilon), Data(split, split, split), None, reading)


@pytest.mark.parametrize("times", [10, 100, 1000])
@pytest.mark.parametrize("name", TRAINED)
def test_a_network_that_is_sure_of_its_answers_fails_no_check_and_its_sound_accuracies_stay(
    studied: SimpleNamespace, name: str, times: int
) -> None:
    """Saturation is scale, and no scale of the logits moves what the sound attacks leave by more than their search."""
    one = studied.get(name, max(TRAINED[name]))
    other = Saturated(studied.get(name, min(max(TRAINED[name]), 1), seed=1).model).eval()
    model = Saturated(one.model).eval()
    model.times = other.times = times
    numbers = check_attacks(model, *one.attacked, one.epsilon)
    found, unscaled = (accuracies(net, one.attacked, one.epsilon) for net in (model, one.model))
    transferred = transfer_accuracy(other, model, *one.attacked, epsilon=one.epsilon)
    whole = found | {"transfer_accuracy": transferred, "images": 64.0}
    assert failed(numbers) == failed(whole) == {}
    for attack in ("fgsm", "pgd"):
        assert found[f"{attack}_sound_accuracy"] == pytest.approx(unscaled[f"{attack}_sound_accuracy"], abs=0.1)
    if times == 1000:
        assert found["saturated"] > 0.8 * numbers["clean_accuracy"]


def test_saturation_blinds_the_papers_attacks_and_not_the_sound_ones(sound: SimpleNamespace) -> None:
    """The difference of the two is what a report tells beside the paper's number."""
    epsilon = 0.3  # where FGSM breaks a fair share of the sound network's images
    found = accuracies(Saturated(sound.model).eval(), sound.attacked, epsilon)
    assert found["fgsm_accuracy"] > found["fgsm_sound_accuracy"] + 0.2
    assert found["pgd_accuracy"] > found["pgd_sound_accuracy"] + 0.2
    assert failed(check_attacks(Saturated(sound.model).eval(), *sound.attacked, epsilon)) == {}


@pytest.mark.parametrize("fault", ["Quantised", "Shattered", "Noisy"])
def test_a_masked_network_is_caught_however_sure_it_is(sound: SimpleNamespace, fault: str) -> None:
    """Saturation excuses no broken gradient."""
    make = {"Quantised": Quantised, "Shattered": Shattered, "Noisy": Noisy}[fault]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        numbers = check_attacks(make(Saturated(sound.model)).eval(), *sound.attacked, sound.epsilon)
    expected = "same-logits" if fault == "Noisy" else "large-epsilon-leaves-nothing"
    assert numbers["clean_accuracy"] > 0.8
    assert expected in names(numbers, FGSM) & names(numbers, PGD)


def test_a_rounded_input_is_caught_by_its_gradient_of_zero(sound: SimpleNamespace) -> None:
    numbers = masked(Quantised, sound)
    assert numbers["right_without_gradient"] == numbers["clean_accuracy"]
    for of in (FGSM, PGD):
        assert names(numbers, of) >= {"gradient-not-zero", "large-epsilon-leaves-nothing"}


def test_noise_on_the_input_is_caught_by_a_second_pass(sound: SimpleNamespace) -> None:
    numbers = masked(Noisy, sound)
    for of in (FGSM, PGD, LAMBDA1):
        assert "same-logits" in names(numbers, of)


@pytest.mark.parametrize("name", ["StdCNN-MNIST", "C1-CIFAR10"])
def test_dropout_and_batch_norm_left_in_training_mode_are_caught(studied: SimpleNamespace, name: str) -> None:
    one = studied.get(name, max(TRAINED[name]))
    numbers = check_attacks(copy.deepcopy(one.model).train(), *one.attacked, one.epsilon)
    assert "same-logits" in names(numbers)


def test_a_shattered_gradient_is_caught_by_an_epsilon_that_should_leave_nothing(sound: SimpleNamespace) -> None:
    """It is neither zero nor saturated nor random."""
    numbers = masked(Shattered, sound)
    assert numbers["right_without_gradient"] == numbers["disagreement"] == 0
    for of in (FGSM, PGD):
        assert "large-epsilon-leaves-nothing" in names(numbers, of)


def test_another_networks_images_break_what_its_own_shattered_gradient_does_not(
    sound: SimpleNamespace, studied: SimpleNamespace
) -> None:
    """At the best of three sizes, for the one at which another network's images break most is the data's.

    There PGD was above them by 0.22 and more, where 0.13 may be chance on so many images; on the sound network it was
    below them, on whatever data and rounding was tried (see ``transfer_accuracy``).
    """
    other = studied.get("StdCNN-MNIST", WELL, seed=1).model
    for target, expected in ((Shattered(sound.model).eval(), {"pgd-beats-transfer"}), (sound.model, set())):
        found = set()
        for epsilon in (0.2, 0.3, 0.4):
            numbers = accuracies(target, sound.many, epsilon) | {"images": 128.0}
            numbers["transfer_accuracy"] = transfer_accuracy(other, target, *sound.many, epsilon=epsilon)
            found |= names(numbers, PGD) & {"pgd-beats-transfer"}
        assert found == expected
