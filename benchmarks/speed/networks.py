"""Networks that the benchmarks measure: trained once for all of an invocation, on real data where it is found.

What was prepared stands in a folder that the processes of the invocation share, so that both sides of a benchmark have
the same weights, and several benchmarks the same network. The process that checks a benchmark comes first and alone,
and prepares all of it; so no two processes ever prepare the same.
"""

import json
import os
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from repro.experiment.recipes import BENCHMARK, LR
from repro.experiment.tasks import TASKS, Task
from repro.science.data.sources import Source, cache_folder, chosen_root, is_whole, resolve
from repro.science.data.splits import Data, load
from repro.science.networks.models import build
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import train

FOLDER: Final = "REPRO_BENCHMARKS"  # names the shared folder to the processes of an invocation

# Images and epochs under Benchmark at batch size 64: enough for PGD to have something to break, in seconds.
LENGTH: Final = {"M1-MNIST": (2048, 5), "StdCNN-MNIST": (4096, 10), "C1-CIFAR10": (4096, 4)}
BARELY: Final = 5  # steps of a network that has hardly begun to learn


def shared_folder() -> Path:
    """The folder of this invocation."""
    return Path(os.environ[FOLDER])


def once(name: str, compute: Callable[[], Any]) -> Any:
    """The JSON value of a computation that the first process of the invocation makes and the others read."""
    path = shared_folder() / f"{name}.json"
    if not path.exists():
        path.write_text(json.dumps(compute()))
    return json.loads(path.read_text())


def source(dataset: str) -> Source:
    """The published files if the user named a folder or has them in the cache; else the surrogate, which is rendered.

    SettingError, DataError: the folder that was named lacks the data set, or a file is damaged.
    """
    if chosen_root(None) is not None or is_whole(dataset, cache_folder() / "data"):
        return resolve([dataset], None, surrogate_allowed=True, download=False)[dataset]
    return Source(dataset, "surrogate", cache_folder() / "surrogate")


def data(task: Task) -> Data:
    """The task's data set."""
    return load(source(task.dataset.name))


@cache
def network(name: str, barely: bool = False) -> nn.Module:
    """A task's network in evaluation mode, in PyTorch's default memory layout; ``barely``: after a few steps only."""
    task = TASKS[name]
    path = shared_folder() / f"{name}{'-barely' if barely else ''}.safetensors"
    model = build(task, 0)
    if not path.exists():
        _train(model, task, barely)
        save_file({key: value.contiguous() for key, value in model.state_dict().items()}, path)
    model = build(task, 0)  # in PyTorch's default memory layout, which training leaves
    model.load_state_dict(load_file(path))
    return model.eval()


def as_written(model: nn.Module) -> nn.Module:
    """The same layers in the order in which the paper's table and a tutorial have them, for peers: pooling after ReLU.

    Ours pools first, which is the same function and less work.
    """
    if not isinstance(model, nn.Sequential):
        return model
    layers = [*model]
    for i, (one, other) in enumerate(pairwise(model)):
        if isinstance(one, nn.MaxPool2d) and isinstance(other, nn.ReLU):
            layers[i : i + 2] = [other, one]
    return nn.Sequential(*layers).train(model.training)


def _train(model: nn.Module, task: Task, barely: bool) -> None:
    count, epochs = LENGTH[str(task)]
    images, labels = data(task).train.part(count)
    recipe, steps = (LR(), BARELY) if barely else (BENCHMARK, None)
    settings = TrainingSettings(sgd=recipe.sgd(64), batch_size=64, epochs=epochs, seed=0, steps=steps)
    train(model, images, labels, settings)


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of images that are classified rightly."""
    return float((model(images).argmax(1) == labels).float().mean())


def told(name: str) -> dict[str, Any]:
    """What a result says of the network and the data it was measured with."""
    task, (count, epochs) = TASKS[name], LENGTH[name]
    test = data(task).test.part(1024)
    return {
        "data": source(task.dataset.name).kind,
        "trained_on": f"{count} images, {epochs} epochs",
        "test_accuracy": accuracy(network(name), *test),
    }
