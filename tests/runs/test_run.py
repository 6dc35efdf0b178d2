import hashlib
import json
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from repro.experiment import precisions
from repro.experiment.networks import NETWORKS
from repro.experiment.readings import ALL_PARTS, Reading
from repro.experiment.recipes import BENCHMARK, LR, LR_BS, MOMENTA, SGD, Recipe
from repro.experiment.tasks import M1_MNIST, STDCNN_MNIST, TASKS
from repro.experiment.trained_as import HE, SAYS
from repro.runs.run import MEASURING_VERSION, Run, from_spec, reading_key
from repro.science.training.settings import TrainingSettings

ROOT = Path(__file__).parents[2]

RATES = st.floats(min_value=1e-6, max_value=10, allow_nan=False)
SGDS = st.builds(SGD, RATES, st.sampled_from(MOMENTA), st.none() | st.integers(1, 50))
COUNTS = st.integers(1, 100_000)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "task": st.sampled_from(list(TASKS.values())),
    "sgd": SGDS,
    "batch_size": COUNTS,
    "seed": st.integers(0, 2**40),
    "epochs": COUNTS,
    "train_images": st.none() | COUNTS,
    "data": st.sampled_from(["published", "surrogate"]),
    "device": st.sampled_from(["cpu", "cuda"]),
    "width": st.integers(1, 64),
    "steps": st.none() | COUNTS,
    "trained_as": st.lists(st.sampled_from(list(SAYS)), unique=True).map(tuple),
    "precision": st.sampled_from([*precisions.SAYS]),
    "compressed": st.booleans(),
}
RUNS = st.builds(Run, **FIELDS).filter(lambda run: not run.compressed or run.steps is not None)
READINGS = st.builds(
    Reading,
    *(st.none() | COUNTS, st.none() | COUNTS, COUNTS, st.none() | COUNTS, COUNTS),
    *(st.sampled_from(["network", "pixels"]), st.sampled_from(["train", "test"])),
    st.sampled_from([ALL_PARTS, *((part,) for part in ALL_PARTS)]),
)

ONE = Run(M1_MNIST, LR_BS(0.9).sgd(128), 128, 3, 100, None, "published", "cpu")
# Written out, so that a key cannot change without a change of version: all that is stored would be lost.
ONE_TEXT = (
    '{"batch_size":128,"data":"published","device":"cpu","epochs":100,"seed":3,'
    '"sgd":{"half_life":null,"learning_rate":0.02,"momentum":0.9},"steps":null,'
    '"task":"M1-MNIST","train_images":null,"trained_as":[],"version":4,"width":64}'
)
ONE_KEY = "a9291da79eee29b8e36d"
ONE_READING = Reading(test_images=None, attacked_images=256, pgd_steps=40, hessian_images=4096)
ONE_READING_TEXT = (
    '{"attacked_images":256,"curvature_of":"train","epsilon_unit":"network","hessian_images":4096,'
    '"parts":["accuracy","attacks","curvature","instruments"],"pgd_restarts":1,"pgd_steps":40,"test_images":null,"version":7}'
)


def test_the_key_of_one_run_and_of_one_reading() -> None:
    assert ONE.key == ONE_KEY == hashlib.sha256(ONE_TEXT.encode()).hexdigest()[:20]
    assert reading_key(ONE_READING) == hashlib.sha256(ONE_READING_TEXT.encode()).hexdigest()[:20]


def test_another_process_gives_the_same_key() -> None:
    program = (
        "from repro.runs.run import Run;"
        "from repro.experiment.recipes import LR_BS; from repro.experiment.tasks import M1_MNIST;"
        "print(Run(M1_MNIST, LR_BS(0.9).sgd(128), 128, 3, 100, None, 'published', 'cpu').key)"
    )
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=ROOT)
    assert found.stdout.strip() == ONE.key


@given(run=RUNS, data=st.data())
def test_any_other_field_is_another_key(run: Run, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([field.name for field in fields(Run)]))
    other = replace(run, **{name: data.draw(FIELDS[name])})
    assert (other.key == run.key) is (other == run)


@given(run=RUNS, data=st.data())
def test_any_other_setting_of_sgd_is_another_key(run: Run, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([field.name for field in fields(SGD)]))
    other = replace(run, sgd=replace(run.sgd, **{name: getattr(data.draw(SGDS), name)}))
    assert (other.key == run.key) is (other == run)


@given(one=READINGS, other=READINGS, data=st.data())
def test_any_other_field_of_a_reading_is_another_key(one: Reading, other: Reading, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([field.name for field in fields(Reading)]))
    assume(getattr(one, name) != getattr(other, name))
    assert reading_key(replace(one, **{name: getattr(other, name)})) != reading_key(one)


