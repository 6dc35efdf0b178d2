"""What measuring costs, and what a seed at the paper's scale would take."""

import itertools
import math
from functools import partial
from pathlib import Path

import torch

from repro.experiment.precisions import FLOAT32
from repro.experiment.regimes import GRID, PAPER
from repro.experiment.tasks import SHOWN_WITH_MOMENTA, TASKS, Task
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.science.attacks.accuracy import accuracy_throughout
from repro.science.attacks.attacks import Attack
from repro.science.computing.numerics import numerics
from repro.science.curvature.hessian import top_eigenvalue
from repro.science.data.sources import Source
from repro.verdicts.figures import MOMENTA_OF_LR, MOMENTA_OF_RATIO, SETTINGS

from .gpu_tools import (
    NOT_MEASURED,
    OF_ARCHITECTURE,
    Row,
    Setting,
    flops_an_image,
    guarded,
    made_up,
    network,
    rate,
    seconds,
    training,
)

STEPS = 40
LOSSES = 2  # attacks climb the cross-entropy and the margin form


def measures(setting: Setting, _: Row) -> Row:
    """Seconds an image of PGD with 40 steps, and of lambda1."""
    rows = [guarded(setting, {"measures": name}, partial(_measures, setting, name)) for name in OF_ARCHITECTURE]
    return {"rows": rows}


def _measures(setting: Setting, architecture: str) -> Row:
    task = TASKS[OF_ARCHITECTURE[architecture]]
    attacked, curved = (512, 512) if architecture == "ResNet18" else (2048, 1024)
    if setting.small:
        attacked = curved = 2
    images, _ = made_up(setting, task, attacked)
    model = network(setting, task).eval()
    with torch.no_grad():
        labels = torch.cat([model(part).argmax(1) for part in images.split(512)])
    pgd = Attack(1e-6, steps=2 if setting.small else STEPS, step_size=1e-7)
    # every image is right and stays so: the most that an attack can take, since broken images are left out
    with numerics(FLOAT32):
        attack = seconds(setting, lambda: accuracy_throughout(model, images, labels, pgd), 1)
        top = top_eigenvalue(model, images[:curved], labels[:curved])
        curvature = seconds(setting, lambda: top_eigenvalue(model, images[:curved], labels[:curved]), 1)
    return {
        "pgd_steps": pgd.steps,
        "pgd_seconds_an_image": attack / attacked,
        "lambda1_seconds_an_image": curvature / curved,
        "products": top.products,
    }


def paper(setting: Setting, results: Row) -> Row:
    """For each task one seed of all its recipes at the paper's scale, from measured steps and measures."""
    sizes = GRID[:1] if setting.small else GRID
    steps = {
        (name, size): guarded(setting, {"step of": name, "batch_size": size}, partial(_step, setting, name, size))
        for name, size in itertools.product(OF_ARCHITECTURE, sizes)
    }
    known = {row["measures"]: row for row in results.get("measures", {}).get("rows", ()) if "note" not in row}
    rates = results.get("peaks", {}).get("rates", {})
    rows = [_seed(task, steps, known, rates, setting) for task in TASKS.values()]
    return {"rows": rows, "steps": [*steps.values()]}


def _step(setting: Setting, architecture: str, batch_size: int) -> Row:
    task = TASKS[OF_ARCHITECTURE[architecture]]
    data = made_up(setting, task, 4 * batch_size)
    with numerics(FLOAT32):
        found = rate(setting, training(setting, task, data, batch_size).advance, 1.5)
    return {"seconds_a_step": 1 / found}


def _runs(task: Task) -> list[Run]:
    """The distinct runs of a seed."""
    recipes = [*SETTINGS, *(MOMENTA_OF_LR + MOMENTA_OF_RATIO if task in SHOWN_WITH_MOMENTA else ())]
    where = Conditions(PAPER, {task.dataset.name: Source(task.dataset.name, "published", Path())}, "cuda")
    return list(dict.fromkeys(where.run(task, recipe, size, 0) for recipe in recipes for size in GRID))


def _seed(task: Task, steps: dict[tuple[str, int], Row], known: dict[str, Row], rates: Row, setting: Setting) -> Row:
    runs, name = _runs(task), task.architecture
    flops = sum(run.samples for run in runs) * flops_an_image(name, 64)
    floors = {f"floor_{p}_seconds": flops / rates[p] for p in ("float32", "bfloat16") if rates.get(p)}
    row = {"seed of": str(task), "runs": len(runs), "pflop": flops / 1e15, **({} if setting.small else floors)}
    times = [steps.get((name, run.batch_size), {}).get("seconds_a_step", math.nan) for run in runs]
    if setting.small or name not in known or any(map(math.isnan, times)):
        return {**row, "note": f"{NOT_MEASURED}{'made for --small' if setting.small else 'steps or measures lack'}"}
    trained = sum(run.last_step * taken for run, taken in zip(runs, times, strict=True))
    reading, cost = PAPER.scale(task).reading, known[name]
    attack = LOSSES * task.dataset.test * cost["pgd_seconds_an_image"]
    measured = len(runs) * (attack + reading.hessian_images * cost["lambda1_seconds_an_image"])
    return {**row, "training_seconds": trained, "measuring_seconds": measured, "seconds": trained + measured}
