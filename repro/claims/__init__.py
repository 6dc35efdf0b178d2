"""The one door of a claim file: all that a claim is written with stands here. Free of torch and matplotlib.

    from repro.claims import PGD, LR_BS, TASKS, Curve, Flat, claim, points

A claim names its curves (a task, a recipe and a measure) and what it is decided by (an estimand with its margin). What
each name means is told where it is defined; new kinds of sentences are added in ``repro.statistics``.
"""

from ..experiment.recipes import BENCHMARK, LR, LR_BS, MOMENTA, SGD, Recipe
from ..experiment.tasks import (
    C1_CIFAR10,
    CIFAR10,
    DATASETS,
    FASHION,
    M1_FASHION,
    M1_MNIST,
    MNIST,
    RESNET18_CIFAR10,
    SHOWN_WITH_MOMENTA,
    STDCNN_FASHION,
    STDCNN_MNIST,
    TASKS,
    Dataset,
    Task,
)
from ..statistics.equivalence import Flat, NotWorse, Same
from ..statistics.joint import Awaiting, Exists, Jointly, RanksDisagree
from ..statistics.pairs import Mostly, OnAverage, SmallerChange
from ..statistics.trends import Drops, Higher, Lower, Rises
from ..statistics.units import factor, points
from ..verdicts.claim import claim
from ..verdicts.curves import FGSM, LAMBDA1, PGD, TEST_ACCURACY, Curve, Measure
from ..verdicts.figures import MOMENTA_OF_LR, MOMENTA_OF_RATIO, SETTINGS

__all__ = [
    "BENCHMARK",
    "C1_CIFAR10",
    "CIFAR10",
    "DATASETS",
    "FASHION",
    "FGSM",
    "LAMBDA1",
    "LR",
    "LR_BS",
    "M1_FASHION",
    "M1_MNIST",
    "MNIST",
    "MOMENTA",
    "MOMENTA_OF_LR",
    "MOMENTA_OF_RATIO",
    "PGD",
    "RESNET18_CIFAR10",
    "SETTINGS",
    "SGD",
    "SHOWN_WITH_MOMENTA",
    "STDCNN_FASHION",
    "STDCNN_MNIST",
    "TASKS",
    "TEST_ACCURACY",
    "Awaiting",
    "Curve",
    "Dataset",
    "Drops",
    "Exists",
    "Flat",
    "Higher",
    "Jointly",
    "Lower",
    "Measure",
    "Mostly",
    "NotWorse",
    "OnAverage",
    "RanksDisagree",
    "Recipe",
    "Rises",
    "Same",
    "SmallerChange",
    "Task",
    "claim",
    "factor",
    "points",
]
