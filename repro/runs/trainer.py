"""One run from its spec to the store: data, network, training, measures."""

import math
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ..errors import WeightsError, named_line
from ..experiment.precisions import FLOAT32
from ..experiment.readings import Reading
from ..experiment.tasks import Task
from ..science.attacks.accuracy import transfer_accuracy
from ..science.computing.inputs import NotFiniteError, channels_last, preferred_layout
from ..science.computing.memory import GPU_SHARE, give_back_freed_memory, keep_freed_memory
from ..science.computing.numerics import numerics
from ..science.data.splits import Data, load
from ..science.measuring.instruments import OF_CHECKS
from ..science.measuring.measures import measure
from ..science.networks.models import build
from ..science.training.cohorts import train_cohort
from ..science.training.training import History, Training, train
from .conditions import Conditions
from .hardware import processor
from .run import Job, Run
from .store import WEIGHTS_FILE, Store
from .unfinished import Unfinished


def make(
    run: Run,
    reading: Reading,
    store: Store,
    conditions: Conditions,
    checkpoints: Sequence[Run] = (),
    broke: str | None = None,
) -> None:
    """Train a run unless it is stored, and measure it under a reading. The caller holds the run's lock.

    WeightsError: it is stored without its weights, or its sibling is, and the reading needs them.

    ``checkpoints``: earlier states of the run that will be wanted too; where it is trained, they are stored on the way.
    ``broke``: why it could not be trained in a cohort, where that was tried; the record of its training tells.

    One thread: the order of a sum decides its last bits, so more threads would make a run depend on the machine's load,
    and one process a core trains the sweep faster than one process with several threads.
    """
    prepare()
    data = load(conditions.sources[run.task.dataset.name])
    _turn_to(run.task)
    model = build(run.task, run.seed, run.width, run.trained_as).to(run.device)
    record = store.record(run)
    if record is None or not (record["diverged"] or _restored(model, run, store)):
        pixels = data.train.part(run.train_images, run.device)
        with numerics(run.precision):
            unfinished = Unfinished(store, run)
            record = _train(run, model, *pixels, _storing(checkpoints, model, store), unfinished)
        if broke is not None:
            record["cohort"] = f"broke: {broke}"[:300]
        store.put_run(run, record, lambda path: _save(model, path))
        unfinished.remove()
    began = time.perf_counter()
    found: dict[str, Any] = {}
    if not record["diverged"]:
        channels_last(model, *data.test.part(2, run.device))  # as far as it takes its images so
        with numerics(FLOAT32):  # whatever it was trained in
            found = _finite(lambda: _measured(run, model, data, reading, store))
    seconds = time.perf_counter() - began
    store.put_measures(run, reading, {"reading": reading.spec(asdict(reading)), "measures": found, "seconds": seconds})


def train_together(
    members: Sequence[tuple[Run, Sequence[Run]]], store: Store, conditions: Conditions
) -> dict[Run, str]:
    """Train runs of one cohort side by side and store them; returns those that broke, which are not stored, and why.

    Each run comes with its checkpoints; the caller holds the runs' locks. What is stored is what ``make`` would store,
    but that a member's seconds are its share of the whole. What breaks them all is raised; what was stored stays.
    """
    prepare()
    first = members[0][0]
    pixels, labels = load(conditions.sources[first.task.dataset.name]).train.part(first.train_images, first.device)
    _turn_to(first.task)
    began = time.perf_counter()
    trainings = []
    for run, checkpoints in members:
        model = build(run.task, run.seed, run.width, run.trained_as).to(run.device)
        pixels = pixels.contiguous(memory_format=preferred_layout(model))  # once, so that no member makes its own copy
        looked_at = _storing(checkpoints, model, store)
        trainings.append(Training(model, pixels, labels, run.settings, at_steps=looked_at))
    with numerics(first.precision):
        ends = train_cohort(trainings)
    seconds = (time.perf_counter() - began) / len(members)
    broke: dict[Run, str] = {}
    for (run, _), training, end in zip(members, trainings, ends, strict=True):
        if isinstance(end, Exception):
            broke[run] = named_line(end)
        else:
            record = {**_record(run, end, seconds), "cohort": len(members)}
            store.put_run(run, record, partial(_save, training.model))
    return broke


def prepare() -> None:
    """What every process that trains does first: one thread, memory that stays, a bounded share of the GPU's."""
    torch.set_num_threads(1)
    keep_freed_memory()
    _bound_gpu_memory()


@lru_cache(maxsize=1)  # so that it is done where the task is not that of the run before
def _turn_to(_task: Task) -> None:
    """Give back what the runs of another task took, and the reading of data: who needed 2 GiB holds them no longer."""
    give_back_freed_memory()


