"""The evidence behind a verdict as people read it: tables of curves, effects with their intervals. Free of torch."""

from collections.abc import Iterable, Sequence

import numpy as np

from ..statistics.estimands import Decision
from ..statistics.units import NOTHING
from .curves import Cell, Measured
from .entry import Interval


def number(value: float) -> float | None:
    """A number as JSON has it: none for what is not finite."""
    return float(value) if np.isfinite(value) else None


def interval(decision: Decision) -> Interval:
    """The ends of a decision's interval, as JSON has them."""
    low, high = decision.unit.possible(decision.low, decision.high)
    return number(low), number(high)


def shown(decision: Decision) -> str:
    """The estimate and its interval, and why nothing could be decided, where that is not for the interval."""
    if not np.isfinite(decision.estimate):
        return str(decision.reason)
    unit = decision.unit
    text = f"{unit.difference(decision.estimate)} {unit.interval(decision.low, decision.high)}"
    return f"{text}: {decision.reason}" if decision.reason else text


def table(curve: Measured) -> list[str]:
    """A curve as lines of text: for each batch size mean and spread over seeds, and how far it was trained.

    Of one seed there is no spread; the noise of its images, binomial for an accuracy, stands in its place. Others'
    numbers stand beside ours where the curve is compared with some.
    """
    unit = curve.curve.measure.unit
    spread_of = "sd" if len(curve.cells) > 1 else "of images"
    heading = "    theirs" if curve.theirs else ""
    lines = [
        f"  {curve.curve}",
        f"    batch size      mean{spread_of:>10}{heading}   train acc    steps        T   margin   saturated",
    ]
    for j, size in enumerate(curve.batch_sizes):
        cells, column = curve.column(j), curve.sample.values[:, j]
        sd = float(column.std(ddof=1)) if len(column) > 1 else _of_images(curve, cells[0].value)
        flag = f"  {note}" if (note := _flag(cells)) else ""
        theirs = f"{unit.level(curve.theirs[j]):>10}" if curve.theirs else ""
        lines.append(
            f"    {size:10d}{unit.level(float(column.mean())):>10}{unit.spread(sd):>10}{theirs}"
            f"{_mean([c.train_accuracy for c in cells], 100, '%'):>12}{cells[0].steps:>9d}"
            f"{cells[0].training_amount:>9.2f}{_mean([c.median_margin for c in cells]):>9}"
            f"{_mean([c.saturated for c in cells], 100, '%'):>12}{flag}"
        )
    source = curve.curve.theirs.source if curve.theirs and curve.curve.theirs else ""
    return [*lines, *([f"    theirs: {source}"] if source else ())]


def mean_of(values: Iterable[float]) -> float | None:
    """The mean over those seeds that have a value; None where none has, which all diverged."""
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else None


def _mean(values: Iterable[float], times: float = 1, sign: str = "") -> str:
    found = mean_of(values)
    return NOTHING if found is None else f"{times * found:.1f}{sign}"


def _of_images(curve: Measured, share: float) -> float:
    """What one seed has for a spread: the binomial standard error of a share of so many images; NaN if it is none."""
    if curve.images is None:
        return float("nan")
    error = (share * (1 - share) / curve.images) ** 0.5
    return float(curve.curve.measure.unit.scaled(np.array([error]))[0])


def undertrained(curve: Measured) -> list[str]:
    """The curve's cells that have not fitted their training data, in words."""
    flags = ((size, _flag(curve.column(j))) for j, size in enumerate(curve.batch_sizes))
    return [f"{curve.curve.recipe}, batch size {size}: {flag}" for size, flag in flags if flag]


def _flag(cells: Sequence[Cell]) -> str:
    words = ((sum(cell.undertrained for cell in cells), "undertrained"), (sum(c.diverged for c in cells), "diverged"))
    return ", ".join(f"{word} ({number} of {len(cells)})" for number, word in words if number)
