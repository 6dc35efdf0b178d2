"""A mean over batch sizes that hides a change of sign says so, and one that hides none does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from worlds import same_examples

from repro.statistics.estimands import Sample
from repro.statistics.pairs import HigherOnAverage, LowerOnAverage, SmallerChange
from repro.statistics.signs import opposite_signs
from repro.statistics.units import FACTOR, POINTS, Array, factor, points

GRID = (64, 128, 256, 512, 1024)
BY = points(2)
NOTE = "the mean hides opposite signs: "
noise = arrays(float, (5, 3), elements=st.floats(-0.4, 0.4))
levels = st.lists(st.floats(-30, 30), min_size=3, max_size=3).map(np.array)


def sample(values: Array) -> Sample:
    return Sample(np.asarray(values, dtype=float), GRID[: values.shape[-1]], POINTS)


def flat(level: float = 50.0) -> Sample:
    return sample(np.full((5, 3), level))


def shifted(*by: float) -> Sample:
    """Five seeds that differ little, this much above 50 at each batch size."""
    return sample(50 + np.array(by) + np.array([0.0, 0.1, -0.1, 0.2, -0.2])[:, None])


def test_what_is_hidden_is_told_in_numbers_at_the_batch_sizes_where_it_is_certain() -> None:
    assert HigherOnAverage(BY).hides(flat(), shifted(3.2, 0.5, -4.1)) == f"{NOTE}+3.2 points at 64, -4.1 points at 256"
    grown = Sample(np.log([[8.0, 2.0], [8.1, 2.1], [7.9, 1.9]]), (64, 1024), FACTOR)
    assert LowerOnAverage(factor(1.5)).hides(Sample(np.full((3, 2), np.log(4)), (64, 1024), FACTOR), grown) == (
        f"{NOTE}x2.00 at 64, x0.50 at 1024"
    )


@pytest.mark.parametrize("by", [(3.0, 0.0, -1.9), (3.0, 4.0, 5.0), (0.0, 0.0, 0.0)])
def test_nothing_is_hidden_where_one_side_is_no_difference_that_matters(by: tuple[float, ...]) -> None:
    assert HigherOnAverage(BY).hides(flat(), shifted(*by)) == ""


def test_one_seed_shows_no_sign() -> None:
    assert opposite_signs(sample(np.array([[30.0, -30.0]])), BY) == ""


def test_of_two_pairs_it_is_the_second_that_can_cancel() -> None:
    rule, both = SmallerChange(BY), (flat(), shifted(9.0, 0.0, -9.0))
    assert rule.hides(flat(), flat(), *both) == f"{NOTE}+9.0 points at 64, -9.0 points at 256"
    assert rule.hides(*both, flat(), flat()) == ""


def test_batch_sizes_at_which_both_pairs_are_the_same_runs_are_not_looked_at() -> None:
    """They are not in the mean either."""
    here, there = shifted(9.0, 1.0, 1.0), shifted(9.0, -9.0, -9.0)
    assert SmallerChange(BY).hides(flat(), here, flat(), there) == ""
    assert SmallerChange(BY).hides(flat(), there, flat(), there) == ""


@same_examples
@given(levels, noise)
def test_a_note_means_that_two_observed_means_lie_beyond_the_margin_on_both_sides(level: Array, noise: Array) -> None:
    values = level + noise
    if opposite_signs(sample(values), BY):
        assert values.mean(0).max() > BY.size
        assert values.mean(0).min() < -BY.size


@same_examples
@given(levels, noise)
def test_effects_well_beyond_the_margin_on_both_sides_are_always_told_of(level: Array, noise: Array) -> None:
    """Noise within 0.4 has a spread below 0.45, of which a mean of five seeds can be wrong by 0.7 at this level."""
    values = np.array([4.0, *level[1:2], -4.0]) + noise
    assert opposite_signs(sample(values), BY).startswith(NOTE)


@same_examples
@given(levels, noise, st.permutations(range(3)))
def test_neither_the_sign_nor_the_order_of_batch_sizes_decides(level: Array, noise: Array, order: list[int]) -> None:
    values = level + noise
    found = bool(opposite_signs(sample(values), BY))
    assert bool(opposite_signs(sample(-values), BY)) is found
    assert bool(opposite_signs(sample(values[:, order]), BY)) is found


@same_examples
@given(levels, noise, st.floats(0.0, 5.0))
def test_what_a_larger_margin_shows_a_smaller_one_shows(level: Array, noise: Array, larger: float) -> None:
    values = sample(level + noise)
    assert not opposite_signs(values, points(2 + larger)) or opposite_signs(values, BY)


@pytest.mark.parametrize("truth", [(10.0, -2.0, -2.0, -2.0, -2.0), (2.0, 2.0, -2.0, -2.0, -2.0)])
@pytest.mark.parametrize("seeds", [3, 5])
def test_a_change_of_sign_that_is_not_there_is_told_of_in_at_most_one_world_in_twenty(
    truth: tuple[float, ...], seeds: int
) -> None:
    """Every other batch size stands at the edge of what matters, where it errs most."""
    draw = np.random.default_rng(7)
    worlds = np.array(truth) + draw.normal(size=(1500, seeds, 5))
    assert sum(bool(opposite_signs(sample(world), BY)) for world in worlds) <= 0.065 * len(worlds)
