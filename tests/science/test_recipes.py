import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.science.recipes import BENCHMARK, LR, LR_BS, MOMENTA, SGD, Recipe, training_amount

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
    assert training_amount(recipe.sgd(batch_size), steps, 100) == pytest.approx(expected, rel=1e-9)


@given(rate=st.floats(1e-4, 1), momentum=st.sampled_from(MOMENTA), steps=st.integers(1, 9), epochs=st.integers(0, 12))
def test_the_amount_of_training_is_summed_over_the_steps(rate: float, momentum: float, steps: int, epochs: int) -> None:
    sgd = SGD(rate, momentum, half_life=3)
    expected = sum(sgd.learning_rate_at(epoch) / (1 - momentum) for epoch in range(epochs) for _ in range(steps))
    assert training_amount(sgd, steps, epochs) == pytest.approx(expected)
