from dataclasses import replace

import pytest
import torch
from torch import nn

from repro.experiment.datasets import CIFAR10, MNIST
from repro.experiment.readings import NAMES, Reading, alternative
from repro.science.data.splits import Data, Split
from repro.science.measuring.measures import measure

FIRST = Reading(test_images=64, attacked_images=32, pgd_steps=4, hessian_images=16)


@pytest.mark.parametrize("name", NAMES)
def test_every_reading_differs_from_the_first_in_what_its_name_says_alone(name: str) -> None:
    other = alternative(name, FIRST, MNIST)
    said = {
        "sound-attack": {},
        "epsilon-in-pixels": {"epsilon_unit": "pixels", "attacked_images": 8},
        "sound-attack-in-pixels": {"epsilon_unit": "pixels", "attacked_images": 8},
        "pgd-10-restarts-3": {"pgd_steps": 10, "pgd_restarts": 3},
        "lambda1-test": {"curvature_of": "test", "hessian_images": 4},
        "lambda1-1024": {"hessian_images": 1024},
        "lambda1-4096": {"hessian_images": 4096},
        "lambda1-all": {"hessian_images": None},
    }[name]
    assert replace(other.reading, parts=FIRST.parts) == replace(FIRST, **said)
    assert other.free == (other.reading == FIRST)
    about = "curvature" if name.startswith("lambda1") else "attacks"
    assert other.free or other.reading.parts == (about,)  # no more is measured than is read


def test_readings_of_training_images_are_of_these_whatever_the_first_is_of() -> None:
    of_test = replace(FIRST, curvature_of="test")
    for name in ("lambda1-1024", "lambda1-4096", "lambda1-all"):
        found = alternative(name, of_test, MNIST)
        assert "training images" in found.says
        assert found.reading.curvature_of == "train"


def test_an_unknown_reading_is_refused() -> None:
    with pytest.raises(KeyError):
        alternative("lambda1-7", FIRST, MNIST)


def test_epsilon_in_pixels_is_the_papers_number_taken_of_a_pixels_range() -> None:
    in_pixels = replace(FIRST, epsilon_unit="pixels")
    assert FIRST.epsilon(MNIST) == pytest.approx(0.3 * 0.3081)
    assert in_pixels.epsilon(MNIST) == 0.3
    assert in_pixels.epsilon(CIFAR10) == FIRST.epsilon(CIFAR10) == 0.02


@pytest.fixture
def world() -> tuple[nn.Module, Data]:
    """A small network on noise: 64 images a split."""
    generator = torch.Generator().manual_seed(0)

    def split() -> Split:
        images = torch.randint(0, 256, (64, 1, 28, 28), generator=generator, dtype=torch.uint8)
        return Split(images, torch.randint(0, 10, (64,), generator=generator))

    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.Tanh(), nn.Linear(16, 10))
    return model, Data(split(), split(), split())


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ("accuracy", {"test_accuracy", "train_accuracy", "train_loss", "median_margin"}),
        ("curvature", {"lambda1", "lambda1_residual", "lambda1_smallest", "lambda1_products"}),
    ],
)
def test_only_the_parts_of_a_reading_are_measured_and_they_are_those_of_the_whole(
    world: tuple[nn.Module, Data], part: str, fields: set[str]
) -> None:
    model, data = world
    whole = measure(model, MNIST, data, None, FIRST)
    found = measure(model, MNIST, data, None, replace(FIRST, parts=(part,)))
    assert set(found) == fields
    assert found == {name: whole[name] for name in fields}


def test_curvature_of_the_test_loss_is_of_other_images(world: tuple[nn.Module, Data]) -> None:
    model, data = world
    curvature = replace(FIRST, parts=("curvature",))
    swapped = Data(data.test, data.validation, data.train)
    on_test = measure(model, MNIST, data, None, replace(curvature, curvature_of="test"))
    assert on_test == measure(model, MNIST, swapped, None, curvature)
    assert on_test["lambda1"] != measure(model, MNIST, data, None, curvature)["lambda1"]
