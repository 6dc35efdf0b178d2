"""A training whose process is killed goes on where it was, and ends in the very bits of one that was left alone."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from small_runs import READING, RUN, fingerprint
from worlds import prepared

from repro.experiment.recipes import BENCHMARK
from repro.runs import trainer, unfinished
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.runs.unfinished import Unfinished
from repro.science.training.training import State, Training

pytestmark = pytest.mark.usefixtures("own_threads")

ROOT = Path(__file__).parents[3]
LONG = replace(RUN, epochs=12, sgd=BENCHMARK.sgd(32))  # with momentum and a rate that decays, and the network's dropout
STATES = "unfinished-*"


@pytest.fixture(autouse=True)
def states_of_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished, "EVERY", 0.0)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the steps that are taken in this process."""
    taken: list[int] = []
    real = Training.advance

    def advance(training: Training) -> bool:
        goes_on = real(training)
        taken.append(training.steps)
        return goes_on

    monkeypatch.setattr(Training, "advance", advance)
    return taken


def killed(store: Store, conditions: Conditions, run: Run, when: Callable[[], bool]) -> None:
    """Have a process of its own make the run, and kill it."""
    data = conditions.sources["MNIST"].root
    script = f"""
from pathlib import Path
from repro.experiment.readings import Reading
from repro.experiment.regimes import QUICK
from repro.runs import trainer, unfinished
from repro.runs.conditions import Conditions
from repro.runs.run import from_spec
from repro.runs.store import Store
from repro.science.data.sources import Source
unfinished.EVERY = 0.0
where = Conditions(QUICK, {{"MNIST": Source("MNIST", "surrogate", Path({str(data)!r}))}}, "cpu")
trainer.make(from_spec({run.spec!r}), Reading(40, 20, 3, 32), Store(Path({str(store.root)!r})), where)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", script], env=environment) as process:
        for _ in range(60_000):
            if when() or process.poll() is not None:
                break
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it was too fast to be killed"
    assert store.record(run) is None


def states(store: Store, run: Run) -> list[Path]:
    return [*store.weights(run).parent.glob(STATES)]


def test_a_run_whose_process_was_killed_goes_on_and_ends_in_the_same_bits(
    store: Store, conditions: Conditions, tmp_path: Path, steps: list[int]
) -> None:
    undisturbed = prepared(tmp_path / "undisturbed")
    trainer.make(LONG, READING, undisturbed, conditions)
    every = [*steps]
    assert states(undisturbed, LONG) == []
    for _ in range(2):  # killed twice
        before = {path.name for path in states(store, LONG)}
        killed(store, conditions, LONG, lambda before=before: {p.name for p in states(store, LONG)} - before)
    steps.clear()
    trainer.make(LONG, READING, store, conditions)
    assert 0 < len(steps) < len(every)
    assert steps == every[-len(steps) :]
    assert fingerprint(store, LONG) == fingerprint(undisturbed, LONG)
    one, other = (found.record(LONG) or {} for found in (store, undisturbed))
    for record in (one, other):
        assert record.pop("seconds") > 0
    assert one == other
    assert states(store, LONG) == []


@pytest.mark.parametrize("harm", ["flip", "cut", "other run", "other torch", "other processor"])
def test_a_state_that_cannot_be_believed_is_passed_over(
    store: Store, conditions: Conditions, steps: list[int], monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    killed(store, conditions, LONG, lambda: bool(states(store, LONG)))
    run = LONG
    (path,) = states(store, LONG)
    match harm:
        case "flip":
            content = bytearray(path.read_bytes())
            content[-1000] ^= 1
            path.write_bytes(content)
        case "cut":
            path.write_bytes(path.read_bytes()[:-10])
        case "other run":
            run = replace(LONG, seed=5)
            store.weights(run).parent.mkdir()
            path.rename(store.weights(run).parent / path.name)
        case "other torch":
            monkeypatch.setattr(unfinished.torch, "__version__", "1.0")
        case "other processor":  # which rounds otherwise: the run would end in the bits of neither
            monkeypatch.setattr(unfinished, "processor", lambda: "another one")
    trainer.make(run, READING, store, conditions)
    assert steps[0] == 1
    assert states(store, run) == []


def test_a_checkpoint_that_is_wanted_and_lies_behind_is_trained_for_from_the_first_step(
    store: Store, conditions: Conditions, steps: list[int]
) -> None:
    killed(store, conditions, LONG, lambda: bool(states(store, LONG)))
    early = replace(LONG, steps=2)
    trainer.make(LONG, READING, store, conditions, [early])
    assert steps[0] == 1
    assert store.trained(early)


def test_a_disk_without_room_for_a_state_ends_no_training(store: Store, conditions: Conditions, tmp_path: Path) -> None:
    """A state has the momenta, too: it takes twice the room of the weights that the run ends with."""
    other = prepared(tmp_path / "other")
    trainer.make(LONG, READING, other, conditions)
    room = other.weights(LONG).stat().st_size * 3 // 2
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        trainer.make(LONG, READING, store, conditions)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert fingerprint(store, LONG) == fingerprint(other, LONG)
    assert not [*store.weights(LONG).parent.glob(".writing-*")]


def test_a_state_is_kept_a_minute_after_the_last_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfinished, "EVERY", 60.0)
    now, asked = [0.0], []

    def state() -> State:
        asked.append(now[0])
        return State(len(asked), (), {})

    monkeypatch.setattr(unfinished.time, "perf_counter", lambda: now[0])
    kept = Unfinished(store, LONG)
    for now[0] in (30.0, 61.0, 90.0, 122.0):
        kept.keep(state)
    assert asked == [61.0, 122.0]
    assert len(states(store, LONG)) == 1


def test_the_furthest_of_several_states_is_taken_up(store: Store) -> None:
    for steps in (5, 9, 7):
        kept = Unfinished(store, LONG)
        kept.keep(lambda steps=steps: State(steps, (), {}))
        for path in states(store, LONG):
            path.rename(store.root / path.name)
    for path in store.root.glob(STATES):
        path.rename(store.weights(LONG).parent / path.name)
    found = Unfinished(store, LONG).found()
    assert found is not None
    assert found.steps == 9
