import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.experiment.recipes import BENCHMARK, LR, LR_BS, MOMENTA, SGD, Recipe, steps_to, training_amount

GRID = (64, 128, 256, 512, 1024)


@pytest.mark.parametrize(
    ("recipe", "rates", "momentum", "half_life"),
    [
        *((LR(m), (0.01, 0.01, 0.01, 0.01, 0.01), m, None) for m in (0.0, 0.2, 0.5, 0.9)),
        *((LR_BS(m), (0.01, 0.02, 0.04, 0.08, 0.16), m, None) for m in (0.0, 0.9)),
        (BENCHMARK, (0.01, 0.01, 0.01, 0.01, 0.01), 0.9, 5),
    ],
    ids=str,
)
def test_recipes_set_what_the_paper_says(
    recipe: Recipe, rates: tuple[float, ...], momentum: float, half_life: int | None
) -> None:
    for batch_size, rate in zip(GRID, rates, strict=True):
        sgd = recipe.sgd(batch_size)
        assert sgd.learning_rate == pytest.approx(rate, rel=1e-12)
        assert (sgd.momentum, sgd.half_life) == (momentum, half_life)
    assert LR_BS().sgd(1).learning_rate == 0.00015625


def test_the_momenta_of_the_paper() -> None:
    assert MOMENTA == (0.0, 0.2, 0.5, 0.9)
    assert LR().momentum == LR_BS().momentum == 0.0


@given(batch_size=st.integers(1, 4096), momentum=st.sampled_from(MOMENTA))
def test_lr_and_lr_bs_are_one_training_at_64_and_only_there(batch_size: int, momentum: float) -> None:
    assert LR(momentum).sgd(64) == LR_BS(momentum).sgd(64)
    assert (LR(momentum).sgd(batch_size) == LR_BS(momentum).sgd(batch_size)) is (batch_size == 64)


@given(exponent=st.integers(0, 8), anchor=st.sampled_from([1, 4, 16, 32, 128]), momentum=st.sampled_from(MOMENTA))
def test_an_anchor_stands_for_the_papers_64_to_the_last_bit(exponent: int, anchor: int, momentum: float) -> None:
    for recipe in (LR(momentum), LR_BS(momentum), BENCHMARK):
        assert recipe.sgd(anchor * 2**exponent, anchor) == recipe.sgd(64 * 2**exponent)
    assert LR(momentum).sgd(anchor, anchor) == LR_BS(momentum).sgd(anchor, anchor)


def test_a_ratio_anchored_at_16_sets_the_rate_of_64_there_and_four_times_as_much_at_64() -> None:
    assert LR_BS().sgd(16, anchor=16).learning_rate == 0.01
    assert LR_BS().sgd(64, anchor=16).learning_rate == 0.04
    assert {LR().sgd(size, anchor=16).learning_rate for size in (16, 64)} == {0.01}


@pytest.mark.parametrize(("factor", "half_life"), [(1, 5), (2, 2), (5, 1), (100, 1)])
def test_a_schedule_passes_as_much_faster_as_is_said_and_halves_at_most_once_an_epoch(
    factor: int, half_life: int
) -> None:
    assert BENCHMARK.sgd(64, schedule_factor=factor) == SGD(0.01, 0.9, half_life)
    for recipe in (LR(), LR_BS(0.9)):
        assert recipe.sgd(128, schedule_factor=factor) == recipe.sgd(128)


def test_a_whole_number_is_the_same_setting_as_the_float() -> None:
    """They compare equal, so they must also be written alike in a run's key."""
    assert repr(SGD(1, 0)) == repr(SGD(1.0, 0.0))
    assert repr(LR_BS(0).sgd(128)) == repr(LR_BS(0.0).sgd(128))


def test_only_benchmark_halves_its_learning_rate_and_does_so_every_five_epochs() -> None:
    for recipe in (LR(), LR_BS(0.9)):
        assert {recipe.sgd(64).learning_rate_at(epoch) for epoch in range(100)} == {0.01}
    benchmark = BENCHMARK.sgd(64)
    assert [benchmark.learning_rate_at(e) for e in (0, 4, 5, 9, 10, 99)] == [
        0.01,
        0.01,
        0.005,
        0.005,
        0.0025,
        0.01 / 2**19,
    ]


