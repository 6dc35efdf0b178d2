"""The parts of a session: every run is in exactly one, with all that belongs to it."""

import re
from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from planned import every_case
from worlds import READING, conditions

from repro.experiment.readings import of_checkpoints, transfer
from repro.experiment.recipes import SGD
from repro.experiment.tasks import M1_MNIST, STDCNN_FASHION, STDCNN_MNIST
from repro.runs.costs import Costs
from repro.runs.run import Job, Run
from repro.runs.shards import Shard, group_of

FIRST = Run(STDCNN_MNIST, SGD(0.01, 0.0), 64, 0, 2, 1000, "surrogate", "cpu")
READINGS = (READING, of_checkpoints(READING), transfer(READING))
RUNS = st.builds(
    lambda task, size, seed, steps, compressed: replace(
        FIRST, task=task, batch_size=size, seed=seed, steps=steps, compressed=compressed and steps is not None
    ),
    *(st.sampled_from([STDCNN_MNIST, STDCNN_FASHION, M1_MNIST]), st.sampled_from([64, 128, 1024])),
    *(st.integers(0, 7), st.none() | st.integers(1, 30), st.booleans()),
)
JOBS = st.lists(st.builds(Job, RUNS, st.sampled_from(READINGS)), unique=True, max_size=40)
COUNTS = st.integers(1, 12)


def shards(count: int) -> list[Shard]:
    return [Shard(number, count) for number in range(1, count + 1)]


@given(jobs=JOBS, count=COUNTS)
def test_every_run_and_reading_of_it_is_in_exactly_one_part(jobs: list[Job], count: int) -> None:
    parts = [shard.of(jobs) for shard in shards(count)]
    alone = [job for job in jobs if job.kind != "transfer"]
    found = [job for part in parts for job in part]
    assert len(found) == len(set(found))
    assert set(alone) <= set(found) <= set(jobs)
    for run in {job.run.whole for job in alone}:  # with its checkpoints and shorter trainings
        assert sum(any(job.run.whole == run for job in part if job.kind != "transfer") for part in parts) == 1


@given(jobs=JOBS, count=COUNTS)
def test_a_transfer_is_made_where_both_networks_are_and_nowhere_else(jobs: list[Job], count: int) -> None:
    parts = [shard.of(jobs) for shard in shards(count)]
    where = {group_of(job.run): number for number, part in enumerate(parts) for job in part}
    for job in (job for job in jobs if job.kind == "transfer"):
        here = [number for number, part in enumerate(parts) if job in part]
        networks = {where.get(group_of(job.run)), where.get(group_of(job.run.sibling))}
        if here:
            assert networks == {*here}
        elif {group_of(job.run), group_of(job.run.sibling)} <= where.keys():
            assert len(networks) == 2


@given(jobs=JOBS, count=COUNTS, seed=st.randoms(use_true_random=False))
def test_the_division_is_that_of_the_set_of_jobs_alone(jobs: list[Job], count: int, seed: object) -> None:
    mixed = [*jobs]
    seed.shuffle(mixed)  # type: ignore[attr-defined]
    for shard in shards(count):
        assert set(shard.of(mixed)) == set(shard.of(jobs))


@given(job=st.builds(Job, RUNS, st.sampled_from(READINGS)))
def test_seeds_are_paired_from_the_first(job: Job) -> None:
    assume(job.run.seed % 2)
    assert group_of(job.run) == group_of(job.run.sibling) == group_of(replace(job.run, steps=None, compressed=False))


def test_parts_of_the_papers_session_end_at_about_the_same_time_and_keep_its_order() -> None:
    wanted = list(dict.fromkeys(job for case in every_case() for job in case.jobs(conditions(seeds=5))))
    seconds, places = Costs().of(wanted), {job: place for place, job in enumerate(wanted)}
    loads, groups = [], defaultdict[Run, float](float)
    for job in wanted:
        groups[group_of(job.run)] += seconds[job]
    for shard in shards(8):
        mine = shard.of(wanted)
        assert [places[job] for job in mine] == sorted(places[job] for job in mine)
        loads.append(sum(seconds[job] for job in mine))
    assert max(loads) <= sum(groups.values()) / 8 + max(groups.values())  # Graham's bound of a list in any order
    assert max(loads) - min(loads) <= max(groups.values())


@pytest.mark.parametrize("text", ["0/8", "9/8", "3", "3/", "/8", "a/b", "-1/8", "1.0/8", "3/8/9", "", "²/8", " 3/8"])
def test_what_names_no_part_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Shard.read(text)


def test_a_part_is_read_as_it_is_written() -> None:
    assert Shard.read("3/8") == Shard(3, 8)
    assert str(Shard(3, 8)) == "3/8"
