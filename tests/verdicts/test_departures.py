"""Sessions whose training departs from the first reading of the paper: which runs are others, and which stay."""

import itertools
from dataclasses import replace

import pytest
from worlds import conditions, declared

from repro.experiment.recipes import LR
from repro.experiment.tasks import TASKS, Task
from repro.experiment.trained_as import HE, POOL_LAST, SAYS, UNSTANDARDISED, departures
from repro.runs.conditions import Conditions

HERE = conditions()
GREY = {"M1-MNIST", "StdCNN-MNIST", "M1-FashionMNIST", "StdCNN-FashionMNIST"}
CONCERNED = {POOL_LAST: {"C1-CIFAR10"}, HE: set(TASKS), UNSTANDARDISED: GREY}


def key(where: Conditions, task: Task) -> str:
    return where.run(task, LR(), 64, 0).key


@pytest.mark.parametrize("name", SAYS)
def test_a_departure_makes_other_runs_of_the_tasks_that_it_concerns_and_of_no_others(name: str) -> None:
    other = replace(HERE, trained_as=(name,))
    assert {str(task) for task in TASKS.values() if key(other, task) != key(HERE, task)} == CONCERNED[name]


def test_no_two_departures_make_the_same_run() -> None:
    chosen = [names for count in range(4) for names in itertools.combinations(SAYS, count)]
    for name, task in TASKS.items():
        differing = {tuple(n for n in names if name in CONCERNED[n]) for names in chosen}
        keys = {key(replace(HERE, trained_as=names), task) for names in chosen}
        assert len(keys) == len(differing)


def test_the_order_in_which_departures_are_named_makes_no_other_run() -> None:
    for task in TASKS.values():
        orders = itertools.permutations(SAYS)
        assert len({key(replace(HERE, trained_as=names), task) for names in orders}) == 1


def test_a_checkpoint_departs_as_its_run_does() -> None:
    run = replace(HERE, trained_as=(HE,)).run(TASKS["M1-MNIST"], LR(), 64, 0)
    assert run.at(run.amount / 2).trained_as == (HE,)
    assert run.at(run.amount / 2).whole == run


def test_a_departure_changes_how_nothing_is_measured() -> None:
    other = replace(HERE, trained_as=tuple(SAYS))
    for task in TASKS.values():
        assert other.reading(task) == HERE.reading(task)
        assert other.alternatives(task) == HERE.alternatives(task)


def test_every_claim_needs_as_many_runs_however_they_are_trained() -> None:
    other = replace(HERE, trained_as=(HE, UNSTANDARDISED))
    for test in declared():
        for case in test.cases:
            ours, theirs = case.runs(HERE), case.runs(other)
            assert len(ours) == len(theirs)
            assert not set(ours) & set(theirs)
            assert [replace(run, trained_as=()) for run in theirs] == ours


@pytest.mark.parametrize(
    ("trained_as", "text"),
    [
        ((), ""),
        ((HE,), ", trained with he-initialisation"),
        ((POOL_LAST, HE), ", trained with c1-pool-last and he-initialisation"),
    ],
)
def test_what_headings_add(trained_as: tuple[str, ...], text: str) -> None:
    assert departures(trained_as) == text
