"""The rates: the estimands' own questions asked of many worlds at once.

The truth stands exactly at the edge of the margin, where a decision is wrong most often, or it is clear.
"""

import zlib
from dataclasses import replace
from typing import Any, Final

import numpy as np
from scipy.stats import beta, rankdata

from repro.statistics.equivalence import Flat, NotWorse
from repro.statistics.estimands import DECIDED, ERROR, Estimand, Outcome, Sample
from repro.statistics.prediction import CAP, further_seeds
from repro.statistics.sequential import Level, levels, next_level
from repro.statistics.trends import Drops, Higher, Rises
from repro.statistics.units import POINTS, points

from .cases import BY, CASES, FLAT, RANKS, Case, ramp, ranks, step
from .worlds import CHANCE, WORLDS, Line, World

SEED: Final = 20180214
COUNT: Final = 20_000
SEEDS: Final = (2, 3, 5, 10)
LOOKS: Final = (3, 5, 7, 10)
PLANNED: Final = tuple(map(Level, levels(LOOKS)))
BEGUN: Final = (2, 3, 5)  # numbers of seeds at which somebody decides, and then follows the advice
EFFECTS: Final = (0.0, 0.75, 1.0, 1.5)  # beyond the margin, in standard deviations of one seed
SEQUENCES: Final = 4_000
DIVERGING: Final = 0.25


def all_rates(count: int = COUNT) -> list[dict[str, Any]]:
    """Every estimand in every world at every number of seeds."""
    return [
        measure(case, world, seeds, count)
        for world in WORLDS
        for case in (*CASES, ranks_case(world))
        for seeds in SEEDS
    ]


def measure(case: Case, world: World, seeds: int, count: int) -> dict[str, Any]:
    """One row of the table."""
    row: dict[str, Any] = {"estimand": case.name, "world": world.name, "seeds": seeds}
    for i, (outcome, edge) in enumerate((("holds", case.edge), ("fails", case.edge_of_failing))):
        wrong = outcomes(case, edge, world, seeds, count)[i]
        row |= {f"wrong_{outcome}": wrong / count, f"wrong_{outcome}_upper": upper(wrong, count)}
    row["holds"] = outcomes(case, case.clear, world, seeds, count)[0] / count
    row["fails"] = outcomes(case, case.clear_failing, world, seeds, count)[1] / count
    return row


def outcomes(case: Case, lines: tuple[Line, ...], world: World, seeds: int, count: int) -> tuple[int, int]:
    """In how many worlds the sentence holds, and in how many it fails."""
    samples = world.draw(lines, seeds, count, _generator(case.name, world.name, seeds, lines))
    holds, fails = _decided(case.estimand, samples)
    return int(holds.sum()), int(fails.sum())


def upper(wrong: int, count: int) -> float:
    """The Clopper-Pearson upper bound, at 95%, of a probability."""
    return float(beta.ppf(0.95, wrong + 1, count - wrong))


def ranks_case(world: World) -> Case:
    """Truths whose cells' mean ranks have a correlation of -0.9, found by bisection; of none, and of -1."""
    low, high = 0.0, 3.0
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (low, middle) if true_correlation(world, ranks(middle)) > -RANKS.explains else (middle, high)
    return Case("RanksDisagree", RANKS, ranks(low), ranks(high), ranks(1, explained=0), ranks(0))


def true_correlation(world: World, lines: tuple[Line, ...]) -> float:
    """The correlation of the mean ranks that two measures give the cells."""
    samples = world.draw(lines, 1, 20_000, _generator("pilot", world.name))
    first, second = (np.concatenate([s.values[:, 0] for s in samples[i::2]], axis=-1) for i in (0, 1))
    return float(np.corrcoef(rankdata(first, axis=-1).mean(0), rankdata(second, axis=-1).mean(0))[0, 1])


def one_sided_divergence(count: int = COUNT) -> list[dict[str, Any]]:
    """A curve of which only the largest batch size diverges, in one run of four, and is flat otherwise.

    With diverged runs counted as chance its mean there is 10 points lower, of the others it is the same.
    """
    rows = []
    for seeds in SEEDS:
        generator = _generator("one-sided", seeds)
        (sample,) = WORLDS[0].draw((Line(FLAT),), seeds, count, generator)
        sample.values[..., -1] = np.where(generator.random((count, seeds)) < DIVERGING, CHANCE, sample.values[..., -1])
        held = {"not_worse": _decided(NotWorse(BY), [sample])[0], "drops": _decided(Drops(BY), [sample])[0]}
        rows.append({"seeds": seeds, **{name: float(holds.mean()) for name, holds in held.items()}})
    return rows


