"""A measure of a next author's own: entered, taken, stored beside the others, decided on."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import nn
from worlds import case_of, conditions, fill, fill_measures

from repro.errors import ReproError, SettingError
from repro.experiment.own import OWN, Taken, entered
from repro.experiment.readings import alone, of_checkpoints
from repro.experiment.recipes import LR, LR_BS
from repro.experiment.tasks import M1_MNIST
from repro.runs.costs import Costs
from repro.runs.run import reading_key
from repro.runs.store import Store
from repro.science.data.splits import Data, Split
from repro.science.measuring.measures import measure as take
from repro.statistics.estimands import Outcome
from repro.statistics.trends import Rises
from repro.statistics.units import factor, points
from repro.verdicts.curves import MEASURES, Curve, Measure
from repro.verdicts.deciding import judge
from repro.verdicts.own_measures import measure

HERE = conditions()
READING = HERE.reading(M1_MNIST)


def mean_logit(network: nn.Module, images: Any, labels: Any) -> float:
    assert len(images) == len(labels)
    return float(network(images).mean()) + len(images)


@pytest.fixture
def own() -> Iterator[Measure]:
    yield measure("mean_logit", mean_logit, matters=factor(2), because="it is an example of a measure")
    del OWN["mean_logit"], MEASURES["mean_logit"]


def rising(own: Measure) -> Any:
    return case_of(Curve(M1_MNIST, LR(), own), holds_if=Rises(factor(2)))


def test_it_is_read_from_a_reading_of_its_own_and_decided(tmp_path: Path, own: Measure) -> None:
    case = rising(own)
    store = fill(Store(tmp_path), case.runs(HERE))
    with pytest.raises(ReproError, match="is not in"):
        judge(case, store, HERE)
    fill_measures(store, case.runs(HERE), alone(READING, own.part), lambda run: {"mean_logit": run.batch_size / 10})
    found = judge(case, store, HERE)
    assert found.decision.outcome is Outcome.HOLDS
    assert math.exp(found.decision.estimate) == pytest.approx(4)
    assert found.matched is not None  # LR at 64 has trained four times as much as at 256
    assert "mean_logit of LR m=0 on M1-MNIST" in found.evidence


def test_every_run_and_checkpoint_is_measured_so_beside_the_first_reading(own: Measure) -> None:
    case = rising(own)
    jobs = case.jobs(HERE)
    for run in case.runs(HERE):
        first = READING if run is run.whole else of_checkpoints(READING)
        assert [job.reading for job in jobs if job.run == run] == [first, alone(READING, own.part)] or run is run.whole
        assert {job.kind for job in jobs if job.reading.parts == (own.part,)} == {"measure"}
    assert all(seconds > 0 for seconds in Costs().of(jobs, frozenset()).values())


def test_a_new_version_is_another_number(own: Measure) -> None:
    before = reading_key(alone(READING, own.part))
    assert reading_key(alone(READING, own.part.replace(":1", ":2"))) != before
    with pytest.raises(SettingError, match="version 2 is asked for, and 1 was entered"):
        entered(own.part.replace(":1", ":2"))
    with pytest.raises(SettingError, match="is unknown"):
        entered("own:never_entered:1")


def test_images_of_the_other_split_make_other_numbers() -> None:
    splits: tuple[Literal["test", "train"], ...] = ("test", "train")
    parts = {Taken("mean_logit", mean_logit, of).part for of in splits}
    assert len(parts) == 2
    assert Taken("mean_logit", mean_logit).part == "own:mean_logit:1"  # as it was before that was told apart


@pytest.mark.usefixtures("own")
def test_a_name_stands_for_one_measure() -> None:
    with pytest.raises(SettingError, match="there is another one of this name"):
        measure("mean_logit", lambda *_: 1.0, matters=factor(2), because="another function")
    with pytest.raises(SettingError, match="there is another one of this name"):
        measure("lambda1", mean_logit, matters=factor(2), because="the paper's name")


def splits() -> Data:
    generator = torch.Generator().manual_seed(0)
    part = [
        Split(torch.randint(256, (n, 28, 28), generator=generator, dtype=torch.uint8), torch.arange(n) % 10)
        for n in (40, 8, 30)
    ]
    return Data(*part)


def test_a_number_that_is_none_is_an_error_that_names_the_measure() -> None:
    part = measure("nothing", lambda *_: math.nan, matters=factor(2), because="it has no number").part
    try:
        with pytest.raises(ReproError, match="measure 'nothing': came to nan"):
            take(nn.Linear(1, 1), M1_MNIST.dataset, splits(), 20, alone(READING, part))
    finally:
        del OWN["nothing"], MEASURES["nothing"]


@pytest.mark.parametrize(("of", "count"), [("test", 30), ("train", 20)])
def test_it_is_taken_on_the_images_that_it_names(of: Any, count: int) -> None:
    part = measure("count", lambda _, images, __: len(images), matters=factor(2), because="counts", of=of).part
    try:
        assert take(nn.Linear(1, 1), M1_MNIST.dataset, splits(), 20, alone(READING, part)) == {"count": count}
    finally:
        del OWN["count"], MEASURES["count"]


def test_it_stands_in_a_claims_declaration_with_its_version(tmp_path: Path, own: Measure) -> None:
    case = case_of(Curve(M1_MNIST, LR_BS(), own), holds_if=Rises(factor(2)))
    store = fill(Store(tmp_path), case.runs(HERE))
    fill_measures(store, case.runs(HERE), alone(READING, own.part), lambda _: {"mean_logit": 3.0})
    declaration = judge(case, store, HERE).entry().declaration
    assert own.part in str(declaration)


@pytest.mark.parametrize(("of", "images"), [("test", READING.test_images), ("train", 1024)])
def test_a_share_comes_in_steps_of_one_of_its_images(tmp_path: Path, of: Literal["test", "train"], images: int) -> None:
    """Without the step, seeds that end on the same count would be a certainty."""
    own = measure("a_share", mean_logit, matters=points(2), because="it is a share", of=of, share=True)
    try:
        case = case_of(Curve(M1_MNIST, LR(), own), holds_if=Rises(points(2)))
        store = fill(Store(tmp_path), case.runs(HERE))
        fill_measures(store, case.runs(HERE), alone(READING, own.part), lambda _: {"a_share": 0.5})
        found = judge(case, store, HERE)
        assert found.curves[0].images == images
        assert found.curves[0].sample.step == pytest.approx(100 / images)
        assert found.decision.low < 0 < found.decision.high
        (plain,) = found.entry().curves
        assert not isinstance(plain, str)
        assert plain.chance is None  # ten classes are no matter of its own
    finally:
        del OWN["a_share"], MEASURES["a_share"]
