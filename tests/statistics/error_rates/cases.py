"""The sentences whose error rates are measured: an estimand with true curves, at the edge of its margin and clear."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from repro.statistics.equivalence import Flat, NotWorse, Same
from repro.statistics.estimands import Estimand
from repro.statistics.joint import Exists, Jointly
from repro.statistics.pairs import ChangesLess, LowerOnAverage, Mostly, SmallerChange
from repro.statistics.ranks import RanksDisagree
from repro.statistics.trends import Drops, Higher, Lower, Rises
from repro.statistics.units import FACTOR, POINTS, Unit, factor, points

from .worlds import SIZES, Line

BY: Final = points(5)
FLAT: Final = (0.0,) * len(SIZES)
ONE_DOWN: Final = (0.0, 0.0, -5.0, 0.0, 0.0)
ALL_DOWN: Final = (0.0, -5.0, -5.0, -5.0, -5.0)


def ramp(change: float) -> Line:
    return Line(tuple(np.linspace(0.0, change, len(SIZES))))


def grows(change: float) -> Line:
    return Line(tuple(np.linspace(0.0, change, len(SIZES))), FACTOR)


def level(value: float, sizes: int = len(SIZES)) -> Line:
    return Line((value,) * sizes)


def step(change: float, unit: Unit = POINTS) -> Line:
    return Line((0.0, *[change] * (len(SIZES) - 1)), unit)


@dataclass(frozen=True)
class Case:
    """An estimand with true curves: at the edge of its margin (hardest for "holds", for "fails") and clear ones."""

    name: str
    estimand: Estimand
    edge: tuple[Line, ...]
    edge_of_failing: tuple[Line, ...]
    clear: tuple[Line, ...]
    clear_failing: tuple[Line, ...]


LOG_EDGE: Final = factor(1.25).size
RECIPES: Final = 2


def search(robust: Line, curvature: Line, others: tuple[Line, Line]) -> tuple[Line, ...]:
    return (robust, curvature, *others * (RECIPES - 1))


def changes(here: tuple[float, ...], there: float) -> tuple[Line, ...]:
    none = level(0, 3)
    return none, Line(here), none, level(there, 3)


def one(line: Line, edge: Line, clear: Line, failing: Line) -> tuple[tuple[Line, ...], ...]:
    """The four truths of a comparison of one curve with a line."""
    return tuple((found, line) for found in (edge, edge, clear, failing))


def two_tasks(*levels: float) -> tuple[tuple[Line, ...], ...]:
    """The same comparison of one curve with a line on each of two tasks."""
    lines = [(Line((0.0,) * 5, group=g), Line((-by,) * 5, group=g)) for by in levels for g in ("one", "other")]
    return tuple((*one, *other) for one, other in zip(lines[::2], lines[1::2], strict=True))


MOMENTA: Final = 4
CASES: Final = (
    Case("Rises", Rises(BY), (ramp(5),), (ramp(5),), (ramp(10),), (ramp(0),)),
    Case("Drops", Drops(BY), (ramp(-5),), (ramp(-5),), (ramp(-10),), (ramp(0),)),
    Case("Higher", Higher(BY), *one(level(0), level(5), level(10), level(0))),
    Case("Lower", Lower(BY), *one(level(0), level(-5), level(-10), level(0))),
    Case("LowerOnAverage", LowerOnAverage(BY), *one(level(-5), level(0), level(5), level(-5))),
    Case("Flat", Flat(BY), (Line(ONE_DOWN),), (Line(ALL_DOWN),), (Line(FLAT),), (step(-10),)),
    Case("Flat, up", Flat(BY), (step(5),), (step(5),), (Line(FLAT),), (step(10),)),
    Case("NotWorse", NotWorse(BY), (Line(ONE_DOWN),), (Line(ALL_DOWN),), (ramp(5),), (step(-10),)),
    Case(
        "Same",
        Same(BY),
        (level(0), Line(ONE_DOWN)),
        (level(0), level(-5)),
        (level(0), level(0)),
        (level(0), level(-10)),
    ),
    Case(
        "SmallerChange",
        SmallerChange(BY),
        changes((0, 0, 0), 5),
        changes((5, 5, 5), 10),
        changes((0, 0, 0), 10),
        changes((10, 10, 10), 0),
    ),
    Case(
        "SmallerChange, cancelling",
        SmallerChange(BY),
        changes((4, -4, 4), 9),
        changes((4, -4, 4), -9),
        changes((4, -4, 4), 14),
        changes((10, -10, 10), 0),
    ),
    Case(
        "ChangesLess",
        ChangesLess(BY),
        (level(0), ramp(5)),
        (ramp(5), ramp(10)),
        (level(0), ramp(10)),
        (ramp(10), level(0)),
    ),
    Case("Mostly, 5 cells", Mostly("higher"), *one(level(0), level(0), level(-6.4), level(6.4))),
    Case(
        "Mostly, 30 cells",
        Mostly("lower"),
        (level(0),) * MOMENTA,
        (level(0),) * MOMENTA,
        tuple(level(-3.2 * m) for m in range(MOMENTA)),
        tuple(level(3.2 * m) for m in range(MOMENTA)),
    ),
    Case("Mostly, two tasks", Mostly("higher"), *two_tasks(0, 0, -6.4, 6.4)),
    Case(
        "Jointly",
        Jointly((Rises(BY), Rises(factor(1.25)))),
        (ramp(5), grows(3)),
        (ramp(5), grows(LOG_EDGE)),
        (ramp(10), grows(2 * LOG_EDGE)),
        (ramp(0), grows(0)),
    ),
    Case(
        "Exists",
        Exists(BY, factor(1.25)),
        search(step(5), step(3, FACTOR), (step(5), step(3, FACTOR))),
        search(Line((0, 5, -10, -20, -30)), Line((0, LOG_EDGE, -2, -4, -6), FACTOR), (ramp(-30), grows(-6))),
        search(step(10), step(2 * LOG_EDGE, FACTOR), (step(0), step(0, FACTOR))),
        search(step(-10), step(-2 * LOG_EDGE, FACTOR), (step(-10), step(-2 * LOG_EDGE, FACTOR))),
    ),
)
RANKS: Final = RanksDisagree(explains=0.9)
SHAPE: Final = (-1.0, -0.5, 0.0, 0.5, 1.0)
AGAINST: Final = (0.7, -1.0, 0.2, 0.9, -0.8)  # an order of its own


def ranks(against: float, explained: float = 1.0) -> tuple[Line, ...]:
    """Three recipes in which robustness falls as curvature grows, but for a part that has an order of its own."""
    found = []
    for recipe in (-0.3, 0.0, 0.3):
        x = np.array(SHAPE) + recipe
        own = against * np.roll(AGAINST, round(10 * recipe))
        found += [Line(tuple(12 * (own - explained * x))), Line(tuple(1.2 * x), FACTOR)]
    return tuple(found)
