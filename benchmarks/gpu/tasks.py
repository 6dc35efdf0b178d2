"""Whether each task trains, measures and is stored on the device at all, in the same weights however it is taken.

Random pixels, a few steps: what breaks here breaks a session. The last batch of an epoch is a smaller one.
"""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from repro.experiment.precisions import FLOAT32, SAYS
from repro.experiment.readings import Reading
from repro.experiment.recipes import LR
from repro.experiment.regimes import QUICK
from repro.experiment.tasks import C1_CIFAR10, STDCNN_MNIST, TASKS, Task
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.runs.trainer import make, train_together
from repro.science.computing.numerics import numerics
from repro.science.data.splits import Data, Split
from repro.science.measuring.measures import measure
from repro.science.training.cohorts import train_cohort
from repro.science.training.training import History

from ..speed.networks import source
from .tools import (
    BATCH_SIZE,
    OF_ARCHITECTURE,
    Case,
    Eager,
    Known,
    NotMeasuredError,
    Row,
    Setting,
    histories,
    made_up,
    network,
    on_device,
    training,
)

EPOCHS: Final = 2
READING: Final = Reading(None, 64, 8, 128)
SMALL: Final = Reading(8, 4, 2, 4)


def tasks(setting: Setting, _: Known) -> Iterator[Case]:
    """Float32 of every task first, then what is measured, the store, and lower precision."""
    everywhere = TASKS.values()
    yield from (_case(task, f"trains in {FLOAT32}", _trains, setting, FLOAT32) for task in everywhere)
    yield from (_case(task, "is measured", _measured, setting) for task in everywhere)
    yield from (_case(task, "is stored", _stored, setting) for task in (STDCNN_MNIST, C1_CIFAR10))
    for name in SAYS:
        if name != FLOAT32:
            yield from (_case(task, f"trains in {name}", _trains, setting, name) for task in OF_ARCHITECTURE.values())


def _case(task: Task, what: str, work: Callable[..., Row], *arguments: object) -> Case:
    return Case({"task": str(task), "what": what}, partial(work, task, *arguments))


def _pixels(setting: Setting, task: Task) -> Split:
    return made_up(task, 70 if setting.small else 5 * BATCH_SIZE - 20)


def _trains(task: Task, setting: Setting, precision: str) -> Row:
    """As it is done in a session, again, step by step, and beside another: differences of weights and losses."""
    if not setting.can(precision):
        raise NotMeasuredError("needs CUDA")
    data = on_device(setting, _pixels(setting, task))

    def trained(*further: Row) -> tuple[list[Tensor], History]:
        given = {"epochs": EPOCHS, "precision": precision}
        runs = [training(setting, task, data, **{**given, **each}) for each in further]
        ends = histories(train_cohort(runs))
        return [*runs[0].model.state_dict().values()], ends[0]

    with numerics(precision):
        (ours, history), (again, _), (bare, eager) = trained({}), trained({}), trained({"recorder": Eager()})
        beside, _ = trained({}, {"seed": 1})
    losses = zip(history.losses, eager.losses, strict=True)
    return {
        "execution": history.execution,
        "same_weights_twice": all(map(torch.equal, ours, again)),
        "same_weights_eager": all(map(torch.equal, ours, bare)),
        "same_weights_in_a_cohort": all(map(torch.equal, ours, beside)),
        "largest_loss_difference": max(abs(a - b) / abs(b) for a, b in losses),
    }


def _measured(task: Task, setting: Setting) -> Row:
    split, model = _pixels(setting, task), network(setting, task)
    reading = SMALL if setting.small else READING
    with numerics(FLOAT32):
        found = measure(model, task.dataset, Data(split, split, split), None, reading)
    instruments = found.pop("instruments")
    return {"measures": len(found) + len(instruments), "lambda1": found["lambda1"], "pgd": found["pgd_accuracy"]}


def _stored(task: Task, setting: Setting) -> Row:
    """Two runs trained side by side as a session does, one of them measured from what was stored."""
    chosen, count = source(task.dataset.name), 70 if setting.small else 500
    run = Run(task, LR().sgd(BATCH_SIZE), BATCH_SIZE, 0, 1, count, chosen.kind, setting.device.type)
    conditions = Conditions(QUICK, {task.dataset.name: chosen}, setting.device.type)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.prepare()
        if broken := train_together([(run, ()), (run.sibling, ())], store, conditions):
            raise RuntimeError(f"in a cohort, {next(iter(broken.values()))}")
        reading = SMALL if setting.small else READING
        make(run, reading, store, conditions)
        record, found = store.record(run), store.measures(run, reading)
    assert record is not None
    assert found is not None
    return {"execution": record["execution"], "measures": len(found["measures"]), "data": chosen.kind}
