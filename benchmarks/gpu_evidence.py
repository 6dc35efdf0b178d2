"""Whether lower precision in training changes what is measured: differences against the spread over seeds."""

import statistics
from functools import cache, partial

import torch

from repro.experiment.precisions import FLOAT32, SAYS, TF32
from repro.experiment.readings import Reading
from repro.experiment.recipes import BENCHMARK
from repro.experiment.tasks import TASKS
from repro.science.computing.numerics import numerics
from repro.science.data.splits import Data, load
from repro.science.measuring.measures import measure
from repro.science.networks.models import build
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import train

from .gpu_tools import OF_ARCHITECTURE, Row, Setting, guarded, source

MEASURES = ("test_accuracy", "fgsm_accuracy", "pgd_accuracy", "lambda1")
READING = Reading(2000, 500, 10, 512, parts=("accuracy", "attacks", "curvature"))
SMALL = Reading(40, 16, 2, 16, parts=("accuracy", "attacks", "curvature"))


def precision(setting: Setting, _: Row) -> Row:
    """StdCNN and C1, on the surrogate unless real data is at hand; each seed has all precisions or none."""
    seeds = 1 if setting.small else 5
    names = [name for name in SAYS if setting.cuda or name != TF32]
    found: dict[tuple[str, str], dict[int, Row]] = {}
    for seed in range(seeds):
        for architecture in ("StdCNN", "C1"):
            rows = {}
            for name in names:
                what = {"architecture": architecture, "seed": seed, "precision": name}
                rows[name] = guarded(setting, what, partial(_one, setting, architecture, name, seed))
            if all("note" not in row for row in rows.values()):
                for name, row in rows.items():
                    found.setdefault((architecture, name), {})[seed] = row
    told = [_summary(architecture, name, found) for architecture, name in found]
    return {"rows": told or [{"note": "not measured: no seed was trained in time"}], "data": source("MNIST").kind}


@cache
def _data(dataset: str) -> Data:
    return load(source(dataset))


def _one(setting: Setting, architecture: str, name: str, seed: int) -> Row:
    task = TASKS[OF_ARCHITECTURE[architecture]]
    data, count = _data(task.dataset.name), 64 if setting.small else 8000
    model = build(task, seed).to(setting.device)
    settings = TrainingSettings(
        sgd=BENCHMARK.sgd(64),
        batch_size=64,
        epochs=1 if setting.small else 10,
        seed=seed,
        augmented=task.dataset.augmented,
        precision=name,
    )
    with numerics(name):
        history = train(model, *data.train.part(count, setting.device), settings)
    with numerics(FLOAT32):
        found = measure(model, task.dataset, data, count, SMALL if setting.small else READING)
    return {**{field: found[field] for field in MEASURES}, "loss": history.losses[-1]}


def _summary(architecture: str, name: str, found: dict[tuple[str, str], dict[int, Row]]) -> Row:
    ours, strict = found[architecture, name], found[architecture, FLOAT32]
    row: Row = {"evidence": architecture, "precision": name, "seeds": len(ours)}
    for field in MEASURES:
        values = torch.tensor([ours[seed][field] for seed in sorted(ours)], dtype=torch.float64)
        base = torch.tensor([strict[seed][field] for seed in sorted(ours)], dtype=torch.float64)
        row[field] = values.mean().item()
        if name != FLOAT32:
            row[f"{field}_difference"] = (values - base).mean().item()
        elif len(base) > 1:
            row[f"{field}_seed_sd"] = statistics.stdev(base.tolist())
    return row
