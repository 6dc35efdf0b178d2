"""What is entered by name, by this paper and by the next one."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from repro.claims import GRID, MNIST, NETWORKS, TASKS, Dataset, Reading, Scale, dataset, network, study, task
from repro.errors import SettingError
from repro.experiment.datasets import DATASETS
from repro.experiment.recipes import LR, Recipe
from repro.experiment.regimes import LAPTOP, PAPER, PAPER_SCALE, QUICK
from repro.experiment.tasks import Task

QUICKLY = Scale(2, (64, 128), 2, 512, Reading(64, 16, 4, 32))


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """What a test enters is gone when it ends."""
    everything: tuple[dict[str, Any], ...] = (DATASETS, NETWORKS, TASKS, PAPER.scales, QUICK.scales, LAPTOP.scales)
    before = [{**known} for known in everything]
    yield
    for known, then in zip(everything, before, strict=True):
        for name in known.keys() - then.keys():
            del known[name]


def test_a_task_of_the_next_author_has_a_scale_in_every_regime() -> None:
    entered = task(network("Flat", lambda *_, **__: None), dataset("Squares", 1, 8, 90, 10, 20, 0.1))
    study(entered, quick=QUICKLY)
    assert TASKS["Flat-Squares"] is entered
    assert QUICK.scale(entered) == QUICKLY
    assert LAPTOP.scale(entered) == QUICKLY  # unless it says otherwise
    assert PAPER.scale(entered) == PAPER_SCALE
    assert PAPER.scale(entered).batch_sizes == GRID


def test_a_task_may_have_a_scale_of_its_own_for_two_hours() -> None:
    entered = task(network("Flat", lambda *_, **__: None), dataset("Squares", 1, 8, 90, 10, 20, 0.1))
    study(entered, quick=QUICKLY, laptop=replace(QUICKLY, epochs=20))
    assert (QUICK.scale(entered).epochs, LAPTOP.scale(entered).epochs) == (2, 20)


def test_a_name_is_given_once() -> None:
    assert dataset("Squares", 1, 8, 90, 10, 20, 0.1) == dataset("Squares", 1, 8, 90, 10, 20, 0.1)  # the same again
    with pytest.raises(SettingError, match=r"data set 'Squares': there is another one of this name"):
        dataset("Squares", 1, 8, 90, 10, 20, 0.2)
    with pytest.raises(SettingError, match="network 'M1': there is another one"):
        network("M1", lambda *_, **__: None)


def test_a_task_without_a_scale_is_told_in_a_line_what_to_do() -> None:
    with pytest.raises(SettingError, match=r"M1-MNIST: the quick regime does not say .* with `study`"):
        replace(QUICK, scales={}).scale(Task("M1", MNIST))


def test_the_scale_of_a_task_is_said_once() -> None:
    with pytest.raises(SettingError, match="scale of 'M1-MNIST': there is another one"):
        study(TASKS["M1-MNIST"], quick=QUICKLY)


def test_a_network_that_was_never_entered_is_named() -> None:
    with pytest.raises(SettingError, match="network 'Flat': is unknown; known are M1, StdCNN, C1, ResNet18"):
        Task("Flat", MNIST)


def test_what_a_data_set_is_read_by_does_not_make_it_another_one() -> None:
    assert replace(MNIST, read=lambda *_: ((), ())) == MNIST
    assert isinstance(hash(MNIST), int)
    assert Dataset("MNIST", 1, 28, 55_000, 5_000, 10_000, 0.2) != MNIST


def test_the_door_is_free_of_torch() -> None:
    code = "import repro.claims, sys; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (lambda: Task("ResNet", MNIST), "network 'ResNet': is unknown; .*; did you mean ResNet18?"),
        (lambda: Task("M1", "MNSIT"), "data set 'MNSIT': is unknown; .*; did you mean MNIST?"),
        (lambda: Task("M1", "MNIST"), "data set 'MNIST': must be the data set itself"),
        (lambda: Task("M1", replace(MNIST, name="MNITS")), "data set 'MNITS': is unknown; .*; did you mean MNIST?"),
        (
            lambda: Recipe("sqrt", 0),
            r"Recipe\('sqrt', 0\): needs a rule, a function of the batch size",
        ),
        (lambda: Recipe("lr/bs", 0.9), r"Recipe\('lr/bs', 0.9\): needs a rule, .*; did you mean LR/BS?"),
        (lambda: LR(1.5), r"Recipe\('LR', 1.5\): the momentum must be a number from 0 to below 1"),
        (lambda: LR("0.9"), r"Recipe\('LR', '0.9'\): the momentum must be a number from 0 to below 1"),
    ],
)
def test_what_is_mistyped_is_refused_in_one_line_when_it_is_made(made: Callable[[], object], line: str) -> None:
    with pytest.raises(SettingError, match=line) as error:
        made()
    assert "\n" not in str(error.value)
