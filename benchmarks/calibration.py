"""How often the decisions are wrong, and how often they decide, in worlds whose truth is known.

    python -m benchmarks.calibration

Runs the estimands' own tests on ``COUNT`` worlds for each kind of sentence, world and number of seeds: with the truth
exactly at the edge of the margin, where a decision is wrong most often, and where it is clear. Writes
`benchmarks/results/calibration.json` and the tables of `docs/statistics.md`; the same numbers every time.
"""

import json
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.stats import beta

from repro.statistics.equivalence import Flat, NotWorse, Same
from repro.statistics.estimands import ERROR, Estimand, Outcome, Sample
from repro.statistics.joint import Exists, Jointly, RanksDisagree
from repro.statistics.pairs import Mostly, OnAverage, SmallerChange
from repro.statistics.sequential import UntilDecided
from repro.statistics.trends import Drops, Higher, Lower, Rises
from repro.statistics.units import FACTOR, factor, points

from .calibration_worlds import SIZES, WORLDS, Line, World

SEED: Final = 20180214
COUNT: Final = 20_000
SEEDS: Final = (2, 3, 5, 10)
LOOKS: Final = UntilDecided((3, 5, 7, 10))
SEQUENCES: Final = 4_000
RESULTS: Final = Path(__file__).parent / "results" / "calibration.json"
PAGE: Final = Path(__file__).parents[1] / "docs" / "statistics.md"

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


def step(change: float, unit: Any = points(0).unit) -> Line:
    return Line((0.0, *[change] * (len(SIZES) - 1)), unit)


@dataclass(frozen=True)
class Case:
    """An estimand with true curves: two at the edge of its margin (hardest for "holds", for "fails"), two clear ones."""

    name: str
    estimand: Estimand
    edge: tuple[Line, ...]
    edge_of_failing: tuple[Line, ...]
    clear: tuple[Line, ...]
    clear_failing: tuple[Line, ...]


LOG_EDGE: Final = factor(1.25).size
RECIPES: Final = 3


def search(robust: Line, curvature: Line, others: tuple[Line, Line]) -> tuple[Line, ...]:
    return (robust, curvature, *others * (RECIPES - 1))


def changes(here: tuple[float, ...], there: float) -> tuple[Line, ...]:
    none = level(0, 3)
    return none, Line(here), none, level(there, 3)


def one(line: Line, edge: Line, clear: Line, failing: Line) -> tuple[tuple[Line, ...], ...]:
    """The four truths of a comparison of one curve with a line."""
    return tuple((found, line) for found in (edge, edge, clear, failing))


MOMENTA: Final = 4
CASES: Final = (
    Case("Rises", Rises(BY), (ramp(5),), (ramp(5),), (ramp(10),), (ramp(0),)),
    Case("Drops", Drops(BY), (ramp(-5),), (ramp(-5),), (ramp(-10),), (ramp(0),)),
    Case("Higher", Higher(BY), *one(level(0), level(5), level(10), level(0))),
    Case("Lower", Lower(BY), *one(level(0), level(-5), level(-10), level(0))),
    Case("OnAverage", OnAverage("lower", BY), *one(level(-5), level(0), level(5), level(-5))),
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
    Case("Mostly, 5 cells", Mostly("higher"), *one(level(0), level(0), level(-6.4), level(6.4))),
    Case(
        "Mostly, 30 cells",
        Mostly("lower"),
        (level(0),) * MOMENTA,
        (level(0),) * MOMENTA,
        tuple(level(-3.2 * m) for m in range(MOMENTA)),
        tuple(level(3.2 * m) for m in range(MOMENTA)),
    ),
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
        search(step(5), step(LOG_EDGE, FACTOR), (step(-20), step(-3, FACTOR))),
        search(step(10), step(2 * LOG_EDGE, FACTOR), (step(0), step(0, FACTOR))),
        search(step(-10), step(-2 * LOG_EDGE, FACTOR), (step(-10), step(-2 * LOG_EDGE, FACTOR))),
    ),
)
RANKS: Final = RanksDisagree(explains=0.8)


def ranks(slope: float) -> tuple[Line, ...]:
    """Robustness falls along the grid in two recipes as curvature grows, each by ``slope`` spreads of its runs."""
    return tuple(line for _ in range(2) for line in (ramp(-3.2 * slope), grows(0.35 * slope)))


def ranks_case(world: World) -> Case:
    """Truths of a median rank correlation of -0.8, found by bisection, of none and of nearly -1."""
    low, high = 0.0, 200.0
    for _ in range(12):
        middle = (low + high) / 2
        sample = world.draw(ranks(middle), 1, 20_000, _generator("pilot", world.name))
        low, high = (middle, high) if float(_median(sample)) > -RANKS.explains else (low, middle)
    return Case("RanksDisagree", RANKS, ranks(high), ranks(low), ranks(0), ranks(400))


def _median(samples: list[Sample]) -> float:
    test = RANKS.question(*samples).holds.weakest().test
    return float(np.median(test.effect.values))


def _generator(*words: object) -> np.random.Generator:
    return np.random.default_rng([SEED, *(zlib.crc32(str(word).encode()) for word in words)])


def upper(wrong: int, count: int) -> float:
    """The Clopper-Pearson upper bound, at 95%, of a probability."""
    return float(beta.ppf(0.95, wrong + 1, count - wrong))


def outcomes(case: Case, lines: tuple[Line, ...], world: World, seeds: int, count: int) -> tuple[int, int]:
    """In how many worlds the sentence holds, and in how many it fails, by the estimand's own question."""
    samples = world.draw(lines, seeds, count, _generator(case.name, world.name, seeds, lines))
    question = case.estimand.question(*samples)
    holds = question.p() <= ERROR
    return int(holds.sum()), int((~holds & (question.fails.p() <= ERROR)).sum())


def measure(case: Case, world: World, seeds: int, count: int) -> dict[str, Any]:
    """One row of the table."""
    wrong_holds, _ = outcomes(case, case.edge, world, seeds, count)
    _, wrong_fails = outcomes(case, case.edge_of_failing, world, seeds, count)
    return {
        "estimand": case.name,
        "world": world.name,
        "seeds": seeds,
        "wrong_holds": wrong_holds / count,
        "wrong_holds_upper": upper(wrong_holds, count),
        "wrong_fails": wrong_fails / count,
        "wrong_fails_upper": upper(wrong_fails, count),
        "holds": outcomes(case, case.clear, world, seeds, count)[0] / count,
        "fails": outcomes(case, case.clear_failing, world, seeds, count)[1] / count,
    }


def calibrate(count: int = COUNT) -> list[dict[str, Any]]:
    """Every estimand in every world at every number of seeds."""
    return [
        measure(case, world, seeds, count)
        for world in WORLDS
        for case in (*CASES, ranks_case(world))
        for seeds in SEEDS
    ]
