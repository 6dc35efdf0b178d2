"""The same contrast at equal training amount T, so that "large batch" can be told from "trained less". Free of torch.

T, the sum of learning rate / (1 - momentum) over the steps, is 16 times larger at batch size 64 than at 1024 under a
fixed learning rate, and the same everywhere under LR/BS. A claim that compares batch sizes is therefore decided once
more on its runs as they were when they had come to the smallest T among them. Nothing is interpolated: a run keeps its
weights at the very step that is nearest to that T, which is off by half a step at most.

Runs are matched within each recipe, since that is where batch sizes are compared; a claim that compares recipes at the
largest batch size has them matched with each other there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ..experiment.recipes import Recipe
from ..runs.conditions import Conditions
from ..runs.run import Run
from ..statistics.estimands import Compares, Estimand
from .curves import Curve

NEAR: Final = 0.05  # amounts that differ by less than this share are equal; smaller last batches make such differences


@dataclass(frozen=True)
class Part:
    """The part of a curve that is compared: some batch sizes, and one training amount where that cuts runs short."""

    curve: Curve
    batch_sizes: tuple[int, ...]
    amount: float

    def runs(self, conditions: Conditions) -> list[Run]:
        """Its runs, seed by seed; one that went further than the amount is taken as it was when it came to it."""
        everything = conditions.runs(self.curve.task, self.curve.recipe, self.batch_sizes)
        return [run if run.amount <= self.amount * (1 + NEAR) else run.at(self.amount) for run in everything]


def matched(curves: Iterable[Curve], estimand: Estimand, conditions: Conditions) -> tuple[Part, ...]:
    """The curves of a claim at equal training amount; empty if the claim compares no batch sizes."""
    curves = tuple(curves)
    grid = conditions.regime.scale(curves[0].task).batch_sizes
    if estimand.compares is Compares.RECIPES:
        amount = min(_amount(curve, grid[-1:], conditions) for curve in curves)
        return tuple(Part(curve, grid[-1:], amount) for curve in curves)
    if estimand.compares is Compares.BATCH_SIZES:
        amounts: dict[Recipe, float] = {c.recipe: _amount(c, grid, conditions) for c in curves}
        return tuple(Part(curve, grid, amounts[curve.recipe]) for curve in curves)
    return ()


def _amount(curve: Curve, batch_sizes: tuple[int, ...], conditions: Conditions) -> float:
    """The smallest T that a curve's runs come to; rounded, so that recipes that come to the same one share runs."""
    runs = [conditions.run(curve.task, curve.recipe, size, 0) for size in batch_sizes]
    return float(f"{min(run.amount for run in runs):.3g}")
