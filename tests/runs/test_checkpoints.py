"""Checkpoints in the store: made on the way of a longer training, the same as if they had been trained alone."""

import json
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from worlds import prepared

from repro.experiment.readings import Reading
from repro.experiment.recipes import BENCHMARK, LR, LR_BS, SGD
from repro.experiment.regimes import QUICK, Regime
from repro.experiment.tasks import C1_CIFAR10, M1_MNIST, STDCNN_MNIST
from repro.runs import trainer
from repro.runs.conditions import Conditions
from repro.runs.run import Job, Run
from repro.runs.store import Record, Store
from repro.runs.workshop import Journal, Makers, Session, Workshop
from repro.science.data import sources, surrogate
from repro.science.data.sources import Source
from repro.science.training.settings import TrainingSettings

pytestmark = pytest.mark.usefixtures("own_threads")

READING = Reading(test_images=40, attacked_images=10, pgd_steps=2, hessian_images=16)
RUN = Run(STDCNN_MNIST, LR_BS(0.9).sgd(32), 32, 0, 2, 200, "surrogate", "cpu")  # 7 steps an epoch, the last of 8 images
HALVED = Run(M1_MNIST, BENCHMARK.sgd(40), 40, 1, 6, 60, "surrogate", "cpu")  # 2 steps an epoch, halved after the fifth
COLOURED = Run(C1_CIFAR10, LR().sgd(32), 32, 0, 2, 70, "surrogate", "cpu")  # 3 steps an epoch; augmented, batch norm


@pytest.fixture(scope="module", autouse=True)
def small_surrogate() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surrogate, "TRAIN", 300)
        patch.setattr(surrogate, "TEST", 60)
        patch.setattr(sources, "SURROGATE_TRAIN", 300)
        yield


@pytest.fixture(scope="module")
def conditions(tmp_path_factory: pytest.TempPathFactory) -> Conditions:
    """The surrogates with a few hundred images."""
    folder = tmp_path_factory.mktemp("surrogate")
    for name in ("MNIST", "CIFAR10"):
        surrogate.surrogate(name, folder)
    return here(folder)


