"""The one door of a claim file: all that a claim is written with stands here. Free of torch and matplotlib.

    from repro.claims import PGD, LR_BS, TASKS, Curve, Flat, claim

A claim names its curves (a task, a recipe and a measure) and what it is decided by (an estimand). The margin of an
estimand is the smallest difference that matters of its measure. What each name means is told where it is defined; new
kinds of sentences are added in ``repro.statistics``.

What a claim is about may be new, too: ``dataset``, ``network``, ``task`` and ``study`` enter what this paper does not
have, from the ``conftest.py`` beside the claims, ``measure`` what else is read off a network, ``figure`` what else is
drawn, and a ``Recipe`` is made where it is used. See ``examples``.
"""

from ..experiment.datasets import CIFAR10, DATASETS, FASHION, MNIST, Dataset, dataset
from ..experiment.networks import NETWORKS, Network, network
from ..experiment.papers import paper
from ..experiment.readings import Reading
from ..experiment.recipes import BENCHMARK, LEARNING_RATE, LR, LR_BS, MOMENTA, SGD, Recipe
from ..experiment.regimes import GRID, Scale, study
from ..experiment.tasks import (
    C1_CIFAR10,
    M1_FASHION,
    M1_MNIST,
    RESNET18_CIFAR10,
    SHOWN_WITH_MOMENTA,
    STDCNN_FASHION,
    STDCNN_MNIST,
    TASKS,
    Task,
    task,
)
from ..statistics.equivalence import Differs, Flat, Matches, NotWorse, Same
from ..statistics.joint import Exists, Jointly
from ..statistics.pairs import ChangesLess, HigherOnAverage, LowerOnAverage, Mostly, SmallerChange
from ..statistics.ranks import RanksDisagree
from ..statistics.trends import Drops, Higher, Lower, Rises
from ..statistics.units import factor, points
from ..verdicts.claim import claim
from ..verdicts.curves import FGSM, LAMBDA1, PGD, TEST_ACCURACY, Curve, Measure
from ..verdicts.figures import MOMENTA_OF_LR, MOMENTA_OF_RATIO, SETTINGS, Panel, figure
from ..verdicts.own_measures import measure
from ..verdicts.references import references

__all__ = [
    "BENCHMARK",
    "C1_CIFAR10",
    "CIFAR10",
    "DATASETS",
    "FASHION",
    "FGSM",
    "GRID",
    "LAMBDA1",
    "LEARNING_RATE",
    "LR",
    "LR_BS",
    "M1_FASHION",
    "M1_MNIST",
    "MNIST",
    "MOMENTA",
    "MOMENTA_OF_LR",
    "MOMENTA_OF_RATIO",
    "NETWORKS",
    "PGD",
    "RESNET18_CIFAR10",
    "SETTINGS",
    "SGD",
    "SHOWN_WITH_MOMENTA",
    "STDCNN_FASHION",
    "STDCNN_MNIST",
    "TASKS",
    "TEST_ACCURACY",
    "ChangesLess",
    "Curve",
    "Dataset",
    "Differs",
    "Drops",
    "Exists",
    "Flat",
    "Higher",
    "HigherOnAverage",
    "Jointly",
    "Lower",
    "LowerOnAverage",
    "Matches",
    "Measure",
    "Mostly",
    "Network",
    "NotWorse",
    "Panel",
    "RanksDisagree",
    "Reading",
    "Recipe",
    "Rises",
    "Same",
    "Scale",
    "SmallerChange",
    "Task",
    "claim",
    "dataset",
    "factor",
    "figure",
    "measure",
    "network",
    "paper",
    "points",
    "references",
    "study",
    "task",
]