@given(run=RUNS, data=st.data())
def test_a_run_comes_back_from_its_stored_spec_whatever_the_order_of_its_fields(run: Run, data: st.DataObject) -> None:
    spec = json.loads(json.dumps(run.spec))
    shuffled = dict(data.draw(st.permutations(list(spec.items()))))
    again = from_spec(shuffled)
    assert again == run
    assert again.key == run.key
    assert again.spec == run.spec


@given(run=RUNS)
def test_a_training_is_told_what_its_run_says_and_whether_its_images_are_augmented(run: Run) -> None:
    told = {field.name: getattr(run.settings, field.name) for field in fields(TrainingSettings)}
    assert told.pop("augmented") is (run.task.dataset.name == "CIFAR10")
    assert told == {name: getattr(run, name) for name in told}


def test_the_version_of_the_code_is_part_of_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    architecture = ONE.task.architecture
    others = [replace(ONE, task=task) for task in TASKS.values() if task.architecture != architecture]
    keys = [run.key for run in others]
    now = NETWORKS[architecture]
    monkeypatch.setitem(NETWORKS, architecture, replace(now, version=now.version + 1))
    assert replace(ONE).key != ONE_KEY
    assert [replace(run).key for run in others] == keys  # each network has a version of its own
    before = reading_key(ONE_READING)
    monkeypatch.setattr("repro.runs.run.MEASURING_VERSION", MEASURING_VERSION + 1)
    assert reading_key(ONE_READING) != before


def test_the_version_of_the_surrogate_is_part_of_the_keys_of_runs_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = replace(ONE, data="surrogate")
    before = drawn.key
    monkeypatch.setattr("repro.runs.run.SURROGATE_VERSION", 2)
    assert replace(drawn).key != before
    assert replace(ONE).key == ONE_KEY


@pytest.mark.parametrize("momentum", MOMENTA)
def test_lr_and_lr_bs_are_one_run_at_64_and_two_elsewhere(momentum: float) -> None:
    def keys(batch_size: int) -> set[str]:
        sgds = [recipe(momentum).sgd(batch_size) for recipe in (LR, LR_BS)]
        return {Run(STDCNN_MNIST, sgd, batch_size, 0, 100, None, "published", "cpu").key for sgd in sgds}

    assert len(keys(64)) == 1
    assert len(keys(128)) == 2


def test_equal_settings_written_as_whole_numbers_and_floats_are_one_run() -> None:
    whole, exact = (replace(ONE, sgd=SGD(1, momentum)) for momentum in (0, 0.0))
    assert whole == exact
    assert whole.key == exact.key


def test_a_run_counts_the_images_it_shows() -> None:
    assert ONE.samples == 100 * 55_000
    assert replace(ONE, train_images=1024, epochs=12).samples == 12 * 1024


def test_the_spec_is_plain_json() -> None:
    for run in (ONE, replace(ONE, steps=7, trained_as=(HE,))):
        assert json.loads(json.dumps(run.spec)) == run.spec


# --- checkpoints ---

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
    assert checkpoint.at(amount).last_step == run.at(amount).last_step


# --- departures ---


def test_a_run_that_is_trained_otherwise_says_so() -> None:
    otherwise = replace(ONE, trained_as=(HE,))
    assert otherwise.key != ONE.key
    assert str(otherwise) == "M1-MNIST lr=0.02 m=0.9 batch size 128 seed 3 (he-initialisation)"
    assert from_spec(json.loads(json.dumps(otherwise.spec))) == otherwise


def test_a_run_says_what_it_is() -> None:
    assert str(ONE) == "M1-MNIST lr=0.02 m=0.9 batch size 128 seed 3"
    assert str(replace(ONE, sgd=BENCHMARK.sgd(128))) == "M1-MNIST lr=0.01 halved every 5 m=0.9 batch size 128 seed 3"


@given(RUNS)
def test_equal_runs_have_one_hash(run: Run) -> None:
    assert hash(from_spec(run.spec)) == hash(run)


def test_the_runs_of_a_task_have_hashes_of_their_own() -> None:
    sizes, recipes = (64, 128, 256), (*(LR(m) for m in MOMENTA), LR_BS(), BENCHMARK)
    runs = {
        replace(ONE, sgd=recipe.sgd(size), batch_size=size, seed=seed, steps=steps)
        for recipe in recipes
        for size in sizes
        for seed in range(5)
        for steps in (None, 1000)
    }
    assert len({hash(run) for run in runs}) == len(runs)