def here(folder: Path) -> Conditions:
    regime = Regime("small", {task: replace(scale, reading=READING) for task, scale in QUICK.scales.items()})
    return Conditions(regime, {name: Source(name, "surrogate", folder) for name in ("MNIST", "CIFAR10")}, "cpu")


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The steps of the trainings that were begun."""
    begun: list[int | None] = []
    train = trainer.train

    def counted(model: Any, images: Any, labels: Any, settings: TrainingSettings, **further: Any) -> Any:
        begun.append(settings.steps)
        return train(model, images, labels, settings, **further)

    monkeypatch.setattr(trainer, "train", counted)
    return begun


def record(store: Store, run: Run) -> Record:
    found = store.record(run)
    assert found is not None
    return found


def kept(store: Store, run: Run) -> tuple[bytes, Record, Record | None]:
    """All that is stored of a run but how long it took."""
    measures = store.measures(run, READING)
    return (
        store.weights(run).read_bytes(),
        {**record(store, run), "seconds": None},
        measures and {**measures, "seconds": None},
    )


# --- from training to the store ---


@pytest.mark.parametrize(
    ("run", "steps"),
    [(RUN, (1, 7, 10)), (HALVED, (3, 10, 11)), (COLOURED, (2, 3))],
    ids=["momentum", "halved", "batch"],
)
def test_a_checkpoint_is_stored_as_if_it_had_been_trained_alone(
    store: Store, conditions: Conditions, tmp_path: Path, trainings: list[int | None], run: Run, steps: tuple[int, ...]
) -> None:
    checkpoints = [replace(run, steps=step) for step in steps]
    trainer.make(run, READING, store, conditions, checkpoints)
    for checkpoint in checkpoints:
        trainer.make(checkpoint, READING, store, conditions)
    assert trainings == [None]
    alone = prepared(tmp_path / "alone")
    for one in (run, *checkpoints):
        trainer.make(one, READING, alone, conditions)
        assert kept(store, one) == kept(alone, one)
        assert (record(store, one)["seconds"] is None) is (one in checkpoints)  # it took no time of its own
    assert trainings == [None, None, *steps]
    assert len({store.weights(one).read_bytes() for one in (run, *checkpoints)}) == 1 + len(steps)


@pytest.mark.parametrize("run", [RUN, HALVED, COLOURED, replace(RUN, train_images=None, batch_size=64)], ids=str)
def test_a_run_knows_beforehand_what_its_record_will_say(store: Store, conditions: Conditions, run: Run) -> None:
    """Steps and T, with a smaller last batch in every epoch; 275 images where nothing is said of their number."""
    for one in (run, *(replace(run, steps=run.steps_per_epoch + 1, compressed=short) for short in (False, True))):
        trainer.make(one, replace(READING, parts=("accuracy",)), store, conditions)
        assert record(store, one)["run"] == one.spec
        assert record(store, one)["steps"] == one.last_step
        assert record(store, one)["training_amount"] == one.amount


def test_a_run_whose_schedule_is_compressed_is_trained_by_itself_and_is_no_state_of_the_whole_one(
    store: Store, conditions: Conditions, trainings: list[int | None]
) -> None:
    short = HALVED.at(HALVED.amount / 2)
    jobs = [Job(run, conditions.reading_of(run)) for run in (HALVED, short, replace(HALVED, steps=short.last_step))]
    Workshop(store, conditions, Session(jobs)).obtain(jobs)
    assert trainings == [None, short.last_step]
    assert record(store, short)["seconds"] is not None
    assert store.measures(short, conditions.reading_of(short)) is not None
    assert "instruments" not in conditions.reading_of(short).parts
    assert len({store.weights(run).read_bytes() for run, _ in jobs}) == 3


def test_a_stored_run_whose_checkpoint_is_lost_is_not_trained_anew(
    store: Store, conditions: Conditions, trainings: list[int | None]
) -> None:
    checkpoint = replace(RUN, steps=3)
    trainer.make(RUN, READING, store, conditions, [checkpoint])
    before = store.weights(checkpoint).read_bytes()
    store.weights(checkpoint).write_bytes(before[:-10])
    trainer.make(checkpoint, READING, store, conditions)
    assert trainings == [None, 3]
    assert store.weights(checkpoint).read_bytes() == before


def test_a_run_that_diverges_leaves_a_sound_checkpoint_from_before(store: Store, conditions: Conditions) -> None:
    """And one that says so from after; one that training did not come to is made alone, and diverges there."""
    diverging = replace(RUN, sgd=SGD(1e4, 0.0))
    sound, lost, beyond = (replace(diverging, steps=steps) for steps in (1, 6, 13))
    trainer.make(diverging, READING, store, conditions, [sound, lost, beyond])
    assert store.record(beyond) is None
    for one in (sound, lost, beyond):
        trainer.make(one, READING, store, conditions)
    told = [
        (record(store, one)["diverged"], record(store, one)["diverged_at"], record(store, one)["steps"])
        for one in (diverging, sound, lost, beyond)
    ]
    assert told == [(True, 1, 7), (False, None, 1), (True, 1, 6), (True, 1, 7)]
    assert all(torch.isfinite(value).all() for value in load_file(store.weights(sound)).values())
    found = {one: store.measures(one, READING) for one in (diverging, sound, lost, beyond)}
    assert [one for one, measures in found.items() if measures and measures["measures"]] == [sound]


# --- who makes them ---

CHECKPOINTS = [replace(RUN, steps=steps) for steps in (3, 7)]
JOBS = [Job(run, READING) for run in (RUN, *CHECKPOINTS)]  # as a plan has them: the slowest first


class Oven:
    """What makes runs, and remembers which and with which checkpoints."""

    def __init__(self) -> None:
        self.made: list[tuple[Run, list[Run]]] = []

    def __call__(
        self, run: Run, reading: Reading, store: Store, _: Conditions, checkpoints: Sequence[Run], broke: str | None
    ) -> None:
        assert broke is None
        self.made.append((run, [*checkpoints]))
        for one in (run, *checkpoints):
            store.put_run(one, {}, lambda path: path.touch())
        store.put_measures(run, reading, {})


def shop(store: Store, make: Any, session: Sequence[Job] = ()) -> Workshop:
    return Workshop(store, here(Path()), Session(session), Makers(make))


def test_a_run_is_made_before_its_checkpoints_and_with_all_that_the_session_wants(store: Store) -> None:
    for work in (lambda shop: shop.obtain(JOBS[::-1]), lambda shop: shop.help_out()):
        oven, place = Oven(), prepared(store.root / str(id(work)))
        work(shop(place, oven, JOBS))
        assert oven.made[0][0] == RUN
        assert set(oven.made[0][1]) == set(CHECKPOINTS)
        assert sorted(oven.made[1:], key=lambda made: made[0].last_step) == [(one, []) for one in CHECKPOINTS]


def test_the_checkpoints_of_another_seed_are_left_to_its_own_training(store: Store) -> None:
    oven, other = Oven(), replace(RUN, seed=1)
    session = [*JOBS, Job(other, READING), Job(replace(other, steps=5), READING)]
    shop(store, oven, session).help_out()
    made = dict(oven.made)
    assert set(made[RUN]) == set(CHECKPOINTS)
    assert made[other] == [replace(other, steps=5)]


def test_while_another_process_makes_a_run_its_checkpoints_are_left_alone(store: Store) -> None:
    oven, other = Oven(), replace(RUN, seed=1)
    with store.claimed(RUN):
        shop(store, oven, [*JOBS, Job(other, READING)]).help_out()
    assert [run for run, _ in oven.made] == [other]


def test_while_a_checkpoint_is_made_no_other_process_makes_its_run(store: Store) -> None:
    seen: list[bool] = []

    def make(run: Run, reading: Reading, store: Store, *rest: Any) -> None:
        with Store(store.root).claimed(RUN) as free:
            seen.append(free)
        Oven()(run, reading, store, *rest)

    shop(store, make).obtain(JOBS[1:2])
    assert seen == [False]


def share(root: Path, folder: Path, name: str, ready: Any) -> None:
    journal = Journal(root / "journal.jsonl", name)
    ready.wait()
    Workshop(Store(root), here(folder), Session(JOBS, journal=journal)).obtain(JOBS)


def test_two_processes_train_a_run_and_its_checkpoints_once(
    store: Store, conditions: Conditions, tmp_path: Path
) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready, folder = spawn.Barrier(2), conditions.sources["MNIST"].root
    processes = [spawn.Process(target=share, args=(store.root, folder, name, ready)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    events = [json.loads(line) for line in (store.root / "journal.jsonl").read_text().splitlines()]
    begun = [event["run"] for event in events if event["event"] == "begin"]
    assert begun[0] == RUN.key
    assert sorted(begun) == sorted(run.key for run, _ in JOBS)
    assert record(store, RUN)["seconds"] is not None
    assert [record(store, one)["seconds"] for one in CHECKPOINTS] == [None, None]  # none was trained by itself
    alone = prepared(tmp_path / "alone")
    for one in (RUN, *CHECKPOINTS):
        trainer.make(one, READING, alone, conditions)
        assert kept(store, one) == kept(alone, one)
