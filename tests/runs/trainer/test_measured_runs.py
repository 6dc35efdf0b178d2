"""What is measured of a trained run: under which reading, from which weights, and of what nothing can be measured."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from small_runs import DIVERGING, READING, RUN, measured
from worlds import prepared

from repro.experiment.readings import transfer
from repro.experiment.recipes import LR_BS
from repro.experiment.regimes import QUICK
from repro.experiment.tasks import STDCNN_MNIST
from repro.experiment.trained_as import UNSTANDARDISED
from repro.runs import trainer
from repro.runs.conditions import Conditions
from repro.runs.store import Store
from repro.science.attacks.attacks import Attack
from repro.science.measuring import instruments
from repro.verdicts.curves import FGSM, LAMBDA1, TEST_ACCURACY, Curve, read_runs
from repro.verdicts.instrument_checks import unchecked

pytestmark = pytest.mark.usefixtures("own_threads")


def test_a_network_that_is_fed_pixels_is_attacked_as_far_in_pixels(
    store: Store, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Departures are one at a time: 0.3 in standardised units for both."""
    climb, sizes = Attack.climb, []

    def seen(attack: Attack, model: Any, x: Any, images: Any, labels: Any, **rest: Any) -> Any:
        found = climb(attack, model, x, images, labels, **rest)
        if not attack.random_start:
            sizes.append((found[0] - images).abs().max().item())
        return found

    monkeypatch.setattr(Attack, "climb", seen)
    for run in (RUN, replace(RUN, trained_as=(UNSTANDARDISED,))):
        trainer.make(run, replace(READING, parts=("attacks",)), store, conditions)
    assert sizes == [pytest.approx(0.3 * 0.3081)] * 4  # two losses each


def test_another_reading_measures_the_stored_weights_without_training(
    store: Store, conditions: Conditions, tmp_path: Path, trainings: list[int]
) -> None:
    further = replace(READING, attacked_images=30, pgd_steps=4)
    trainer.make(RUN, READING, store, conditions)
    trainer.make(RUN, further, store, conditions)
    assert len(trainings) == 1
    fresh = prepared(tmp_path / "fresh")
    trainer.make(RUN, further, fresh, conditions)
    assert measured(store, RUN, further) == measured(fresh, RUN, further)
    assert measured(store, RUN, READING) != measured(store, RUN, further)


def test_a_diverging_run_is_recorded_as_such_and_measured_as_nothing(
    store: Store, conditions: Conditions, trainings: list[int]
) -> None:
    for reading in (READING, replace(READING, pgd_steps=4)):
        trainer.make(DIVERGING, reading, store, conditions)
        assert measured(store, DIVERGING, reading) == {}
        assert store.whole(DIVERGING, reading)
    record = store.record(DIVERGING)
    assert record is not None
    assert record["diverged"] is True
    assert record["diverged_at"] in (1, 2)
    assert all(np.isfinite(record["losses"]))
    assert len(trainings) == 1
    json.dumps(record, allow_nan=False)


def same_weights(model: torch.nn.Module, path: Path) -> bool:
    return all(torch.equal(model.state_dict()[name], value) for name, value in load_file(path).items())


def test_transfer_is_measured_from_the_network_of_another_seed(
    store: Store, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, seen = trainer.transfer_accuracy, []

    def watched(source: torch.nn.Module, target: torch.nn.Module, *rest: Any) -> float:
        assert not source.training
        assert not target.training
        where = same_weights(source, store.weights(RUN.sibling)), same_weights(target, store.weights(RUN))
        seen.append((*where, len(rest[0]), real(source, target, *rest)))
        return seen[-1][-1]

    monkeypatch.setattr(trainer, "transfer_accuracy", watched)
    for run in (RUN, RUN.sibling):
        trainer.make(run, READING, store, conditions)
    trainer.make(RUN, transfer(READING), store, conditions)
    ((from_sibling, on_its_own, images, accuracy),) = seen
    assert (from_sibling, on_its_own, images) == (True, True, READING.attacked_images)
    assert measured(store, RUN, transfer(READING)) == {"transfer_accuracy": accuracy}


def test_nothing_is_transferred_from_a_network_that_diverged(store: Store, conditions: Conditions) -> None:
    trainer.make(RUN, READING, store, conditions)
    store.put_run(RUN.sibling, {"diverged": True}, lambda path: shutil.copy(store.weights(RUN), path))
    trainer.make(RUN, transfer(READING), store, conditions)
    assert measured(store, RUN, transfer(READING)) == {}
    assert measured(store, RUN) != {}


def test_a_check_that_comes_to_no_number_is_not_made_and_leaves_the_measures(
    store: Store, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third derivative that overflows says nothing of a network that learnt; it must not pass for divergence."""
    monkeypatch.setattr(instruments, "curvature_of_each", lambda *_: torch.tensor([torch.nan, 1.0]))
    monkeypatch.setattr(instruments, "_disagreement", lambda *_: float("nan"))
    trainer.make(RUN, READING, store, conditions)
    found = measured(store, RUN)
    assert found["lambda1"] > 0
    assert "lambda1_error" not in found
    assert "disagreement" not in found["instruments"]
    lacking = unchecked(found | found["instruments"])
    assert {"lambda1-not-of-one-image"} < set(lacking)


@pytest.mark.parametrize("huge", [1e18, 1e30])
def test_a_network_whose_weights_are_finite_and_huge_is_measured_as_nothing_and_counts_as_diverged(
    store: Store, conditions: Conditions, huge: float
) -> None:
    """Training ended before its loss was seen to be no number."""
    trainer.make(RUN, READING, store, conditions)
    weights = {name: value * huge for name, value in load_file(store.weights(RUN)).items()}
    assert all(value.isfinite().all() for value in weights.values())
    record = store.record(RUN) or {}
    assert record["diverged"] is False
    store.put_run(RUN, record, lambda path: save_file(weights, path))
    trainer.make(RUN, READING, store, conditions)
    assert measured(store, RUN) == {}
    here = replace(conditions, regime=QUICK.overridden(reading=READING))
    for measure, value in ((TEST_ACCURACY, 0.1), (FGSM, np.nan), (LAMBDA1, np.nan)):
        found = read_runs(Curve(STDCNN_MNIST, LR_BS(), measure), [RUN], (32,), store, here)
        assert found.cells[0][0].diverged
        assert found.values == pytest.approx(np.array([[value]]), nan_ok=True)
