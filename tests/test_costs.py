from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.costs import GRADIENTS_PER_SECOND, cpu_seconds, slowest_first, span
from repro.runs import Run
from repro.science.readings import ALL_PARTS, Part, Reading
from repro.science.recipes import LR
from repro.science.tasks import M1_MNIST, RESNET18_CIFAR10, STDCNN_MNIST, TASKS

READING = Reading(test_images=2048, attacked_images=256, pgd_steps=10, hessian_images=256)
RUN = Run(M1_MNIST, LR().sgd(64), 64, 0, 12, 1024, "published", "cpu")


def test_a_cost_counted_by_hand() -> None:
    """StdCNN at 5,500 gradients a second; forward passes cost a third, Hessian-vector products four each."""
    run = replace(RUN, task=STDCNN_MNIST, epochs=10, train_images=3000)
    trained = 10 * 3000
    looked_at = (3000 + 2048) / 3
    attacked = 2 * 256 * (1 + 0.6 * 10)
    curved = 4 * 9 * 256
    instruments = 32 * 15 + 4 * 3 * 256
    total = trained + looked_at + attacked + curved + instruments
    assert cpu_seconds(run, READING) == pytest.approx(total / 5500)


@pytest.mark.parametrize(
    ("more", "of"),
    [
        *(({"epochs": 13}, "run"), ({"train_images": 1025}, "run"), ({"train_images": None}, "run")),
        *(({"task": TASKS["C1-CIFAR10"]}, "run"), ({"task": RESNET18_CIFAR10}, "run")),
        *(({"test_images": 2049}, "reading"), ({"test_images": None}, "reading")),
        *(({"attacked_images": 257}, "reading"), ({"attacked_images": None}, "reading")),
        *(({"pgd_steps": 11}, "reading"), ({"pgd_restarts": 2}, "reading")),
        *(({"hessian_images": 257}, "reading"), ({"hessian_images": None}, "reading")),
    ],
    ids=str,
)
def test_more_work_costs_more(more: dict[str, object], of: str) -> None:
    run, reading = (replace(RUN, **more), READING) if of == "run" else (RUN, replace(READING, **more))
    assert cpu_seconds(run, reading) > cpu_seconds(RUN, READING)


@pytest.mark.parametrize("part", ALL_PARTS)
def test_parts_that_are_not_measured_cost_nothing(part: Part) -> None:
    others = tuple(p for p in ALL_PARTS if p != part)
    alone, rest = (cpu_seconds(RUN, replace(READING, parts=parts)) for parts in ((part,), others))
    assert alone > 0
    assert alone + rest == pytest.approx(cpu_seconds(RUN, READING))


def test_images_that_there_are_not_cost_nothing() -> None:
    assert cpu_seconds(RUN, replace(READING, hessian_images=4096)) == cpu_seconds(
        RUN, replace(READING, hessian_images=1024)
    )


def test_seed_batch_size_and_recipe_cost_nothing() -> None:
    for other in (replace(RUN, seed=1), replace(RUN, batch_size=1024), replace(RUN, sgd=LR(0.9).sgd(64))):
        assert cpu_seconds(other, READING) == cpu_seconds(RUN, READING)


def test_half_the_width_of_resnet18_is_a_quarter_of_the_cost() -> None:
    run = replace(RUN, task=RESNET18_CIFAR10)
    assert cpu_seconds(replace(run, width=32), READING) == pytest.approx(cpu_seconds(run, READING) / 4)


def test_every_task_has_a_rate() -> None:
    assert {task.architecture for task in TASKS.values()} == set(GRADIENTS_PER_SECOND)


JOBS = st.lists(
    st.tuples(
        st.builds(
            lambda task, epochs, seed: replace(RUN, task=task, epochs=epochs, seed=seed),
            st.sampled_from(list(TASKS.values())),
            st.integers(1, 3),
            st.integers(0, 3),
        ),
        st.just(READING),
    ),
    max_size=12,
    unique=True,
)


@given(jobs=JOBS, data=st.data())
def test_slowest_first_is_one_order_of_all_runs_however_they_come(
    jobs: list[tuple[Run, Reading]], data: st.DataObject
) -> None:
    ordered = slowest_first(jobs)
    assert set(ordered) == set(jobs)
    assert len(ordered) == len(jobs)
    costs = [cpu_seconds(*job) for job in ordered]
    assert costs == sorted(costs, reverse=True)
    assert slowest_first(data.draw(st.permutations(jobs))) == ordered


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0 seconds"), (0.4, "0 seconds"), (59, "59 seconds"), (119, "119 seconds")),
        *((120, "2.0 minutes"), (150, "2.5 minutes"), (600, "10 minutes"), (7199, "120 minutes")),
        *((7200, "2.0 hours"), (36_000, "10 hours"), (172_799, "48 hours")),
        *((172_800, "2.0 days"), (8_640_000, "100 days")),
    ],
)
def test_a_duration_is_told_in_the_largest_unit_that_fits_twice(seconds: float, text: str) -> None:
    assert span(seconds) == text
