import math
from dataclasses import replace

import pytest

from repro.experiment.regimes import GRID, LAPTOP, PAPER, QUICK, TRAINED, Regime
from repro.experiment.tasks import M1_MNIST, TASKS, Task


@pytest.mark.parametrize("task", TASKS.values(), ids=str)
def test_the_papers_regime_is_the_papers(task: Task) -> None:
    scale = PAPER.scales[str(task)]
    assert scale.epochs == 100
    assert scale.train_images is None  # whole splits
    assert scale.reading.test_images is None
    assert scale.reading.attacked_images is None
    assert scale.seeds == 5
    assert scale.reading.hessian_images is None or scale.reading.hessian_images >= 4096
    assert scale.width == 64
    assert scale.anchor == 64
    assert (scale.batch_sizes[0], scale.batch_sizes[-1]) == (64, 1024)


def test_the_papers_regime_has_all_six_tasks_and_nothing_else() -> None:
    assert PAPER.name == "paper"
    assert set(PAPER.scales) == set(TASKS)
    assert len(TASKS) == 6


@pytest.mark.parametrize("regime", [PAPER, LAPTOP, QUICK], ids=lambda regime: regime.name)
def test_every_scale_can_be_decided_on(regime: Regime) -> None:
    assert set(regime.scales) <= set(TASKS)
    for scale in regime.scales.values():
        assert scale.seeds >= 2  # one has no interval
        assert len(scale.batch_sizes) >= 2
        assert scale.batch_sizes[0] == scale.anchor  # where LR and LR/BS coincide
        assert list(scale.batch_sizes) == sorted(set(scale.batch_sizes))


def size(count: int | None) -> float:
    return math.inf if count is None else count


@pytest.mark.parametrize("task", list(QUICK.scales))
def test_the_quick_regime_is_no_larger_than_the_laptops_in_any_way_and_that_one_smaller_than_the_papers(
    task: str,
) -> None:
    quick, laptop, paper = (regime.scales[task] for regime in (QUICK, LAPTOP, PAPER))
    for smaller, larger in ((quick, laptop), (laptop, paper)):
        assert size(smaller.train_images) * smaller.epochs <= size(larger.train_images) * larger.epochs
        assert size(smaller.train_images) <= size(larger.train_images)
        assert smaller.seeds <= larger.seeds
        assert smaller.reading.pgd_steps <= larger.reading.pgd_steps
        for name in ("test_images", "attacked_images", "hessian_images"):
            assert size(getattr(smaller.reading, name)) <= size(getattr(larger.reading, name))
    assert laptop.train_images is not None


@pytest.mark.parametrize("regime", [QUICK, LAPTOP], ids=lambda regime: regime.name)
def test_the_regimes_are_those_of_the_tasks_that_can_learn_in_them(regime: Regime) -> None:
    """A task of fewer than 100 images is there so that everything runs; the others' batches are a small part of it."""
    learnt = {name: scale for name, scale in regime.scales.items() if size(scale.train_images) > 100}
    everything = [name for name in TASKS if name != "ResNet18-CIFAR10"]
    assert list(learnt) == (everything if regime is LAPTOP else ["M1-MNIST", "StdCNN-MNIST", "M1-FashionMNIST"])
    for scale in learnt.values():
        assert scale.batch_sizes[-1] <= size(scale.train_images) / 8
        assert scale.seeds >= 3


@pytest.mark.parametrize(
    "changes",
    [{"epochs": 7}, {"seeds": 2}, {"batch_sizes": (64, 1024)}, {"train_images": 500, "epochs": 1}, {"width": 8}],
    ids=lambda changes: "-".join(changes),
)
def test_an_override_replaces_its_fields_in_every_task_and_no_other(changes: dict[str, object]) -> None:
    changed = PAPER.overridden(**changes)
    assert set(changed.scales) == set(PAPER.scales)
    for task, scale in changed.scales.items():
        assert scale == replace(PAPER.scales[task], **changes)
    assert PAPER.scale(M1_MNIST).epochs == 100  # and leaves the regime that it began from alone


def test_an_override_reaches_the_reading_and_none_is_the_whole_split() -> None:
    changed = QUICK.overridden(pgd_steps=40, train_images=None, hessian_images=None).scale(M1_MNIST)
    assert changed.train_images is None
    assert changed.reading == replace(QUICK.scale(M1_MNIST).reading, pgd_steps=40, hessian_images=None)
    assert changed.epochs == QUICK.scale(M1_MNIST).epochs


def test_a_field_that_no_scale_has_is_refused() -> None:
    with pytest.raises(TypeError, match="epoch"):
        PAPER.overridden(epoch=3)


@pytest.mark.parametrize(
    ("regime", "changes", "papers", "title"),
    [
        (PAPER, {"seeds": 2}, True, "paper"),  # fewer seeds make wider intervals, not another experiment
        (PAPER, {"epochs": 100, "batch_sizes": GRID}, True, "paper"),
        (PAPER, {"epochs": 1}, False, "paper, changed by options"),
        (PAPER, {"batch_sizes": (64, 128)}, False, "paper, changed by options"),
        (PAPER, {"train_images": 1000}, False, "paper, changed by options"),
        (PAPER, {"anchor": 64}, True, "paper"),
        (PAPER, {"anchor": 16}, False, "paper, changed by options"),
        (QUICK, {"epochs": 1, "seeds": 1}, False, "quick"),
        (QUICK, {"epochs": 100}, False, "quick"),
    ],
)
def test_only_what_keeps_the_papers_scale_is_called_the_papers(
    regime: Regime, changes: dict[str, object], papers: bool, title: str
) -> None:
    changed = regime.overridden(**changes)
    assert changed.is_papers(M1_MNIST) == papers
    assert changed.title == title


def test_cells_below_85_per_cent_of_their_training_data_are_undertrained() -> None:
    assert TRAINED == 0.85
