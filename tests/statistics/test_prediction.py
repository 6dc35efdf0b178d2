"""How many further seeds would decide: the promise is kept in worlds whose truth nobody knows."""

import math
from dataclasses import replace

import numpy as np
import pytest

from repro.statistics.equivalence import Flat, Matches
from repro.statistics.estimands import ERROR, Estimand, Outcome, Sample
from repro.statistics.joint import Exists
from repro.statistics.pairs import Mostly
from repro.statistics.prediction import CAP, WORLDS, _continued, further_seeds
from repro.statistics.sequential import REST
from repro.statistics.trends import Drops, Higher, Rises
from repro.statistics.units import FACTOR, POINTS, Array, factor, points

GRID = (64, 1024)
NEXT = REST * ERROR


def curve(values: Array) -> Sample:
    return Sample(np.asarray(values, dtype=np.float64), (64, 256, 1024)[-np.shape(values)[-1] :], POINTS)


def changes(*seeds: float) -> Sample:
    return Sample(np.array([[50.0, 50.0 + change] for change in seeds]), GRID, POINTS)


def test_the_noisier_the_seeds_the_more_of_them() -> None:
    quiet, loud = (further_seeds(Rises(points(5)), changes(9 - sd, 9, 9 + sd)) for sd in (1, 5))
    assert quiet is not None
    assert loud is not None
    assert loud > quiet


def test_the_smaller_the_error_the_more_of_them() -> None:
    pilot = changes(7, 12, 15, 10)
    counts = [further_seeds(Rises(points(5)), pilot, alpha=alpha) or CAP for alpha in (0.05, 0.01, 0.002)]
    assert counts == sorted(set(counts))


def test_no_number_of_seeds_decides_what_lies_within_noise_of_the_margin() -> None:
    assert further_seeds(Rises(points(5)), changes(1.4, 5.4, 9.4)) is None


@pytest.mark.parametrize("seeds", [1, CAP])
def test_a_single_seed_does_not_say_how_many_more_nor_do_as_many_as_are_looked_for(seeds: int) -> None:
    assert further_seeds(Rises(points(5)), changes(*np.linspace(8, 9, seeds))) is None


def test_what_lacks_something_else_is_helped_by_no_seeds() -> None:
    assert further_seeds(Matches(points(2)), changes(1, 2, 3)) is None


def test_a_curve_on_the_floor_can_only_fail_and_is_planned_so() -> None:
    low = Sample(changes(0, 1, -1).values - 37, GRID, POINTS, floor=10.0)
    assert further_seeds(Flat(points(5)), changes(0, 1, -1)) is not None
    assert further_seeds(Flat(points(5)), low) is None


def test_a_median_needs_five_seeds_at_least() -> None:
    generator = np.random.default_rng(0)
    below, above = (curve(level + 0.01 * generator.normal(size=(3, 2))) for level in (0.0, 1.0))
    assert further_seeds(Mostly("higher"), below, above) == 2


def of_task(name: str, *rises: float) -> list[Sample]:
    """Two measures of a task that rise together, with one seed for each of ``rises``."""
    values = np.array([[50.0, 50.0 + rise] for rise in rises])
    return [Sample(values, GRID, POINTS, group=name), Sample(values / 10, GRID, FACTOR, group=name)]


def test_tasks_with_different_numbers_of_seeds_are_each_continued() -> None:
    exists = Exists(points(5), factor(2))
    assert further_seeds(exists, *of_task("one", 12, 15, 18, 14), *of_task("other", 12, 15)) is not None
    assert further_seeds(exists, *of_task("one", 12, 15, 18), *of_task("other", 12)) is None


def test_the_same_question_has_the_same_answer() -> None:
    one, other = (further_seeds(Rises(points(5)), changes(6, 12, 15)) for _ in range(2))
    assert one == other


def test_what_varies_together_continues_to() -> None:
    """Two curves with the same noise differ by as much with every further seed."""
    values = np.random.default_rng(1).normal(50, 5, (3, 2))
    one, other = (_continued(values + shift, 7) for shift in (0.0, 3.0))
    assert one.shape == (WORLDS, 10, 2)
    assert other - one == pytest.approx(np.full(one.shape, 3.0))
    assert (one[:, :3] == values).all()


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_the_next_seed_lies_where_students_t_expects_it(seeds: int) -> None:
    """Half of what follows is within the quartiles of the prediction for one further value."""
    values = np.random.default_rng(seeds).normal(0, 2, (seeds, 1))
    following = (_continued(values, 1)[:, -1, 0] - values.mean()) / values.std(ddof=1)
    quartile = {3: 0.8165, 5: 0.7407, 10: 0.7027}[seeds] * np.sqrt(1 + 1 / seeds)
    assert 0.42 < (np.abs(following) < quartile).mean() < 0.58


def kept(estimand: Estimand, curves: int, seeds: int, promises: int = 250) -> float:
    """How often an undecided claim that was promised a decision got one with as many seeds, at the next look's level.

    The truths lie all about the margin, and the noise is 0.5 to 8 points: as it varies from one measure to another.
    """
    generator, promised, decided = np.random.default_rng(seeds), 0, 0
    while promised < promises:
        spread = np.exp(generator.uniform(np.log(0.5), np.log(8)))
        samples = []
        for _ in range(curves):
            truth = np.array([50.0, 50.0 + generator.uniform(-12, 12)])
            samples.append(curve(truth + generator.normal(0, spread, (CAP, 2))))
        few = [replace(sample, values=sample.values[:seeds]) for sample in samples]
        if estimand.decide(*few).outcome is not Outcome.UNDECIDED:
            continue
        further = further_seeds(estimand, *few, alpha=NEXT)
        if further is not None:
            more = [replace(sample, values=sample.values[: seeds + further]) for sample in samples]
            promised += 1
            decided += estimand.decide(*more, alpha=NEXT).outcome is not Outcome.UNDECIDED
    return decided / promised


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("estimand", "curves"), [(Rises(points(2)), 1), (Flat(points(5)), 1), (Higher(points(2)), 2)])
def test_where_it_promises_80_percent_70_to_90_are_decided(estimand: Estimand, curves: int, seeds: int) -> None:
    assert 0.7 < kept(estimand, curves, seeds) < 0.9


def test_seeds_are_no_help_on_the_floor() -> None:
    """The verdict is undecided there whatever the number of seeds; so is what is promised of further ones."""
    luck = np.array([[0.0, 0.2, 0.1], [0.3, 0.1, 0.0], [0.1, 0.0, 0.4]])
    low = Sample(0.5 + luck, (64, 128, 256), POINTS, floor=0.0)
    assert Drops(points(5)).decide(low).outcome is Outcome.UNDECIDED
    assert further_seeds(Drops(points(5)), low) is None
    assert further_seeds(Drops(points(5)), replace(low, floor=-math.inf)) is not None
