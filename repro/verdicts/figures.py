"""The paper's 39 figures as data: which task, which lines, which measure. Free of torch and matplotlib.

Every figure has the batch size on its x axis. Figures of accuracy show clean and attacked accuracy of each line;
figure 11 has them in two panels. Figure 25's caption in the paper says FGSM, as figure 24's does; its place among the
figures says PGD, and it is treated as PGD here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import SettingError
from ..experiment.recipes import BENCHMARK, LR, LR_BS, MOMENTA, Recipe
from ..experiment.tasks import (
    C1_CIFAR10,
    M1_FASHION,
    M1_MNIST,
    RESNET18_CIFAR10,
    STDCNN_FASHION,
    STDCNN_MNIST,
    Task,
)
from .curves import FGSM, LAMBDA1, PGD, TEST_ACCURACY, Curve, Measure

SETTINGS: Final = (LR(), LR_BS(), BENCHMARK)  # Sections 2 and 3
MOMENTA_OF_LR: Final = tuple(LR(m) for m in MOMENTA)  # Section 4.1
MOMENTA_OF_RATIO: Final = (LR_BS(0.0), LR_BS(0.9))  # Section 4.2


@dataclass(frozen=True)
class Panel:
    """One pair of axes: a task, its lines, and the measure; an attacked accuracy is shown with the clean one."""

    task: Task
    recipes: tuple[Recipe, ...]
    measure: Measure
    apart: bool = False  # clean and attacked accuracy have axes of their own, the clean one first

    @property
    def axes(self) -> tuple[tuple[Measure, ...], ...]:
        """The measures that are drawn on each pair of axes, the clean accuracy last where it is drawn with another."""
        if not self.measure.attacked:
            return ((self.measure,),)
        return ((TEST_ACCURACY,), (self.measure,)) if self.apart else ((self.measure, TEST_ACCURACY),)

    @property
    def curves(self) -> tuple[Curve, ...]:
        """Every curve drawn, the clean accuracies last."""
        measures = dict.fromkeys((self.measure, *(measure for shown in self.axes for measure in shown)))
        return tuple(Curve(self.task, recipe, measure) for measure in measures for recipe in self.recipes)


@dataclass(frozen=True)
class Figure:
    """A figure of the paper; 13, 26 and 35 each print the plots of two tasks under one number."""

    number: int
    panels: tuple[Panel, ...]
    title: str = ""  # of a figure that is not the paper's

    @property
    def curves(self) -> tuple[Curve, ...]:
        """Every curve of every panel."""
        return tuple(dict.fromkeys(curve for panel in self.panels for curve in panel.curves))

    @property
    def name(self) -> str:
        """The name of its file, without an ending."""
        return f"fig{self.number:02d}"


_APART: Final = frozenset({11})  # the figures with clean and attacked accuracy in two panels
# number of the figure for FGSM, PGD, lambda1; a lambda1 figure may be shared by two tasks (13, 26, 35)
_PLACES: Final[tuple[tuple[Task, tuple[Recipe, ...], tuple[int, int, int]], ...]] = (
    (M1_MNIST, SETTINGS, (9, 10, 13)),
    (STDCNN_MNIST, SETTINGS, (11, 12, 13)),
    (M1_FASHION, SETTINGS, (18, 19, 20)),
    (STDCNN_FASHION, SETTINGS, (3, 21, 4)),
    (C1_CIFAR10, SETTINGS, (1, 14, 2)),
    (RESNET18_CIFAR10, SETTINGS, (15, 16, 17)),
    (M1_MNIST, MOMENTA_OF_LR, (22, 23, 26)),
    (STDCNN_MNIST, MOMENTA_OF_LR, (24, 25, 26)),
    (C1_CIFAR10, MOMENTA_OF_LR, (5, 27, 6)),
    (RESNET18_CIFAR10, MOMENTA_OF_LR, (28, 29, 30)),
    (M1_MNIST, MOMENTA_OF_RATIO, (31, 32, 35)),
    (STDCNN_MNIST, MOMENTA_OF_RATIO, (33, 34, 35)),
    (C1_CIFAR10, MOMENTA_OF_RATIO, (7, 36, 8)),
    (RESNET18_CIFAR10, MOMENTA_OF_RATIO, (37, 38, 39)),
)


def _figures() -> dict[int, Figure]:
    panels: dict[int, list[Panel]] = {}
    for task, recipes, numbers in _PLACES:
        for number, measure in zip(numbers, (FGSM, PGD, LAMBDA1), strict=True):
            panels.setdefault(number, []).append(Panel(task, recipes, measure, number in _APART))
    return {number: Figure(number, tuple(panels[number])) for number in sorted(panels)}


FIGURES: Final = _figures()


def figure(number: int, *panels: Panel, title: str) -> Figure:
    """Enter a figure for claims beside the paper's, from 40 on. SettingError: its number stands for another."""
    entered = Figure(number, panels, title)
    if FIGURES.setdefault(number, entered) != entered:
        raise SettingError(f"figure {number}: there is another one of this number; choose a new one, from 40 on")
    return entered


def showing(curves: Iterable[Curve], lines: Sequence[tuple[Recipe, ...]] = (SETTINGS,)) -> list[int]:
    """The numbers of the figures with one of these sets of lines that show any of these curves.

    Clean accuracy is drawn in every figure of attacked accuracy, so a curve of it is shown in all of those.
    """
    wanted = set(curves)
    return [
        number
        for number, figure in FIGURES.items()
        if any(panel.recipes in lines and wanted & set(panel.curves) for panel in figure.panels)
    ]
