"""A run that is read on its way, at an amount of training or with its schedule compressed to it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from specs import ONE

from repro.experiment.recipes import BENCHMARK, LR, MOMENTA, SGD, Recipe
from repro.experiment.tasks import TASKS
from repro.experiment.trained_as import HE
from repro.runs.run import Run, from_spec

SMALL: dict[str, st.SearchStrategy[Any]] = {
    "sgd": st.builds(SGD, st.floats(1e-4, 1), st.sampled_from(MOMENTA), st.none() | st.integers(1, 5)),
    "batch_size": st.integers(1, 600),
    "epochs": st.integers(1, 12),
    "train_images": st.integers(1, 400),
}
SMALL_RUNS = st.builds(lambda **fields: replace(ONE, **fields), **SMALL)


def step(run: Run, index: int) -> float:
    """What a step, counted from 0, adds to T."""
    return run.sgd.learning_rate_at(index // run.steps_per_epoch) / (1 - run.sgd.momentum)


def test_a_precision_is_part_of_a_key_only_where_it_is_not_float32() -> None:
    """What was stored before there were precisions stays where it is, and is read as float32."""
    assert "precision" not in ONE.spec
    others = [replace(ONE, precision=name) for name in ("tf32", "bfloat16")]
    assert len({run.key for run in (ONE, *others)}) == 3
    assert [run.spec["precision"] for run in others] == ["tf32", "bfloat16"]
    assert from_spec(ONE.spec).precision == "float32"
    assert str(replace(others[0], trained_as=(HE,))).endswith("seed 3 (he-initialisation, tf32)")
    assert others[1].at(1.0).precision == others[1].sibling.precision == "bfloat16"


def test_a_checkpoint_is_another_run_of_the_same_training() -> None:
    checkpoint = replace(ONE, steps=7)
    assert checkpoint.key != ONE.key
    assert checkpoint.whole == ONE
    assert ONE.whole is ONE
    assert str(checkpoint) == "M1-MNIST lr=0.02 m=0.9 batch size 128 seed 3 to step 7"


@pytest.mark.parametrize(
    ("run", "images", "steps_per_epoch", "last_step", "last_epoch", "samples"),
    [
        (ONE, 55_000, 430, 43_000, 100, 5_500_000),
        (replace(ONE, steps=430), 55_000, 430, 430, 1, 55_000),  # an epoch's last batch has 88 images
        (replace(ONE, steps=431), 55_000, 430, 431, 2, 55_128),
        (replace(ONE, steps=50_000), 55_000, 430, 43_000, 100, 5_500_000),
        (replace(ONE, train_images=100, epochs=3, steps=2), 100, 1, 2, 2, 200),
        (replace(ONE, data="surrogate"), 18_333, 144, 14_400, 100, 1_833_300),
        (replace(ONE, data="surrogate", train_images=60_000), 18_333, 144, 14_400, 100, 1_833_300),
        (replace(ONE, data="surrogate", task=TASKS["C1-CIFAR10"]), 16_000, 125, 12_500, 100, 1_600_000),
    ],
)
def test_a_run_knows_its_images_and_steps(
    run: Run, images: int, steps_per_epoch: int, last_step: int, last_epoch: int, samples: int
) -> None:
    assert (run.images, run.steps_per_epoch) == (images, steps_per_epoch)
    assert (run.last_step, run.last_epoch, run.samples) == (last_step, last_epoch, samples)


@pytest.mark.parametrize(
    ("recipe", "batch_size", "amount"),
    # 860 and 54 steps an epoch; Benchmark's learning rate is halved 19 times
    [(LR(), 64, 860.0), (LR(), 1024, 54.0), (LR(0.9), 1024, 540.0), (BENCHMARK, 64, 0.5 * (2 - 2**-19) * 860)],
    ids=str,
)
def test_a_run_knows_the_training_amount_that_it_comes_to(recipe: Recipe, batch_size: int, amount: float) -> None:
    run = replace(ONE, sgd=recipe.sgd(batch_size), batch_size=batch_size)
    assert run.amount == pytest.approx(amount, rel=1e-9)
    assert replace(run, epochs=1).amount == replace(run, steps=run.steps_per_epoch).amount


@given(run=SMALL_RUNS, share=st.floats(0, 2))
def test_a_run_at_an_amount_never_goes_beyond_its_own_end(run: Run, share: float) -> None:
    amount = share * run.amount
    then = run.at(amount)
    if amount >= run.amount:
        assert then is run
    assert then.whole == run
    assert then.amount <= run.amount
    assert then is run or then.last_step < run.last_step  # else one training would be stored under two keys


def decays(run: Run) -> bool:
    return run.sgd.half_life is not None and run.sgd.half_life < run.epochs


CONSTANT, DECAYING = SMALL_RUNS.filter(lambda run: not decays(run)), SMALL_RUNS.filter(decays)


@given(run=CONSTANT, share=st.floats(0, 1))
def test_a_run_of_a_constant_rate_is_read_on_the_way_within_half_a_step_of_an_amount(run: Run, share: float) -> None:
    amount = share * run.amount
    then = run.at(amount)
    last = then.last_step
    assert then is run or then.on_the_way
    assert amount - then.amount <= step(run, last) / 2 + 1e-9 * run.amount
    if last > 1:
        assert then.amount - amount <= step(run, last - 1) / 2 + 1e-9 * run.amount


@given(run=DECAYING, share=st.floats(0, 1))
def test_a_run_whose_rate_decays_is_compressed_to_an_amount_within_a_step_and_a_half(run: Run, share: float) -> None:
    """Half a step for their number, and one for halvings that fall between two steps: half, a quarter..."""
    amount = share * run.amount
    then = run.at(amount)
    assert then is run or (then.compressed and not then.on_the_way)
    assert amount - then.amount <= run.amount / run.last_step / 2 + 1e-9 * run.amount
    assert then.amount - amount <= 1.5 * step(run, 0) + 1e-9 * run.amount


def test_a_compressed_run_goes_through_the_rates_of_all_epochs_at_the_same_shares_of_its_steps() -> None:
    """At the paper's scale batch size 64 compressed to the amount of 1024 takes steps as long as those of 1024."""
    of_64, of_1024 = (replace(ONE, sgd=BENCHMARK.sgd(size), batch_size=size) for size in (64, 1024))
    short = of_64.at(of_1024.amount)
    assert short.last_step == of_1024.last_step == 5400
    assert short.amount == pytest.approx(of_1024.amount, rel=1e-12)
    taken = [
        [run.settings.learning_rate_at(index, run.steps_per_epoch) for index in range(5400)] for run in (short, of_1024)
    ]
    assert taken[0] == taken[1]


def test_a_compressed_run_is_another_run_that_is_read_back_from_its_spec() -> None:
    run = replace(ONE, sgd=BENCHMARK.sgd(128))
    short, state = run.at(run.amount / 4), replace(run, steps=10_750)
    assert short == replace(state, compressed=True)
    assert len({run.key, short.key, state.key}) == 3
    assert "compressed" not in run.spec
    assert "compressed" not in state.spec
    assert from_spec(short.spec) == short
    assert short.whole == state.whole == run
    assert state.on_the_way
    assert not short.on_the_way
    assert not run.on_the_way
    assert str(short).endswith("batch size 128 seed 3 compressed to 10750 steps")


@given(run=SMALL_RUNS, share=st.floats(0, 1))
def test_a_checkpoint_at_an_amount_is_that_of_the_whole_run(run: Run, share: float) -> None:
    checkpoint = replace(run, steps=max(1, run.last_step // 2))
    amount = share * checkpoint.amount
    assume(amount < checkpoint.amount)  # what comes to it already is itself
    assert checkpoint.at(amount).last_step == run.at(amount).last_step
