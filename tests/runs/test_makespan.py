"""Jobs beside each other: in which order they are begun, and when the last is done."""

from dataclasses import replace

import pytest
from costed import READING, RUN, STDCNN, whole
from hypothesis import given
from hypothesis import strategies as st
from worlds import same_examples

from repro.experiment.readings import of_checkpoints, transfer
from repro.experiment.recipes import BENCHMARK
from repro.experiment.tasks import TASKS
from repro.runs.costs import Costs, Took, by_run, makespan
from repro.runs.run import Job

JOBS = st.lists(
    st.builds(
        lambda task, epochs, seed: Job(replace(RUN, task=task, epochs=epochs, seed=seed), READING),
        st.sampled_from(list(TASKS.values())),
        st.integers(1, 3),
        st.integers(0, 3),
    ),
    max_size=12,
    unique=True,
)


@given(jobs=JOBS, data=st.data())
@same_examples
def test_the_slowest_stand_first_in_one_order_however_they_come(jobs: list[Job], data: st.DataObject) -> None:
    ordered = Costs().of(jobs)
    assert set(ordered) == set(jobs)
    assert [*ordered.values()] == sorted(ordered.values(), reverse=True)
    assert all(seconds == pytest.approx(whole(*job)) for job, seconds in ordered.items())
    assert [*Costs().of(data.draw(st.permutations(jobs)))] == [*ordered]


LONG, SHORT = replace(RUN, epochs=100), replace(RUN, epochs=1)
CHECKPOINT = replace(RUN, steps=10)


def test_a_stored_run_that_lacks_a_reading_stands_behind_what_takes_longer_than_that_reading() -> None:
    jobs = [Job(LONG, READING), Job(SHORT, READING)]
    assert [job.run for job in Costs().of(jobs)] == [LONG, SHORT]
    assert [job.run for job in Costs().of(jobs, {LONG})] == [SHORT, LONG]


def test_a_checkpoint_costs_its_own_training_only_where_its_run_is_not_trained_now() -> None:
    first, job, further = Job(RUN, READING), Job(CHECKPOINT, of_checkpoints(READING)), Job(RUN, transfer(READING))
    costs = Costs()
    assert costs.of([first, job])[job] == costs.seconds(*job)
    assert costs.of([first, job], {RUN})[job] == whole(*job)
    assert costs.of([job])[job] == whole(*job)
    assert costs.of([job], {CHECKPOINT})[job] == costs.seconds(*job)
    assert costs.of([first, further])[further] == costs.seconds(*further)


def test_a_run_whose_schedule_is_compressed_costs_its_own_training_beside_that_of_the_whole_run() -> None:
    halved = replace(RUN, sgd=BENCHMARK.sgd(RUN.batch_size), epochs=10)
    short = halved.at(halved.amount / 2)
    first, job = Job(halved, READING), Job(short, of_checkpoints(READING))
    assert short.compressed
    assert Costs().of([first, job])[job] == whole(*job)
    assert Costs().of([first, job], {short})[job] == Costs().seconds(*job)


def test_the_order_follows_what_runs_took() -> None:
    """Where it takes long to measure, the run that is measured outlasts the one that is trained longer."""
    trained, measured = replace(STDCNN, epochs=40), replace(STDCNN, epochs=4)
    jobs = [Job(trained, replace(READING, hessian_images=1)), Job(measured, READING)]
    curvature = replace(READING, parts=("curvature",))
    assert [*Costs().of(jobs)] == jobs
    slow: list[Took] = [(STDCNN, None, Costs().seconds(STDCNN)), (STDCNN, curvature, 1000.0)]
    assert [*Costs(slow).of(jobs)] == jobs[::-1]


@given(jobs=JOBS, processes=st.integers(1, 9))
@same_examples
def test_the_end_lies_between_the_lower_bound_and_graham_s(jobs: list[Job], processes: int) -> None:
    """Source of the bounds: Graham 1969, Bounds on multiprocessing timing anomalies."""
    seconds = Costs().of(jobs)
    bound = max(sum(seconds.values()) / processes, max(seconds.values(), default=0.0))
    assert bound * (1 - 1e-9) <= makespan(seconds, processes) <= (2 - 1 / processes) * bound * (1 + 1e-9)


def test_an_end_worked_out_by_hand() -> None:
    first, second, third, fourth = (Job(replace(RUN, seed=seed), READING) for seed in range(4))
    seconds = {first: 4.0, second: 3.0, third: 2.0, fourth: 2.0}
    assert [makespan(seconds, n) for n in (1, 2, 3, 4, 9)] == [11, 6, 4, 4, 4]
    assert makespan({}, 3) == 0


def test_no_number_of_processes_ends_before_all_that_belongs_to_one_run() -> None:
    jobs = [Job(RUN, READING), Job(RUN, transfer(READING)), Job(CHECKPOINT, READING), Job(SHORT, READING)]
    seconds = dict(zip(jobs, (5.0, 2.0, 1.0, 3.0), strict=True))
    assert by_run(seconds) == {RUN: 8.0, SHORT: 3.0}
    assert makespan(seconds, 4) == 8
