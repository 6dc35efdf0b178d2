"""What the device can do at most, what measuring costs on it, and what a whole session does."""

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import torch

from repro.experiment.precisions import BFLOAT16, FLOAT32, TF32
from repro.experiment.tasks import Task
from repro.science.computing.numerics import numerics
from repro.science.curvature.hessian import top_eigenvalue
from repro.science.measuring.measures import pgd_accuracy

from ..sessions.session import run
from .tools import OF_ARCHITECTURE, Case, Known, NotMeasuredError, Row, Setting, made_up, network, on_device, rate

STEPS: Final = 40


def peaks(setting: Setting, _: Known) -> Iterator[Case]:
    """Rates of matrix products in FLOP/s by precision, and of a copy in bytes/s, as measured."""
    for name in (BFLOAT16, TF32, FLOAT32):
        yield Case({"peak": f"{name} product"}, partial(_product, setting, name))
    yield Case({"peak": "copy"}, partial(_copy, setting))


def _product(setting: Setting, precision: str) -> Row:
    if not setting.can(precision):
        raise NotMeasuredError("needs CUDA")
    n = 8192 if setting.cuda else 256
    a, b = torch.randn(2, n, n, device=setting.device).to(torch.bfloat16 if precision == BFLOAT16 else torch.float32)
    with numerics(precision):
        return {"size": n, "per_second": 2 * n**3 * rate(setting, lambda: torch.mm(a, b), 1)}


def _copy(setting: Setting) -> Row:
    source = torch.randn(2**28 if setting.cuda else 2**20, device=setting.device)
    target = torch.empty_like(source)
    moved = 2 * source.numel() * source.element_size()  # read and written
    return {"size": moved, "per_second": moved * rate(setting, lambda: target.copy_(source), 1)}


def measures(setting: Setting, _: Known) -> Iterator[Case]:
    """Seconds an image of PGD with 40 steps, and of lambda1."""
    for name, task in OF_ARCHITECTURE.items():
        yield Case({"measures": name}, partial(_measures, setting, task))


def _measures(setting: Setting, task: Task) -> Row:
    attacked, curved = (512, 512) if task.architecture == "ResNet18" else (2048, 1024)
    if setting.small:
        attacked = curved = 2
    images, _ = on_device(setting, made_up(task, attacked))
    model = network(setting, task).eval()
    with torch.no_grad():
        labels = torch.cat([model(part).argmax(1) for part in images.split(512)])
    steps = 2 if setting.small else STEPS

    def seconds(work: Callable[[], object]) -> float:
        return 1 / rate(setting, work, 1, warm=1)

    with numerics(FLOAT32):
        top = top_eigenvalue(model, images[:curved], labels[:curved])
        # every image is right and stays so: the most that an attack can take, since broken images are left out
        attack = seconds(lambda: pgd_accuracy(model, images, labels, 1e-6, steps, 1e-7, "cross-entropy"))
        curvature = seconds(lambda: top_eigenvalue(model, images[:curved], labels[:curved]))
    return {
        "pgd_steps": steps,
        "pgd_seconds_an_image": attack / attacked,
        "lambda1_seconds_an_image": curvature / curved,
        "products": top.products,
    }


# no plugins but xdist, whatever is installed; and no waiting for a network that lets nothing through
ENVIRONMENT: Final = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "-p xdist.plugin",
    **dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9"),
}


def session(setting: Setting, _: Known) -> Iterator[Case]:
    """A small session of claims from an empty store, with four workers on one GPU and with none."""
    for workers in (4, 0):
        yield Case({"session": f"-n {workers}"}, partial(_session, setting, workers))


def _session(setting: Setting, workers: int) -> Row:
    if not setting.cuda:
        raise NotMeasuredError("needs CUDA")
    os.environ.update(ENVIRONMENT)
    with tempfile.TemporaryDirectory() as folder:
        options = ("--gpu", "--quick", "--task", "StdCNN-MNIST", "--seeds", "2", "-n", str(workers))
        cost = run(*options, "--artifacts", folder)
    return {"seconds": cost.wall, "cpu_seconds": cost.cpu}