def sequential(count: int = SEQUENCES) -> list[dict[str, Any]]:
    """Looking until decided: by the rule, and by deciding anew at every look at 5%."""
    rows = []
    for name, estimand, edge, clear in (
        ("Rises", Rises(BY), ramp(5), ramp(10)),
        ("Flat", Flat(BY), step(-5), Line(FLAT)),
    ):
        row: dict[str, Any] = {"estimand": name}
        for truth, line in (("edge", edge), ("clear", clear)):
            row |= {f"{truth}_{key}": rate for key, rate in _looks(name, estimand, line, count).items()}
        rows.append(row)
    return rows


def _looks(name: str, estimand: Estimand, line: Line, count: int) -> dict[str, float]:
    generator = _generator("sequential", name, (line,))
    (sample,) = WORLDS[0].draw((line,), LOOKS[-1], count, generator)
    peeking = np.zeros((2, count), dtype=bool)
    for look in LOOKS:
        few = replace(sample, values=sample.values[:, :look])
        peeking |= ~peeking.any(0) & np.stack(_decided(estimand, [few]))
    ends = [_until_decided(estimand, replace(sample, values=values)) for values in sample.values]
    decided = [outcome for outcome, _ in ends]
    return {
        "holds": decided.count(Outcome.HOLDS) / count,
        "fails": decided.count(Outcome.FAILS) / count,
        "seeds": float(np.mean([look for _, look in ends])),
        "peeking_holds": float(peeking[0].mean()),
        "peeking_fails": float(peeking[1].mean()),
    }


def _until_decided(estimand: Estimand, sample: Sample) -> tuple[Outcome, int]:
    """What one world comes to, and after how many seeds."""
    for look, level in zip(LOOKS, PLANNED, strict=True):
        outcome = level.decide(estimand, replace(sample, values=sample.values[:look])).outcome
        if outcome is not Outcome.UNDECIDED:
            break
    return outcome, look


def advised(count: int = SEQUENCES, at_the_edge: int = COUNT // 2) -> list[dict[str, Any]]:
    """Deciding at 5% and then following the advice on further seeds as long as there is any.

    One effect a seed (the difference of two curves at one batch size), in units of its spread, and a margin that it is
    beyond by so much. ``first``: what the first look decides; ``holds``: what any does.
    """
    rows = []
    for seeds in BEGUN:
        for effect in EFFECTS:
            many = count if effect else at_the_edge
            worlds = _generator("advised", seeds, effect).normal(effect, 1.0, (many, CAP, 1))
            ends = [_following(seeds, Sample(world, (1024,), POINTS)) for world in worlds]
            holds = [held for held, _, _ in ends]
            rows.append(
                {
                    "seeds": seeds,
                    "effect": effect,
                    "first": sum(held and looks == 1 for held, looks, _ in ends) / many,
                    "holds": sum(holds) / many,
                    "holds_upper": upper(sum(holds), many),
                    "used": float(np.mean([used for _, _, used in ends])),
                }
            )
    return rows


def _following(seeds: int, sample: Sample) -> tuple[bool, int, int]:
    """Whether the sentence comes to hold in one world, at how many looks, and with how many seeds."""
    estimand, none, looks, level = Higher(points(0)), replace(sample, values=np.zeros_like(sample.values)), 0, None
    while True:
        few, level, looks = [replace(s, values=s.values[:seeds]) for s in (sample, none)], next_level(level), looks + 1
        outcome = Level(level).decide(estimand, *few).outcome
        further = None if outcome in DECIDED else further_seeds(estimand, *few, alpha=next_level(level))
        if further is None:
            return outcome is Outcome.HOLDS, looks, seeds
        seeds += further


def _decided(estimand: Estimand, samples: list[Sample]) -> tuple[np.ndarray, np.ndarray]:
    """In which worlds the sentence holds and in which it fails, by what is asked of them."""
    question = estimand.asks(*samples)
    holds = question.p() <= ERROR
    return holds, ~holds & (question.against() <= ERROR)


def _generator(*words: object) -> np.random.Generator:
    return np.random.default_rng([SEED, *(zlib.crc32(str(word).encode()) for word in words)])
