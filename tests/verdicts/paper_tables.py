"""The paper's table of figures, written down once more, in plain words: the oracle of ``repro.verdicts.figures``."""

from typing import Final

SETTINGS: Final = ("LR m=0", "LR/BS m=0", "Benchmark")
MOMENTA_OF_LR: Final = ("LR m=0", "LR m=0.2", "LR m=0.5", "LR m=0.9")
MOMENTA_OF_RATIO: Final = ("LR/BS m=0", "LR/BS m=0.9")

# Lines, then for each task the numbers of the figures of FGSM, PGD and lambda1.
PLACES: Final[dict[tuple[str, ...], dict[str, tuple[int, int, int]]]] = {
    SETTINGS: {
        "M1-MNIST": (9, 10, 13),
        "StdCNN-MNIST": (11, 12, 13),
        "M1-FashionMNIST": (18, 19, 20),
        "StdCNN-FashionMNIST": (3, 21, 4),
        "C1-CIFAR10": (1, 14, 2),
        "ResNet18-CIFAR10": (15, 16, 17),
    },
    MOMENTA_OF_LR: {
        "M1-MNIST": (22, 23, 26),
        "StdCNN-MNIST": (24, 25, 26),
        "C1-CIFAR10": (5, 27, 6),
        "ResNet18-CIFAR10": (28, 29, 30),
    },
    MOMENTA_OF_RATIO: {
        "M1-MNIST": (31, 32, 35),
        "StdCNN-MNIST": (33, 34, 35),
        "C1-CIFAR10": (7, 36, 8),
        "ResNet18-CIFAR10": (37, 38, 39),
    },
}
COLUMNS: Final = {"FGSM accuracy": 0, "PGD accuracy": 1, "lambda1": 2}


def numbers(task: str, lines: tuple[str, ...], measure: str) -> set[int]:
    """The figures of these lines that show a measure; every figure of an attacked accuracy shows the clean one too."""
    places = PLACES[lines].get(task)
    if places is None:
        return set()
    return set(places[:2]) if measure == "test accuracy" else {places[COLUMNS[measure]]}
