import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from repro.experiment.datasets import CIFAR10, MNIST
from repro.experiment.readings import Part, Reading
from repro.science.attacks.accuracy import (
    accuracy_throughout,
    gradient_health,
    right_after,
    right_throughout,
    share,
)
from repro.science.attacks.attacks import LOSSES, Attack
from repro.science.curvature.hessian import top_eigenvalue
from repro.science.data.splits import Data, Split
from repro.science.measuring.instruments import check_attacks, check_curvature
from repro.science.measuring.measures import measure
from repro.verdicts.curves import MEASURES, Measure

Case = tuple[nn.Module, Tensor, Tensor]


def right(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        return model(images).argmax(1) == labels


# --- planted networks ---


class Constant(nn.Module):
    """Says 3 of everything; a parameter of its own gives it a Hessian."""

    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(5 * F.one_hot(torch.tensor(3), 10).float())

    def forward(self, x: Tensor) -> Tensor:
        return self.logits + 0 * x.flatten(1).sum(1, keepdim=True)


def data(count: int = 40, channels: int = 1) -> Data:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 4
    images = torch.randint(256, (count, channels, 6, 6), generator=generator, dtype=torch.uint8)
    return Data(Split(images, labels), Split(images[:0], labels[:0]), Split(images.flip(0), labels.flip(0)))


READING = Reading(
    test_images=30,
    attacked_images=12,
    pgd_steps=3,
    hessian_images=9,
    parts=("accuracy", "attacks", "curvature"),
)


def test_a_constant_network_cannot_be_broken_where_it_is_right_nor_mended_where_it_is_wrong() -> None:
    found = measure(Constant(), MNIST, data(), None, Reading(None, None, 3, None))
    accuracies = {name: value for name, value in found.items() if name.endswith("accuracy")}
    assert len(accuracies) == 6
    assert set(accuracies.values()) == {0.25}
    assert found["zero_gradient"] == 1.0
    assert found["saturated"] == 0.0
    # three quarters of the images have the margin of a wrong class: 0 - log(e^5 + 8)
    assert found["median_margin"] == pytest.approx(-math.log(math.exp(5) + 8), rel=1e-6)


def test_the_median_margin_is_positive_where_the_network_is_right() -> None:
    everything = Data(*(Split(part.images, torch.full_like(part.labels, 3)) for part in vars(data()).values()))
    found = measure(Constant(), MNIST, everything, None, READING)
    assert found["median_margin"] == pytest.approx(5 - math.log(9), rel=1e-6)
    assert found["test_accuracy"] == found["train_accuracy"] == 1.0
    assert found["train_loss"] == pytest.approx(math.log1p(9 * math.exp(-5)), rel=1e-5)


class Certain(nn.Module):
    """Logits (0, -1000 x) of the first pixel x: cross-entropy for label 0 is log(1 + exp(-1000 x))."""

    def forward(self, x: Tensor) -> Tensor:
        s = 1000 * x.flatten(1)[:, :1]
        return torch.cat([torch.zeros_like(s), -s], 1)


def test_saturation_and_vanished_gradients_are_told_apart() -> None:
    """s = 5: neither; 30: the loss rounds to 0 and its gradient is 1e-13; 200: both are 0."""
    s = torch.tensor([5.0, 5.0, 5.0, 30.0, 30.0, 200.0, 5.0, 5.0])
    images = (s / 1000).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    found = gradient_health(Certain(), images, torch.zeros(8, dtype=torch.long))
    assert found == {"saturated": 3 / 8, "zero_gradient": 1 / 8}


# --- everything at once ---


def network(channels: int = 1) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            *(nn.Conv2d(channels, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten()),
            *(nn.Linear(48, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 4)),
        )


def test_every_measure_is_a_plain_finite_number_and_the_network_stays() -> None:
    model = network()
    before = copy.deepcopy(model.state_dict())
    found = measure(model, MNIST, data(), 20, READING)
    assert set(found) == set().union(*PARTS.values())
    for name, value in found.items():
        assert type(value) is (int if name == "lambda1_products" else float), name
        assert math.isfinite(value), name
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert all(p.grad is None for p in model.parameters())
    assert not model.training
    assert measure(model.train(), MNIST, data(), 20, READING) == found  # dropout does not come into it


def test_each_measure_is_taken_on_the_images_that_the_reading_names() -> None:
    model, whole = network().eval(), data()
    found = measure(model, MNIST, whole, 20, READING)
    test, test_labels = whole.test.part(30)
    train, train_labels = whole.train.part(20)
    with torch.no_grad():
        logits = model(train)
    assert found["test_accuracy"] == pytest.approx(right(model, test, test_labels).double().mean().item())
    assert found["train_accuracy"] == pytest.approx((logits.argmax(1) == train_labels).double().mean().item())
    assert found["train_loss"] == pytest.approx(F.cross_entropy(logits, train_labels).item(), rel=1e-5)
    attacked, epsilon = (test[:12], test_labels[:12]), MNIST.epsilon_pixels
    assert found["fgsm_accuracy"] == share(right_after(model, *attacked, Attack.fgsm(epsilon)))
    pgd = Attack(epsilon, 3, READING.pgd_step_size(epsilon))
    assert found["pgd_accuracy"] == accuracy_throughout(model, *attacked, pgd)
    top = top_eigenvalue(model, train[:9], train_labels[:9])
    assert found["lambda1"] == top.value
    assert (found["lambda1_residual"], found["lambda1_smallest"]) == (top.residual, top.smallest)
    assert found["lambda1_products"] == top.products


@pytest.mark.parametrize("sharpness", [1.0, 300.0])
def test_the_sound_accuracies_are_of_images_that_no_form_of_an_attack_breaks(digits: Case, sharpness: float) -> None:
    """Each image is attacked in every form here; a measure leaves out those that an earlier form has broken."""
    net, images, labels = digits
    model, epsilon = Sharper(net, sharpness).eval(), 0.08
    reading = replace(READING, attacked_images=None, pgd_steps=10, parts=("attacks",))
    dataset = replace(CIFAR10, epsilon=epsilon)
    split = Split((255 * images).round().to(torch.uint8), labels)
    pixels = split.part()[0]
    found = measure(model, dataset, Data(split, split, split), None, reading)
    pgd = Attack(epsilon, reading.pgd_steps, reading.pgd_step_size(epsilon))
    fgsm_forms = [right_after(model, pixels, labels, Attack.fgsm(epsilon, loss)) for loss in LOSSES]
    pgd_forms = [right_throughout(model, pixels, labels, replace(pgd, loss=loss)) for loss in LOSSES]
    assert found["fgsm_accuracy"] == fgsm_forms[0].double().mean().item()
    assert found["pgd_accuracy"] == pgd_forms[0].double().mean().item()
    assert found["fgsm_sound_accuracy"] == torch.stack(fgsm_forms).all(0).double().mean().item()
    assert found["pgd_sound_accuracy"] == torch.stack(fgsm_forms + pgd_forms).all(0).double().mean().item()
    assert 0 < found["pgd_sound_accuracy"] <= found["fgsm_sound_accuracy"]
    blinded = found["fgsm_accuracy"] - found["fgsm_sound_accuracy"]
    assert blinded > 0.1 if sharpness > 1 else blinded < 0.02


class Sharper(nn.Module):
    """Logits so many times as large: the network is surer and says the same.

    It reckons in double precision, where an image's gradient has the same signs whatever batch it is in.
    """

    def __init__(self, model: nn.Module, by: float) -> None:
        super().__init__()
        self.model, self.by = copy.deepcopy(model).double(), by

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.model(x.double())
        return self.by * logits


def test_none_means_every_image_and_lambda1_is_of_training_images_alone() -> None:
    model, whole = network(3).eval(), data(channels=3)
    everything = measure(model, CIFAR10, whole, None, Reading(None, None, 3, None))
    assert everything == measure(model, CIFAR10, whole, 40, Reading(40, 40, 3, 40))
    few = measure(model, CIFAR10, whole, 10, Reading(None, None, 3, 4096))
    assert few["lambda1"] == top_eigenvalue(model, *whole.train.part(10)).value


PARTS: dict[Part, set[str]] = {
    "accuracy": {"test_accuracy", "train_accuracy", "train_loss", "median_margin"},
    "attacks": {
        *("fgsm_accuracy", "pgd_accuracy", "fgsm_sound_accuracy", "pgd_sound_accuracy"),
        *("saturated", "zero_gradient"),
    },
    "curvature": {"lambda1", "lambda1_residual", "lambda1_smallest", "lambda1_products"},
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_alone_gives_its_own_measures_and_the_same_values(part: Part) -> None:
    whole = measure(network(), MNIST, data(), 20, READING)
    found = measure(network(), MNIST, data(), 20, replace(READING, parts=(part,)))
    assert found == {name: whole[name] for name in PARTS[part]}


@pytest.mark.parametrize("measure", MEASURES.values(), ids=str)
def test_what_the_figures_show_is_measured_in_the_part_that_it_says(measure: Measure) -> None:
    assert measure.field in PARTS[measure.part]
    assert measure.sound in (PARTS["attacks"] if measure.attacked else {None})
    assert measure.sound != measure.field


def test_the_instruments_are_measured_beside_what_they_read_and_change_none_of_it() -> None:
    model, whole = network().eval(), data()
    found = measure(model, MNIST, whole, 20, replace(READING, parts=(*READING.parts, "instruments")))
    attacked = [part[:12] for part in whole.test.part()]
    assert found.pop("instruments") == check_attacks(model, *attacked, MNIST.epsilon_pixels)
    curvature = check_curvature(model, *(part[:9] for part in whole.train.part(20)))
    assert found == measure(model, MNIST, whole, 20, READING) | curvature
    for part, more in (("attacks", {"instruments"}), ("curvature", {"lambda1_elsewhere", "lambda1_error"})):
        alone = measure(model, MNIST, whole, 20, replace(READING, parts=(part, "instruments")))
        assert set(alone) == PARTS[part] | more


def test_an_alternative_reading_is_followed() -> None:
    model, whole = network().eval(), data()
    test, labels = whole.test.part(12)
    reading = replace(READING, epsilon_unit="pixels", pgd_steps=2, pgd_restarts=3, curvature_of="test")
    found = measure(model, MNIST, whole, 20, reading)
    assert found["fgsm_accuracy"] == share(right_after(model, test, labels, Attack.fgsm(0.3)))
    assert found["pgd_accuracy"] == accuracy_throughout(model, test, labels, Attack(0.3, 2, 0.2, restarts=3))
    assert found["lambda1"] == top_eigenvalue(model, test[:9], labels[:9]).value
