"""The same contrast at equal training amount T, to tell what is compared from "trained less". Free of torch.

T, the sum of learning rate / (1 - momentum) over the steps, is 16 times larger at batch size 64 than at 1024 under a
fixed learning rate, and ten times larger with a momentum of 0.9 than without. A claim is therefore decided once more on
its runs as they were when they had come to the smallest T among those that it sets against each other. Nothing is
interpolated: a run keeps its weights at the very step that is nearest to that T, which is off by half a step at most.

Where the learning rate decays, as under Benchmark, such a state would be no fair rival. At the paper's scale batch size
64 comes to the T of 1024 after 0.63 epochs, before its rate is halved even once, and 1024 has been annealed by then. So
what is compared there is a training of its own, with the whole schedule compressed to that T: every batch size then
takes equally many steps at equal rates. For a constant rate both are the same. Runs could also be matched where their
training losses are equal, and were not: that leaves the smaller batch at its full rate all the same, it is known only
when the runs are stored, and it would choose what is compared by what came out.

A claim that compares batch sizes has them matched within each recipe. One that compares recipes has them matched with
each other: at the largest batch size, or at every batch size by itself, where they are compared cell by cell.
"""

from collections.abc import Iterable, Sequence
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
    """The part of a curve that is compared: some batch sizes, and for each the training amount that runs are cut to."""

    curve: Curve
    batch_sizes: tuple[int, ...]
    amounts: tuple[float, ...]

    def runs(self, conditions: Conditions) -> list[Run]:
        """Its runs, seed by seed; one that went further than the amount is taken with as much training as that."""
        everything = conditions.runs(self.curve.task, self.curve.recipe, self.batch_sizes)
        amounts = dict(zip(self.batch_sizes, self.amounts, strict=True))
        return [_at(run, amounts[run.batch_size]) for run in everything]


def _at(run: Run, amount: float) -> Run:
    return run if run.amount <= amount * (1 + NEAR) else run.at(amount)


def matched(curves: Iterable[Curve], estimand: Estimand, conditions: Conditions) -> tuple[Part, ...]:
    """The curves of a claim at equal training amount; empty if the claim compares neither batch sizes nor recipes."""
    curves = tuple(curves)
    grid = conditions.regime.scale(curves[0].task).batch_sizes
    if estimand.compares is Compares.BATCH_SIZES:
        least: dict[Recipe, float] = {c.recipe: _smallest([c], grid, conditions) for c in curves}
        return tuple(Part(curve, grid, (least[curve.recipe],) * len(grid)) for curve in curves)
    if estimand.compares is Compares.NEITHER:
        return ()
    sizes = grid[-1:] if estimand.compares is Compares.RECIPES else grid
    amounts = tuple(_smallest(curves, (size,), conditions) for size in sizes)
    return tuple(Part(curve, sizes, amounts) for curve in curves)


def _smallest(curves: Sequence[Curve], batch_sizes: tuple[int, ...], conditions: Conditions) -> float:
    """The smallest T that any of some runs comes to."""
    runs = [conditions.run(curve.task, curve.recipe, size, 0) for curve in curves for size in batch_sizes]
    return smallest(run.amount for run in runs)


def smallest(amounts: Iterable[float]) -> float:
    """The smallest of some T, rounded to three digits, so that recipes that come to the same one share runs."""
    return float(f"{min(amounts):.3g}")


def compressed_in_words(parts: Sequence[Part], conditions: Conditions) -> tuple[str, ...]:
    """Of each recipe whose schedule was compressed, that it was; nothing where there is none."""
    recipes = dict.fromkeys(part.curve.recipe for part in parts if any(run.compressed for run in part.runs(conditions)))
    return tuple(f"{recipe}: trained anew, with its schedule of learning rates compressed" for recipe in recipes)


def amounts_in_words(parts: Sequence[Part], estimand: Estimand) -> str:
    """The training amount of some parts, or from which to which it goes, and where it is equal."""
    amounts = [amount for part in parts for amount in part.amounts]
    low, high = min(amounts), max(amounts)
    if low == high:
        return f"T = {low:g}"
    where = "at each batch size" if estimand.compares is Compares.CURVES else "within each recipe"
    return f"T = {low:g} to {high:g}, equal {where}"