@cache
def _bound_gpu_memory() -> None:
    if (share := os.environ.get(GPU_SHARE)) and torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(float(share))


def _finite(measured: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The measures; none for a network on the verge of divergence, whose weights are finite and what follows is not.

    A check's number that is not finite is left out: it says nothing of the network, and the check is told as not made.
    """
    try:
        found = measured()
    except NotFiniteError:
        return {}
    if "instruments" in found:
        found["instruments"] = {name: n for name, n in found["instruments"].items() if math.isfinite(n)}
    found = {name: n for name, n in found.items() if name not in OF_CHECKS or math.isfinite(n)}
    return found if all(math.isfinite(n) for n in found.values() if not isinstance(n, dict)) else {}


def _measured(run: Run, model: nn.Module, data: Data, reading: Reading, store: Store) -> dict[str, Any]:
    if Job(run, reading).kind != "transfer":
        return measure(model, run.task.dataset, data, run.train_images, reading)
    sibling = run.sibling
    source = build(run.task, sibling.seed, run.width, run.trained_as).to(run.device)
    record = store.record(sibling)
    if record is not None and record["diverged"]:
        return {}  # no network to transfer from; the check is reported as not made
    if record is None or not _restored(source, sibling, store):
        raise WeightsError(
            f"{sibling}: its record or weights were damaged, and transfer needs them; it is to be made anew"
        )
    model.eval()
    attacked = data.test.part(reading.attacked_images, run.device)
    epsilon = reading.epsilon(run.task.dataset)
    return {"transfer_accuracy": transfer_accuracy(source.eval(), model, *attacked, epsilon)}


def _restored(model: nn.Module, run: Run, store: Store) -> bool:
    """Give the network the run's stored weights; False, and nothing changed, where they were damaged.

    WeightsError: they are not there.
    """
    path = store.sound_weights(run)
    if path is None:
        return False
    try:
        weights = load_file(path, device=run.device)
    except (OSError, SafetensorError) as error:
        store.distrust(run, WEIGHTS_FILE, f"it holds no weights ({error})")
        return False
    if _forms(weights) != _forms(model.state_dict()):
        store.distrust(run, WEIGHTS_FILE, "it holds the weights of another network")
        return False
    model.load_state_dict(weights)
    return True


def _forms(weights: Mapping[str, torch.Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (value.shape, value.dtype) for name, value in weights.items()}


def _storing(checkpoints: Sequence[Run], model: nn.Module, store: Store) -> dict[int, Callable[[History], None]]:
    """What is to be done at each checkpoint's step: store the network as it is then."""

    def put(run: Run, history: History) -> None:
        store.put_run(run, _record(run, history, None), lambda path: _save(model, path))

    wanted = [run for run in checkpoints if not store.trained(run)]
    return {run.steps: partial(put, run) for run in wanted if run.steps is not None}


def _train(
    run: Run,
    model: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    at_steps: Mapping[int, Callable[[History], None]],
    unfinished: Unfinished,
) -> dict[str, Any]:
    """Train a network, or go on with a training that was cut short.

    States are kept on a CPU alone: that steps replayed on a GPU go on in the same bits was not tried there.
    """
    on_cpu = run.device == "cpu"
    start = unfinished.found() if on_cpu else None
    if start is not None and any(step <= start.steps for step in at_steps):
        start, unfinished.seconds = None, 0.0  # it is past a checkpoint that is wanted
    keep = unfinished.keep if on_cpu else None
    history = train(model, images, labels, run.settings, at_steps=at_steps, keep=keep, start=start)
    return _record(run, history, unfinished.so_far())


def _record(run: Run, history: History, seconds: float | None) -> dict[str, Any]:
    """What is stored of a training; ``seconds`` None: it was stored on the way of a longer one."""
    return {
        "steps": history.steps,
        "training_amount": history.amount,
        "diverged": history.diverged,
        "diverged_at": history.diverged_at,
        # a loss that is not a number is told by ``diverged_at``; JSON has no word for it
        "losses": list(history.losses[:-1] if history.diverged else history.losses),
        "seconds": seconds,
        "execution": history.execution,
        "torch": torch.__version__,
        "machine": platform.node(),
        "processor": _processor(run.device),
    }


def _processor(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else processor()


def _save(model: nn.Module, path: Path) -> None:
    try:
        # copies, since two names may stand for the same weights, which the file does not take
        weights = {
            name: value.clone(memory_format=torch.contiguous_format) for name, value in model.state_dict().items()
        }
        save_file(weights, path)
    except SafetensorError as error:  # its own word for a disk that is full
        raise OSError(str(error)) from None
