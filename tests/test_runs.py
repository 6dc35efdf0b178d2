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

from repro.runs import Run, from_spec, reading_key
from repro.science.readings import ALL_PARTS, Reading
from repro.science.recipes import BENCHMARK, LR, LR_BS, MOMENTA, SGD
from repro.science.tasks import M1_MNIST, STDCNN_MNIST, TASKS

ROOT = Path(__file__).parents[1]

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
}
RUNS = st.builds(Run, **FIELDS)
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
    '"sgd":{"half_life":null,"learning_rate":0.02,"momentum":0.9},'
    '"task":"M1-MNIST","train_images":null,"version":1,"width":64}'
)
ONE_KEY = "56b0fab01ca2cd9a2dd7"
ONE_READING = Reading(test_images=None, attacked_images=256, pgd_steps=40, hessian_images=4096)
ONE_READING_TEXT = (
    '{"attacked_images":256,"curvature_of":"train","epsilon_unit":"network","hessian_images":4096,'
    '"parts":["accuracy","attacks","curvature"],"pgd_restarts":1,"pgd_steps":40,"test_images":null,"version":1}'
)


def test_the_key_of_one_run_and_of_one_reading() -> None:
    assert ONE.key == ONE_KEY == hashlib.sha256(ONE_TEXT.encode()).hexdigest()[:20]
    assert reading_key(ONE_READING) == hashlib.sha256(ONE_READING_TEXT.encode()).hexdigest()[:20]


def test_another_process_gives_the_same_key() -> None:
    program = (
        "from repro.runs import Run; from repro.science.recipes import LR_BS; from repro.science.tasks import M1_MNIST;"
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


def test_the_version_of_the_code_is_part_of_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repro.runs.TRAINING_VERSION", 2)
    assert replace(ONE).key != ONE_KEY
    before = reading_key(ONE_READING)
    monkeypatch.setattr("repro.runs.MEASURING_VERSION", 2)
    assert reading_key(ONE_READING) != before


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


def test_a_run_says_what_it_is() -> None:
    assert str(ONE) == "M1-MNIST lr=0.02 m=0.9 batch size 128 seed 3"
    assert str(replace(ONE, sgd=BENCHMARK.sgd(128))) == "M1-MNIST lr=0.01 halved every 5 m=0.9 batch size 128 seed 3"
