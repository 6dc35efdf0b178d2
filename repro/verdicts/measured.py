"""The curves behind a verdict as a report holds them, and where its estimate would have to lie. Free of torch."""

import numpy as np

from ..statistics.estimands import Estimand
from ..statistics.units import Unit
from .curves import CHANCE, Measured
from .entry import NumberLine, PlainCurve, Point
from .tables import mean_of, number


def plain_curve(measured: Measured) -> PlainCurve:
    """A curve with all its seeds, on the scale of its measure."""
    curve, measure = measured.curve, measured.curve.measure
    share = measure.images is not None and not measure.own
    chance = float(measure.unit.scaled(np.array([CHANCE]))[0]) if share else None
    return PlainCurve(
        task=str(curve.task),
        recipe=str(curve.recipe),
        measure=measure.field,
        label=measure.label,
        unit=measure.unit.name,
        chance=chance,
        images=measured.images,
        theirs=curve.theirs.source if measured.theirs and curve.theirs else "",
        points=tuple(_point(measured, j) for j in range(len(measured.batch_sizes))),
    )


def _point(measured: Measured, j: int) -> Point:
    cells = measured.column(j)
    return Point(
        batch_size=measured.batch_sizes[j],
        values=tuple(number(value) for value in measured.sample.values[:, j]),
        runs=tuple(cell.run for cell in cells),
        train_accuracy=mean_of([cell.train_accuracy for cell in cells]),
        steps=cells[0].steps,
        amount=cells[0].training_amount,
        median_margin=mean_of([cell.median_margin for cell in cells]),
        saturated=mean_of([cell.saturated for cell in cells]),
        undertrained=sum(cell.undertrained for cell in cells),
        diverged=sum(cell.diverged for cell in cells),
        theirs=number(measured.theirs[j]) if measured.theirs else None,
    )


def number_line(estimand: Estimand, unit: Unit, times: float | None) -> NumberLine | None:
    """Where the effect on a scale has to lie by the margin, and by one that is so many ``times`` as large.

    None where no margin on that scale says so. ``times`` None: no margin brings another outcome.
    """
    found = estimand.where(unit)
    if found is None:
        return None
    side, margin = found
    critical = float(margin.size * times) if times else None
    return NumberLine(side=side, unit=unit.name, margin=float(margin.size), critical=critical)
