"""Looks at what is said of several tasks, which may have different seeds, and of which some decide nothing."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from worlds import conditions, fill, under

from repro.experiment.recipes import LR
from repro.experiment.regimes import Regime
from repro.experiment.tasks import M1_MNIST, STDCNN_MNIST, Task
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.joint import Exists
from repro.verdicts.claim import Case, Claim
from repro.verdicts.curves import FGSM, LAMBDA1, Curve
from repro.verdicts.deciding import judge
from repro.verdicts.entry import Entry
from repro.verdicts.history import decided, looks_before, remember

TASKS = (M1_MNIST, STDCNN_MNIST)
CLAIM = Claim("it-is-somewhere", "1", "It is somewhere.", "", ())
CASE = Case(CLAIM, TASKS, (), tuple((Curve(t, LR(), FGSM), Curve(t, LR(), LAMBDA1)) for t in TASKS), Exists)


def with_seeds(seeds: Mapping[Task, int]) -> Conditions:
    scales = dict(conditions().regime.scales)
    scales |= {str(task): replace(scales[str(task)], seeds=number) for task, number in seeds.items()}
    return under(Regime("laptop", scales))


def unclear(run: Run) -> dict[str, float]:
    """What rises in one seed falls in the next."""
    up = (run.batch_size / 64) ** (-1) ** run.seed
    return {"fgsm_accuracy": 0.3 + 0.1 * up, "lambda1": 20.0 * up}


def session(root: Path, m1: int, stdcnn: int, learnt: bool = True) -> Entry:
    where, store = with_seeds({M1_MNIST: m1, STDCNN_MNIST: stdcnn}), Store(root)
    store.prepare()

    def results(run: Run) -> dict[str, float]:
        return {**unclear(run), "train_accuracy": 0.95 if learnt or run.task == M1_MNIST else 0.5}

    fill(store, [run for run in CASE.runs(where) if store.record(run) is None], results)
    before = looks_before(decided(store), CASE, where)
    (entry,) = remember(store, [judge(CASE, store, where, before=before).entry()], "laptop")
    return entry


def levels(entry: Entry) -> list[float]:
    return [round(look.level, 6) for look in entry.looks]


def test_a_look_is_remembered_though_its_tasks_had_different_numbers_of_seeds(tmp_path: Path) -> None:
    assert levels(session(tmp_path, 5, 4)) == [0.05]
    assert levels(session(tmp_path, 6, 6)) == [0.05, 0.01]


def test_seeds_that_one_task_alone_gains_make_another_look(tmp_path: Path) -> None:
    assert [levels(session(tmp_path, m1, 4)) for m1 in (5, 6, 7)] == [[0.05], [0.05, 0.01], [0.05, 0.01, 0.002]]
    again = session(tmp_path, 7, 4)
    assert levels(again) == [0.05, 0.01, 0.002]
    assert [look.by_task for look in again.looks] == [(5, 4), (6, 4), (7, 4)]


def test_a_look_counts_though_one_task_decided_nothing_for_the_other_might_have_shown_it(tmp_path: Path) -> None:
    """Otherwise each session would look anew at 5%, and the first that found something would count."""
    first = session(tmp_path, 3, 2, learnt=False)
    assert (first.verdict, levels(first)) == ("not learnt", [0.05])
    assert [look.by_task for look in first.looks] == [(3, 2)]
    assert levels(session(tmp_path, 5, 2, learnt=False)) == [0.05, 0.01]


def test_of_a_first_look_nothing_is_said_though_its_tasks_have_different_numbers_of_seeds(tmp_path: Path) -> None:
    assert " seeds of this claim" not in session(tmp_path, 5, 2, learnt=False).evidence


def test_as_many_seeds_of_other_tasks_are_another_look_and_the_first_stays_one(tmp_path: Path) -> None:
    assert levels(session(tmp_path, 2, 6)) == [0.05]
    assert levels(session(tmp_path, 4, 4)) == [0.05, 0.01]
    again = session(tmp_path, 2, 6)
    assert sorted(levels(again)) == [0.01, 0.05]
    assert next(look.level for look in again.looks if look.by_task == (2, 6)) == 0.05
    assert levels(session(tmp_path, 6, 6)) == [0.05, 0.01, 0.002]
