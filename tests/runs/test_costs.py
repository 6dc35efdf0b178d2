"""What runs cost by the table: the work that is counted, and the rates that price it."""

from dataclasses import replace

import pytest
from costed import READING, RUN, STDCNN, whole

from repro.experiment.readings import ALL_PARTS, Part
from repro.experiment.recipes import LR
from repro.experiment.tasks import C1_CIFAR10, RESNET18_CIFAR10, STDCNN_MNIST, TASKS
from repro.runs import costs as module
from repro.runs.costs import Costs
from repro.runs.rates import BUILT_IN
from repro.science.measuring import checks, instruments


def test_a_cost_counted_by_hand() -> None:
    """StdCNN at 5,500 gradients a second; a step costs ten, a forward pass a third, a Hessian-vector product two."""
    run = replace(RUN, task=STDCNN_MNIST, epochs=10, train_images=3000)
    trained = 10 * (3000 + 47 * 10)
    looked_at = (3000 + 2048) / 3
    attacked = 256 * (1 + 1.4 * (1 + 0.6 * 10) + 4 / 3)
    curved = 2 * 9 * 256
    instruments = 32 * 12 + 2 * (2 * 256 + 3 * 256)
    total = trained + looked_at + attacked + curved + instruments
    assert whole(run, READING) == pytest.approx(total / 5500)


def priced(**seconds: float) -> Costs:
    """A machine on which everything is the built-in StdCNN's, but for what a test says."""
    return Costs(speeds={"StdCNN": replace(BUILT_IN["StdCNN"], **seconds)})


def test_a_step_costs_something_of_its_own_and_something_for_each_image() -> None:
    """70 images in batches of 32: two whole ones and one of 6, twice."""
    run, costs = replace(STDCNN, epochs=2, train_images=70, batch_size=32), priced(step=100.0, sample=1.0)
    assert costs.seconds(run) == pytest.approx(6 * 100 + 140)
    assert costs.seconds(replace(run, steps=4)) == pytest.approx(4 * 100 + 70 + 32)
    assert costs.seconds(replace(run, width=32)) == pytest.approx(6 * 100 + 140 / 4)


@pytest.mark.parametrize(
    ("rate", "parts"),
    [
        ("step", ()),
        ("forward", ("accuracy", "attacks", "transfer")),
        ("gradient", ("attacks", "instruments", "transfer")),
        ("product", ("curvature", "instruments")),
    ],
)
def test_each_rate_counts_where_its_work_is_done(rate: str, parts: tuple[Part, ...]) -> None:
    slower = priced(**{rate: 2 * getattr(BUILT_IN["StdCNN"], rate) + 1})
    readings = {part: replace(READING, parts=(part,)) for part in (*ALL_PARTS, "transfer")}
    dearer = {part for part, one in readings.items() if slower.seconds(STDCNN, one) > Costs().seconds(STDCNN, one)}
    assert dearer == set(parts)


def test_products_on_more_images_than_one_graph_is_kept_of_cost_more_each() -> None:
    run, curvature = replace(RUN, train_images=None), replace(READING, parts=("curvature",))
    kept, rebuilt = (Costs().seconds(run, replace(curvature, hessian_images=n)) for n in (512, 1024))
    assert rebuilt == pytest.approx(2 * 1.5 * kept)


def test_what_is_counted_of_the_instruments_is_what_they_do() -> None:
    """One place for each number: both read them from repro.science.measuring.checks."""
    for name in ("IMAGES", "SECOND_PRODUCTS"):
        assert getattr(module, name) == getattr(instruments, name) == getattr(checks, name)


@pytest.mark.parametrize(
    ("more", "of"),
    [
        *(({"epochs": 13}, "run"), ({"train_images": 1025}, "run"), ({"train_images": None}, "run")),
        *(({"task": C1_CIFAR10}, "run"), ({"task": RESNET18_CIFAR10}, "run")),
        *(({"test_images": 2049}, "reading"), ({"test_images": None}, "reading")),
        *(({"attacked_images": 257}, "reading"), ({"attacked_images": None}, "reading")),
        *(({"pgd_steps": 11}, "reading"), ({"pgd_restarts": 2}, "reading")),
        *(({"hessian_images": 257}, "reading"), ({"hessian_images": None}, "reading")),
    ],
    ids=str,
)
def test_more_work_costs_more(more: dict[str, object], of: str) -> None:
    run, reading = (replace(RUN, **more), READING) if of == "run" else (RUN, replace(READING, **more))
    assert whole(run, reading) > whole(RUN, READING)


@pytest.mark.parametrize("part", ALL_PARTS)
def test_parts_that_are_not_measured_cost_nothing(part: Part) -> None:
    others = tuple(p for p in ALL_PARTS if p != part)
    alone, rest = (Costs().seconds(RUN, replace(READING, parts=parts)) for parts in ((part,), others))
    assert alone > 0
    assert alone + rest == pytest.approx(Costs().seconds(RUN, READING))


def test_images_that_there_are_not_cost_nothing() -> None:
    assert whole(RUN, replace(READING, hessian_images=4096)) == whole(RUN, replace(READING, hessian_images=1024))


def test_seed_and_recipe_cost_nothing_by_the_table_and_smaller_batches_cost_their_steps() -> None:
    for other in (replace(RUN, seed=1), replace(RUN, sgd=LR(0.9).sgd(64))):
        assert whole(other, READING) == whole(RUN, READING)
    costs, smaller = Costs(), replace(RUN, batch_size=16)
    more = 14 * (smaller.last_step - RUN.last_step) / 1300
    assert costs.seconds(smaller) == pytest.approx(costs.seconds(RUN) + more)
    assert costs.seconds(smaller, READING) == costs.seconds(RUN, READING)


def test_half_the_width_of_resnet18_is_a_quarter_of_what_an_image_costs() -> None:
    run, costs = replace(RUN, task=RESNET18_CIFAR10), Costs()
    narrow = replace(run, width=32)
    assert costs.seconds(narrow, READING) == pytest.approx(costs.seconds(run, READING) / 4)
    steps = run.last_step * BUILT_IN["ResNet18"].step
    assert costs.seconds(narrow) - steps == pytest.approx((costs.seconds(run) - steps) / 4)


def test_every_network_of_the_paper_has_built_in_rates() -> None:
    assert {task.architecture for task in TASKS.values()} == set(BUILT_IN)
