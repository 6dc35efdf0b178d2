"""The evidence behind a verdict as people read it: tables of curves, effects with their intervals. Free of torch."""

from typing import Any

import numpy as np

from .curves import Measured
from .statistics.estimands import Decision


def number(value: float) -> float | None:
    """A number as JSON has it: none for what is not finite."""
    return float(value) if np.isfinite(value) else None


def shown(decision: Decision) -> str:
    """The estimate and its interval, and why nothing could be decided, where that is not for the interval."""
    if not np.isfinite(decision.estimate):
        return decision.reason
    unit = decision.unit
    text = f"{unit.difference(decision.estimate)} {unit.interval(decision.low, decision.high)}"
    return f"{text}: {decision.reason}" if decision.reason else text


def table(curve: Measured) -> list[str]:
    """A curve as lines of text: for each batch size mean and spread over seeds, and how far it was trained."""
    unit = curve.curve.measure.unit
    scaled = curve.sample.values
    lines = [
        f"  {curve.curve}",
        "    batch size      mean        sd   train acc    steps        T   margin   saturated",
    ]
    for j, size in enumerate(curve.batch_sizes):
        cells, column = curve.column(j), scaled[:, j]
        sd = float(column.std(ddof=1)) if len(column) > 1 else float("nan")
        spread = unit.spread(sd)
        flag = f"  {note}" if (note := _flag(cells)) else ""
        lines.append(
            f"    {size:10d}{unit.level(float(column.mean())):>10}{spread:>10}"
            f"{100 * np.mean([c.train_accuracy for c in cells]):>11.1f}%{cells[0].steps:>9d}"
            f"{cells[0].training_amount:>9.2f}{np.mean([c.median_margin for c in cells]):>9.1f}"
            f"{100 * np.mean([c.saturated for c in cells]):>11.1f}%{flag}"
        )
    return lines


def undertrained(curve: Measured) -> list[str]:
    """The curve's cells that have not fitted their training data, in words."""
    notes = []
    for j, size in enumerate(curve.batch_sizes):
        if note := _flag(curve.column(j)):
            notes.append(f"{curve.curve.recipe}, batch size {size}: {note}")
    return notes


def _flag(cells: list[Any]) -> str:
    count = sum(cell.undertrained for cell in cells)
    diverged = sum(cell.diverged for cell in cells)
    words = ((count - diverged, "undertrained"), (diverged, "diverged"))
    return ", ".join(f"{word} ({number} of {len(cells)})" for number, word in words if number)
