"""Cohorts: what is stored of runs that are trained side by side, and of those that break there."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from small_runs import DIVERGING, OTHER, READING, RUN, fingerprint, measured
from worlds import prepared

from repro.experiment.recipes import SGD
from repro.experiment.regimes import QUICK
from repro.runs import trainer
from repro.runs.conditions import Conditions
from repro.runs.run import Job, Run
from repro.runs.store import Store
from repro.runs.workshop import Makers, Session, Workshop

pytestmark = pytest.mark.usefixtures("own_threads")


def test_runs_trained_together_are_stored_as_each_is_by_itself(
    store: Store, conditions: Conditions, tmp_path: Path, trainings: list[int]
) -> None:
    alone = prepared(tmp_path / "alone")
    runs = [RUN, replace(RUN, seed=1), replace(DIVERGING, seed=2), replace(RUN, sgd=SGD(0.01, 0.9))]
    checkpoints = {RUN: [replace(RUN, steps=3), replace(RUN, steps=8)]}
    for run in runs:
        trainer.make(run, READING, alone, conditions, checkpoints.get(run, []))
    del trainings[:]
    assert trainer.train_together([(run, checkpoints.get(run, [])) for run in runs], store, conditions) == {}
    for run in [*runs, *checkpoints[RUN]]:
        assert store.weights(run).read_bytes() == alone.weights(run).read_bytes()
        ours, theirs = (dict(where.record(run) or {}, seconds=None) for where in (store, alone))
        assert ours.pop("cohort", None) == (4 if run in runs else None)
        assert ours == theirs
    for run in runs:
        trainer.make(run, READING, store, conditions)
        assert measured(store, run) == measured(alone, run)
    assert trainings == []


def test_a_run_that_breaks_in_a_cohort_is_not_stored_and_loses_no_other(
    store: Store, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, checkpoint = replace(RUN, seed=1), replace(RUN, seed=1, steps=3)
    put = Store.put_run

    def full(where: Store, run: Run, *rest: Any) -> None:
        if run == checkpoint:
            raise OSError("no space left on device")
        put(where, run, *rest)

    monkeypatch.setattr(Store, "put_run", full)
    members = [(RUN, []), (broken, [checkpoint]), (replace(RUN, seed=2), [])]
    broke = trainer.train_together(members, store, conditions)
    assert broke == {broken: "OSError: no space left on device"}
    assert [store.trained(run) for run, _ in members] == [True, False, True]
    for run in (broken, RUN):
        trainer.make(run, READING, store, conditions, broke=broke.get(run))
    assert (store.record(broken) or {})["cohort"] == "broke: OSError: no space left on device"
    assert (store.record(RUN) or {})["cohort"] == 3


def test_a_cohort_that_cannot_even_begin_leaves_each_run_to_be_trained_by_itself(
    store: Store, conditions: Conditions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(trainer, "Training", full)  # ``train`` has its own
    runs = [replace(RUN, seed=seed) for seed in range(2)]
    here = replace(conditions, regime=QUICK.overridden(reading=READING))
    session = Session([Job(run, READING) for run in runs])
    Workshop(store, here, session, Makers(cohort=lambda _: 2)).help_out()
    told = "broke: OutOfMemoryError: CUDA out of memory"
    assert [(store.record(run) or {})["cohort"] for run in runs] == [told, told]
    assert all(store.has(run, READING) for run in runs)


def test_a_session_that_trains_cohorts_comes_to_the_same_measures(
    store: Store, conditions: Conditions, tmp_path: Path, trainings: list[int]
) -> None:
    """On a CPU, where sessions train each run by itself unless they are told."""
    runs = [*(replace(RUN, seed=seed) for seed in range(3)), replace(OTHER, train_images=100)]
    here = replace(conditions, regime=QUICK.overridden(reading=READING))
    sizes, alone = [], prepared(tmp_path / "alone")

    def together(members: Any, *rest: Any) -> dict[Run, str]:
        sizes.append(len(members))
        return trainer.train_together(members, *rest)

    session = Session([Job(run, READING) for run in runs])
    Workshop(alone, here, session, Makers(together=together)).obtain(session.jobs)
    assert (sizes, len(trainings)) == ([], 4)
    Workshop(store, here, session, Makers(together=together, cohort=lambda _: 3)).obtain(session.jobs)
    assert (sizes, len(trainings)) == ([3], 5)
    assert [fingerprint(store, run) for run in runs] == [fingerprint(alone, run) for run in runs]
