"""A run's key is all that it ends with, and a run comes back from what is stored of it."""

import hashlib
import json
import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from specs import FIELDS, ONE, ONE_KEY, ONE_READING, ONE_READING_TEXT, ONE_TEXT, READINGS, ROOT, RUNS, SGDS

from repro.experiment.datasets import DATASETS, Dataset
from repro.experiment.networks import NETWORKS
from repro.experiment.readings import Reading
from repro.experiment.recipes import BENCHMARK, LR, LR_BS, MOMENTA, SGD
from repro.experiment.tasks import STDCNN_MNIST, TASKS, Task
from repro.experiment.trained_as import HE
from repro.runs.run import MEASURING_VERSION, Run, from_spec, hash_of, reading_key
from repro.science.training.settings import TrainingSettings


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


@pytest.mark.parametrize(
    "change",
    [
        {"epsilon": 0.2},
        {"mean": 0.5},
        {"std": 0.5},
        {"augmented": True},
        {"train": 80, "validation": 20},
        {"files": {"squares": "another MD5"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_a_data_set_of_the_next_author_says_of_itself_is_in_the_keys_of_its_runs(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    squares = Dataset("Squares", 1, 8, 90, 10, 20, 0.1, files={"squares": "an MD5"})
    monkeypatch.setitem(DATASETS, squares.name, squares)
    run = replace(ONE, task=Task("M1", squares))
    monkeypatch.setitem(TASKS, str(run.task), run.task)
    assert from_spec(json.loads(json.dumps(run.spec))) == run
    changed = replace(run, task=Task("M1", replace(squares, **change)))
    assert hash_of(changed.spec) != hash_of(run.spec)
    monkeypatch.setitem(TASKS, str(run.task), changed.task)
    with pytest.raises(ValueError, match="Squares said something else of itself"):
        from_spec(run.spec)
    assert replace(run, task=Task("M1", replace(squares, read=lambda *_: None))).key == run.key


def test_no_word_of_the_papers_data_sets_which_stay_as_they_are() -> None:
    assert "dataset" not in ONE.spec


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
