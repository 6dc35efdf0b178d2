from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.experiment.readings import ALL_PARTS, Part, Reading, of_checkpoints, transfer
from repro.experiment.recipes import LR
from repro.experiment.tasks import M1_MNIST, RESNET18_CIFAR10, STDCNN_MNIST, TASKS
from repro.runs.costs import costs, job_seconds, measuring_seconds, slowest_first, span, training_seconds
from repro.runs.rates import BUILT_IN, GRADIENTS_PER_SECOND, Rates, Timing
from repro.runs.run import Run
from repro.science.measuring import checks

READING = Reading(test_images=2048, attacked_images=256, pgd_steps=10, hessian_images=256)
RUN = Run(M1_MNIST, LR().sgd(64), 64, 0, 12, 1024, "published", "cpu")


def test_a_cost_counted_by_hand() -> None:
    """StdCNN at 5,500 gradients a second; forward passes cost a third, Hessian-vector products two each."""
    run = replace(RUN, task=STDCNN_MNIST, epochs=10, train_images=3000)
    trained = 10 * 3000
    looked_at = (3000 + 2048) / 3
    attacked = 256 * (2 * (1 + 2 / 3 + 0.6 * 10) + 1)
    curved = 2 * 9 * 256
    instruments = 32 * 15 + 2 * (2 * 256 + 3 * 64)
    total = trained + looked_at + attacked + curved + instruments
    assert job_seconds(run, READING) == pytest.approx(total / 5500)


def rates(**changes: object) -> Rates:
    """A machine on which everything is the built-in StdCNN's, but for what a test says."""
    speed = replace(BUILT_IN.speed("StdCNN", 64), **changes)
    return replace(BUILT_IN, networks={"StdCNN": {64: speed}})


def test_training_costs_its_steps_and_the_smaller_last_one_of_each_epoch() -> None:
    """70 images in batches of 32: two whole ones and one of 6, twice."""
    run = replace(RUN, task=STDCNN_MNIST, epochs=2, train_images=70, batch_size=32)
    step = Timing(((6, 1.0), (32, 10.0)))
    assert training_seconds(run, rates(step=step)) == pytest.approx(2 * (2 * 10 + 1))
    assert training_seconds(replace(run, steps=4), rates(step=step)) == pytest.approx(10 + 10 + 1 + 10)
    assert training_seconds(replace(run, steps=1), rates(step=step)) == pytest.approx(10)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"step": 2}, ()),
        ({"forward": 2}, ("accuracy", "attacks", "transfer")),
        ({"gradient": 2}, ("attacks", "instruments", "transfer")),
        ({"product": 2}, ("curvature", "instruments")),
    ],
    ids=str,
)
def test_each_rate_counts_where_its_work_is_done(changes: dict[str, int], parts: tuple[Part, ...]) -> None:
    run = replace(RUN, task=STDCNN_MNIST)
    slower = rates(**{name: getattr(BUILT_IN.speed("StdCNN", 64), name).scaled(by) for name, by in changes.items()})
    dearer = {
        part
        for part in (*ALL_PARTS, "transfer")
        if measuring_seconds(run, replace(READING, parts=(part,)), slower)
        > measuring_seconds(run, replace(READING, parts=(part,)), BUILT_IN)
    }
    assert dearer == set(parts)


def test_every_reading_has_its_fixed_seconds_and_a_trained_run_those_of_being_kept() -> None:
    run = replace(RUN, task=STDCNN_MNIST)
    fixed, kept = rates(fixed=100.0), rates(kept=100.0)
    assert measuring_seconds(run, READING, fixed) == pytest.approx(measuring_seconds(run, READING) + 100)
    assert measuring_seconds(run, READING, kept) == measuring_seconds(run, READING)
    assert job_seconds(run, READING, kept) == pytest.approx(job_seconds(run, READING) + 100)


