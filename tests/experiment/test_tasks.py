import pytest

from repro.experiment.datasets import CIFAR10, DATASETS, FASHION, MNIST
from repro.experiment.tasks import TASKS


def test_the_six_tasks_of_the_paper() -> None:
    assert list(TASKS) == [
        *("M1-MNIST", "StdCNN-MNIST", "M1-FashionMNIST", "StdCNN-FashionMNIST"),
        *("C1-CIFAR10", "ResNet18-CIFAR10"),
    ]
    for name, task in TASKS.items():
        assert name == str(task) == f"{task.architecture}-{task.dataset.name}"


@pytest.mark.parametrize(
    ("name", "shape", "split", "epsilon", "augmented"),
    [
        ("MNIST", (1, 28), (55_000, 5_000, 10_000), 0.3, False),
        ("FashionMNIST", (1, 28), (55_000, 5_000, 10_000), 0.3, False),
        ("CIFAR10", (3, 32), (40_000, 10_000, 10_000), 0.02, True),
    ],
)
def test_data_sets_are_split_and_attacked_as_in_the_paper_and_cifar10_alone_is_augmented(
    name: str, shape: tuple[int, int], split: tuple[int, int, int], epsilon: float, augmented: bool
) -> None:
    dataset = DATASETS[name]
    assert (dataset.channels, dataset.side) == shape
    assert (dataset.train, dataset.validation, dataset.test) == split
    assert dataset.epsilon == epsilon
    assert dataset.augmented is augmented


def test_epsilon_is_converted_from_the_network_s_input_units_to_pixels() -> None:
    assert MNIST.epsilon_pixels == pytest.approx(0.3 * 0.3081, rel=1e-12)
    assert FASHION.epsilon_pixels == MNIST.epsilon_pixels
    assert CIFAR10.epsilon_pixels == 0.02


def test_the_unit_of_epsilon_is_always_said() -> None:
    assert MNIST.epsilon_text == "epsilon 0.3 in standardised units, 0.0924 of a pixel's range"
    assert CIFAR10.epsilon_text == "epsilon 0.02 of a pixel's range"
