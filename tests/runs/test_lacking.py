"""Why what a session needs is not stored: one line for each reason, with how much it is the reason of."""

import importlib.metadata
from dataclasses import replace

import pytest
from worlds import READING, conditions, fill

from repro.experiment.networks import NETWORKS
from repro.experiment.readings import Epsilon, Reading, transfer
from repro.experiment.recipes import LR
from repro.experiment.tasks import M1_MNIST
from repro.runs import run as of_runs
from repro.runs.lacking import reasons
from repro.runs.run import Job, Run
from repro.runs.store import Store

FIRST = conditions().run(M1_MNIST, LR(), 64, 0)
RUNS = [replace(FIRST, seed=seed) for seed in range(4)]
HERE = ".".join(importlib.metadata.version("torch").split(".")[:2])


def lines(store: Store, *runs: Run, reading: Reading = READING) -> list[str]:
    return reasons([Job(run, reading) for run in runs], [run for run in runs if store.trained(run)], store)


def test_what_nobody_made_was_never_made_and_the_commonest_reason_comes_first(store: Store) -> None:
    fill(store, RUNS[:1])
    further = replace(READING, pgd_steps=9)
    never = "missing: 3 measurements never made"
    assert lines(store, *RUNS[1:], reading=further) == [never]
    unlike = "missing: 1 measurement of networks that are trained, measured with pgd steps 4, not 9"
    assert lines(store, *RUNS, reading=further) == [never, unlike]
    assert lines(store) == []


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (replace(READING, test_images=None), "measured with test images 512, not all"),
        (
            replace(READING, given_epsilon=Epsilon(0.1, "pixels"), pgd_steps=8),
            "measured with pgd steps 4, not 8 and epsilon the paper's, not 0.1pixels",
        ),
        (transfer(READING), "never made: transfer"),
    ],
)
def test_of_a_trained_run_it_is_told_how_it_was_measured_instead(store: Store, wanted: Reading, why: str) -> None:
    fill(fill(store, RUNS[:2]), RUNS[:2], reading=replace(READING, pgd_steps=99, hessian_images=1, attacked_images=2))
    assert lines(store, *RUNS[:2], reading=wanted) == [f"missing: 2 measurements of networks that are trained, {why}"]


def test_what_another_version_made_is_told_apart(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    surrogate = replace(FIRST, data="surrogate")
    fill(store, [FIRST, surrogate])
    with monkeypatch.context() as patch:
        patch.setattr(of_runs, "MEASURING_VERSION", of_runs.MEASURING_VERSION + 1)
        assert lines(store, FIRST) == ["missing: 1 measurement measured by another version of the measuring"]
    with monkeypatch.context() as patch:
        patch.setattr(of_runs, "SURROGATE_VERSION", of_runs.SURROGATE_VERSION + 1)
        assert lines(store, surrogate) == ["missing: 1 measurement made by another version of the surrogate"]
    network = NETWORKS["M1"]
    monkeypatch.setitem(NETWORKS, "M1", replace(network, version=network.version + 1))
    assert lines(store, FIRST) == ["missing: 1 measurement made by another version of the network"]


def test_what_another_device_trained_is_told_apart(store: Store) -> None:
    """Which is what a published report's store holds for who forgets its devices."""
    fill(store, RUNS[:2])
    on_gpu = [replace(run, device="cuda") for run in RUNS]
    stored = "missing: 2 measurements of networks that are stored as trained on cpu (--device)"
    assert lines(store, *on_gpu[:2]) == [stored]
    assert lines(store, *on_gpu[:3]) == [stored, "missing: 1 measurement never made"]


def test_trainings_by_another_minor_version_of_torch_are_counted(store: Store) -> None:
    store.prepare()
    for run, torch in zip(RUNS, (f"{HERE}.99+cpu", "2.3.1", "2.3.0+cu121", None), strict=True):
        store.put_run(run, {"torch": torch} if torch else {}, lambda path: path.touch())
    line = f"stored: 2 trainings by torch 2.3, this is {HERE}, which may round differently"
    assert reasons([], RUNS, store) == [line]
    assert reasons([], RUNS[:1], store) == []


def test_a_store_that_is_not_there_lacks_everything_and_one_that_holds_other_things_as_well(store: Store) -> None:
    assert reasons([Job(FIRST, READING)], [], Store(store.root / "none")) == ["missing: 1 measurement never made"]
    fill(store, RUNS[1:2])
    (store.root / "runs" / "a-note").mkdir()
    (store.root / "runs" / "a-note" / "run.json").write_text('{"run": 3}')
    assert lines(store, FIRST) == ["missing: 1 measurement never made"]