def test_products_on_more_images_than_one_graph_is_kept_of_cost_more_each() -> None:
    run, curvature = replace(RUN, train_images=None), replace(READING, parts=("curvature",))
    kept, rebuilt = (measuring_seconds(run, replace(curvature, hessian_images=n)) for n in (512, 1024))
    assert rebuilt == pytest.approx(2 * 1.5 * kept)


def test_what_is_counted_of_the_instruments_is_what_they_do() -> None:
    """One place for each number: both read them from repro.science.measuring.checks."""
    from repro.runs import costs
    from repro.science.measuring import instruments

    for name in ("IMAGES", "CURVED_IMAGES", "SECOND_PRODUCTS"):
        assert getattr(costs, name) == getattr(instruments, name) == getattr(checks, name)


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
    assert job_seconds(run, reading) > job_seconds(RUN, READING)


@pytest.mark.parametrize("part", ALL_PARTS)
def test_parts_that_are_not_measured_cost_nothing(part: Part) -> None:
    others = tuple(p for p in ALL_PARTS if p != part)
    alone, rest = (job_seconds(RUN, replace(READING, parts=parts)) for parts in ((part,), others))
    assert alone > 0
    assert alone + rest == pytest.approx(job_seconds(RUN, READING))


def test_images_that_there_are_not_cost_nothing() -> None:
    assert job_seconds(RUN, replace(READING, hessian_images=4096)) == job_seconds(
        RUN, replace(READING, hessian_images=1024)
    )


def test_seed_batch_size_and_recipe_cost_nothing() -> None:
    for other in (replace(RUN, seed=1), replace(RUN, batch_size=1024), replace(RUN, sgd=LR(0.9).sgd(64))):
        assert job_seconds(other, READING) == job_seconds(RUN, READING)


def test_half_the_width_of_resnet18_is_a_quarter_of_the_cost() -> None:
    run = replace(RUN, task=RESNET18_CIFAR10)
    assert job_seconds(replace(run, width=32), READING) == pytest.approx(job_seconds(run, READING) / 4)


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
    seconds = [job_seconds(*job) for job in ordered]
    assert seconds == sorted(seconds, reverse=True)
    assert slowest_first(data.draw(st.permutations(jobs))) == ordered


LONG, SHORT = replace(RUN, epochs=100), replace(RUN, epochs=1)
CHECKPOINT = replace(RUN, steps=10)


def test_a_stored_run_that_lacks_a_reading_stands_behind_what_takes_longer_than_that_reading() -> None:
    jobs = [(LONG, READING), (SHORT, READING)]
    assert [run for run, _ in slowest_first(jobs)] == [LONG, SHORT]
    assert [run for run, _ in slowest_first(jobs, lambda run: run == LONG)] == [SHORT, LONG]


def test_a_checkpoint_costs_its_own_training_only_where_its_run_is_not_trained_now() -> None:
    at, whole = of_checkpoints(READING), (RUN, READING)
    job = CHECKPOINT, at
    assert costs([whole, job])[job] == measuring_seconds(*job)
    assert costs([whole, job], lambda run: run == RUN)[job] == job_seconds(*job)
    assert costs([job])[job] == job_seconds(*job)
    assert costs([job], lambda run: run == CHECKPOINT)[job] == measuring_seconds(*job)
    assert costs([whole, (RUN, transfer(READING))])[RUN, transfer(READING)] == measuring_seconds(RUN, transfer(READING))


def test_the_order_follows_the_rates_of_the_machine() -> None:
    """Where Hessian-vector products are dear, the run that is measured outlasts the one that is trained longer."""
    run = replace(RUN, task=STDCNN_MNIST, epochs=4)
    jobs = [(replace(run, epochs=40), replace(READING, hessian_images=1)), (run, READING)]
    assert slowest_first(jobs) == jobs
    assert slowest_first(jobs, rates=rates(product=Timing(((1, 1.0),)))) == jobs[::-1]


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
