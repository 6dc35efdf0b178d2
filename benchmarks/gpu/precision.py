"""Whether lower precision in training changes what is measured: differences against the spread over seeds."""

import statistics
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, partial
from typing import Final

from repro.experiment.precisions import FLOAT32, SAYS
from repro.experiment.readings import Reading
from repro.experiment.recipes import BENCHMARK
from repro.experiment.tasks import Task
from repro.science.computing.numerics import numerics
from repro.science.data.splits import Data, load
from repro.science.measuring.measures import measure_parts
from repro.science.networks.models import build
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import train

from ..speed.networks import source
from .tools import BATCH_SIZE, OF_ARCHITECTURE, Case, Known, NotMeasuredError, Row, Setting

MEASURES: Final = ("test_accuracy", "fgsm_accuracy", "pgd_accuracy", "lambda1")
READING: Final = Reading(2000, 500, 10, 512, parts=("accuracy", "attacks", "curvature"))
SMALL: Final = Reading(40, 16, 2, 16, parts=("accuracy", "attacks", "curvature"))
Found = dict[tuple[Task, str], dict[int, Row]]  # by task and precision, then by seed


def precision(setting: Setting, _: Known) -> Iterator[Case]:
    """StdCNN and C1, on the surrogate unless real data is at hand; then what all seeds say together."""
    found: Found = defaultdict(dict)
    tasks, names = (OF_ARCHITECTURE["StdCNN"], OF_ARCHITECTURE["C1"]), [name for name in SAYS if setting.can(name)]
    for seed in range(1 if setting.small else 5):
        for task in tasks:
            for name in names:
                what = {"network": task.architecture, "precision": name, "seed": seed}
                yield Case(what, partial(_trained, setting, task, name, seed, found))
    for task in tasks:
        for name in names:
            yield Case({"network": task.architecture, "precision": name}, partial(_all, task, name, found), brief=True)


@cache
def _data(dataset: str) -> tuple[Data, str]:
    chosen = source(dataset)
    return load(chosen), chosen.kind


def _trained(setting: Setting, task: Task, name: str, seed: int, found: Found) -> Row:
    data, kind = _data(task.dataset.name)
    model, count = build(task, seed).to(setting.device), 64 if setting.small else 8000
    settings = TrainingSettings(
        sgd=BENCHMARK.sgd(BATCH_SIZE),
        batch_size=BATCH_SIZE,
        epochs=1 if setting.small else 10,
        seed=seed,
        augmented=task.dataset.augmented,
        precision=name,
    )
    with numerics(name):
        history = train(model, *data.train.part(count, setting.device), settings)
    with numerics(FLOAT32):
        measured = measure_parts(model, task.dataset, data, count, SMALL if setting.small else READING)
    row = {**{measure: measured[measure] for measure in MEASURES}, "loss": history.losses[-1], "data": kind}
    found[task, name][seed] = row
    return row


def _all(task: Task, name: str, found: Found) -> Row:
    """Means over the seeds that were trained in float32 and in this precision, and what sets the two apart."""
    ours, strict = found[task, name], found[task, FLOAT32]
    seeds = sorted({*ours} & {*strict})
    if not seeds:
        raise NotMeasuredError("no seed was trained in time")
    row: Row = {"seeds": len(seeds)}
    for measure in MEASURES:
        values, base = ([side[seed][measure] for seed in seeds] for side in (ours, strict))
        row[measure] = statistics.mean(values)
        if name != FLOAT32:
            row[f"{measure}_difference"] = statistics.mean(values) - statistics.mean(base)
        elif len(seeds) > 1:
            row[f"{measure}_seed_sd"] = statistics.stdev(base)
    return row