def test_names_as_the_figures_print_them() -> None:
    assert [str(r) for r in (LR(), LR(0.2), LR_BS(), LR_BS(0.9), BENCHMARK)] == [
        *("LR m=0", "LR m=0.2", "LR/BS m=0", "LR/BS m=0.9", "Benchmark"),
    ]


@pytest.mark.parametrize(
    ("recipe", "batch_size", "expected"),
    [
        (LR(), 64, 860.0),  # 100 epochs of 860 steps, the last of them of 24 images
        (LR(), 1024, 54.0),
        (LR(0.9), 64, 8600.0),
        (LR_BS(), 1024, 864.0),
        (LR_BS(0.9), 256, 8600.0),
        # five epochs at each of 0.01, 0.005, ...: 0.05 * (2 - 2**-19) * 860 / (1 - 0.9)
        (BENCHMARK, 64, 0.05 * (2 - 2**-19) * 860 / 0.1),
    ],
    ids=str,
)
def test_the_amount_of_training_at_the_paper_s_scale(recipe: Recipe, batch_size: int, expected: float) -> None:
    """MNIST, 55,000 images and 100 epochs."""
    steps = -(-55_000 // batch_size)
    assert training_amount(recipe.sgd(batch_size), steps, 100 * steps) == pytest.approx(expected, rel=1e-9)


SGDS = st.builds(SGD, st.floats(1e-4, 1), st.sampled_from(MOMENTA), st.none() | st.integers(1, 5))
PER_EPOCH, STEPS = st.integers(1, 900), st.integers(0, 2000)


@given(sgd=SGDS, per_epoch=st.integers(1, 9), steps=st.integers(0, 108))
def test_the_amount_of_training_is_summed_over_the_steps(sgd: SGD, per_epoch: int, steps: int) -> None:
    expected = sum(sgd.learning_rate_at(step // per_epoch) / (1 - sgd.momentum) for step in range(steps))
    assert training_amount(sgd, per_epoch, steps) == pytest.approx(expected)


def size_of_step(sgd: SGD, per_epoch: int, step: int) -> float:
    """What a step, counted from 0, adds to T."""
    return sgd.learning_rate_at(step // per_epoch) / (1 - sgd.momentum)


@given(sgd=SGDS, per_epoch=PER_EPOCH, last=st.integers(1, 2000), share=st.floats(0, 1))
def test_the_steps_to_an_amount_are_those_after_which_it_is_nearest(
    sgd: SGD, per_epoch: int, last: int, share: float
) -> None:
    """Within half a step on either side, whose sizes differ where the learning rate is halved."""
    last = min(last, 40 * per_epoch)  # 40 halvings: further ones are lost in T's rounding
    amount = share * training_amount(sgd, per_epoch, last)
    steps = steps_to(sgd, per_epoch, amount)
    assert 1 <= steps <= max(last, 1)
    off = training_amount(sgd, per_epoch, steps) - amount
    rounding = 1e-9 * max(amount, sgd.learning_rate)
    assert off >= -size_of_step(sgd, per_epoch, steps) / 2 - rounding
    if steps > 1:  # there is no fewer
        assert off <= size_of_step(sgd, per_epoch, steps - 1) / 2 + rounding


@given(sgd=SGDS, per_epoch=PER_EPOCH, steps=st.integers(1, 2000))
def test_the_steps_to_the_amount_of_so_many_steps_are_so_many(sgd: SGD, per_epoch: int, steps: int) -> None:
    steps = min(steps, 25 * per_epoch)
    assert steps_to(sgd, per_epoch, training_amount(sgd, per_epoch, steps)) == steps


@pytest.mark.parametrize("steps", [1, 859, 860, 861, 4299, 4300, 4301, 43_000, 85_999])
def test_no_step_of_benchmark_at_the_paper_s_scale_is_lost_in_rounding(steps: int) -> None:
    """The last steps add 2 ** -19 of what the first ones add."""
    sgd = BENCHMARK.sgd(64)
    assert steps_to(sgd, 860, training_amount(sgd, 860, steps)) == steps


def test_the_least_training_is_one_step() -> None:
    assert steps_to(LR().sgd(64), 10, 0.001) == 1
