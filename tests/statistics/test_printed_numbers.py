"""Curves compared with numbers that others printed: what is decided, and how often wrongly."""

import math

import numpy as np
import pytest

from repro.statistics.equivalence import Differs, Matches
from repro.statistics.estimands import Estimand, Outcome, Sample
from repro.statistics.units import POINTS, points

WORLDS = 4000
SIZES = (64, 256, 1024)
MOST = 0.05 + 3 * math.sqrt(0.05 * 0.95 / WORLDS)  # what 5% may come to by chance


def wrongly_shown(estimand: Estimand, off: tuple[float, ...], seeds: int) -> tuple[float, float]:
    """In what share of worlds it holds, and in what it fails, where the truth is ``off`` the printed numbers."""
    generator = np.random.default_rng(seeds)
    values = 70 + np.array(off) + generator.normal(0, 0.7, (WORLDS, seeds, len(off)))
    question = estimand.question(Sample(values, SIZES[: len(off)], POINTS, theirs=(70.0,) * len(off)))
    return float((question.holds.p() <= 0.05).mean()), float((question.against() <= 0.05).mean())


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("off", [(2.0,), (2.0, 0.0, 0.0), (0.0, -2.0, 2.0)])
def test_at_the_margin_neither_sameness_nor_difference_is_found_too_often(off: tuple[float, ...], seeds: int) -> None:
    same, different = wrongly_shown(Matches(points(2)), off, seeds)
    assert max(same, different) <= MOST
    assert wrongly_shown(Differs(points(2)), off, seeds) == (different, same)


def test_what_is_the_same_is_shown_to_be_and_what_is_not_is_not() -> None:
    assert wrongly_shown(Matches(points(2)), (0.0, 0.0, 0.0), 8)[0] > 0.9
    assert wrongly_shown(Matches(points(2)), (0.0, 5.0, 0.0), 8) == (0.0, 1.0)


def test_only_batch_sizes_of_which_a_number_was_printed_count() -> None:
    values = np.array([[70.0, 20.0], [70.1, 21.0], [69.9, 22.0]])
    beside = Sample(values, (64, 256), POINTS, theirs=(70.0, math.nan))
    decision = Matches(points(2)).decide(beside)
    assert decision.outcome is Outcome.HOLDS
    assert decision.effect == "difference to the printed number at batch size 64"
    assert decision.estimate == pytest.approx(0.0)


@pytest.mark.parametrize("theirs", [(), (math.nan, math.nan)])
@pytest.mark.parametrize("kind", [Matches, Differs])
def test_without_numbers_nothing_is_decided(kind: type[Matches | Differs], theirs: tuple[float, ...]) -> None:
    decision = kind(points(2)).decide(Sample(np.full((5, 2), 70.0), (64, 256), POINTS, theirs=theirs))
    assert (decision.outcome, decision.reason) == (Outcome.UNDECIDED, "no numbers in the table")
    assert math.isnan(decision.estimate)
