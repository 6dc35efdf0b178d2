"""Whether each task trains, measures and is stored on the device at all, and in the same weights however it is taken.

Random pixels, a few steps: what breaks here breaks a session. The last batch of an epoch is a smaller one.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from repro.experiment.precisions import FLOAT32, SAYS, TF32
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

from .gpu_tools import Eager, NotMeasuredError, Row, Setting, guarded, histories, network, source, training

BATCH_SIZE, EPOCHS = 64, 2
READING = Reading(None, 64, 8, 128)
SMALL = Reading(8, 4, 2, 4)


def tasks(setting: Setting, _: Row) -> Row:
    """Float32 of every task first, then what is measured, then the store, then lower precision."""
    cases: list[tuple[Task, str, Callable[[], Row]]] = []
    cases += [(task, f"trains in {FLOAT32}", partial(_trains, setting, task, FLOAT32)) for task in TASKS.values()]
    cases += [(task, "is measured", partial(_measured, setting, task)) for task in TASKS.values()]
    cases += [(task, "is stored", partial(_stored, setting, task)) for task in (STDCNN_MNIST, C1_CIFAR10)]
    cases += [
        (task, f"trains in {name}", partial(_trains, setting, task, name))
        for name in SAYS
        if name != FLOAT32
        for task in TASKS.values()
        if task.dataset.name != "FashionMNIST"  # networks as on MNIST
    ]
    return {"rows": [guarded(setting, {"task": str(task), "what": what}, work) for task, what, work in cases]}


def _pixels(setting: Setting, task: Task) -> Split:
    count = 70 if setting.small else 5 * BATCH_SIZE - 20
    generator = torch.Generator().manual_seed(0)
    shape = (count, task.dataset.channels, task.dataset.side, task.dataset.side)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    return Split(images, torch.arange(count) % 10)


def _trains(setting: Setting, task: Task, precision: str) -> Row:
    """As it is done in a session, again, step by step, and beside another: differences of weights and losses."""
    if precision == TF32 and not setting.cuda:
        raise NotMeasuredError("needs CUDA")
    data = _pixels(setting, task).part(device=setting.device)

    def trained(*further: Row) -> list[tuple[list[Tensor], History]]:
        given = {"epochs": EPOCHS, "precision": precision}
        runs = [training(setting, task, data, BATCH_SIZE, **{**given, **each}) for each in further]
        ends = histories(train_cohort(runs))
        return [([*run.model.state_dict().values()], end) for run, end in zip(runs, ends, strict=True)]

    with numerics(precision):
        ((ours, history),), ((again, _),), ((bare, eager),) = trained({}), trained({}), trained({"recorder": Eager()})
        beside = trained({}, {"seed": 1})[0][0]
    losses = zip(history.losses, eager.losses, strict=True)
    return {
        "execution": history.execution,
        "same_weights_twice": _same(ours, again),
        "same_weights_eager": _same(ours, bare),
        "same_weights_in_a_cohort": _same(ours, beside),
        "largest_loss_difference": max(abs(a - b) / abs(b) for a, b in losses),
    }


def _same(ours: list[Tensor], theirs: list[Tensor]) -> bool:
    return all(map(torch.equal, ours, theirs))


def _measured(setting: Setting, task: Task) -> Row:
    split = _pixels(setting, task)
    model = network(setting, task)
    with numerics(FLOAT32):
        reading = SMALL if setting.small else READING
        found = measure(model, task.dataset, Data(split, split, split), None, reading)
    instruments = found.pop("instruments")
    return {"measures": len(found) + len(instruments), "lambda1": found["lambda1"], "pgd": found["pgd_accuracy"]}


def _stored(setting: Setting, task: Task) -> Row:
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
