"""Where a search for lambda1 begins: along the gradient, as ours does, or in a random direction, as is usual.

On every network that a quick session stores, with one seed each, trained and on the way: the products that each start
takes until its residual is a hundredth of the value, and how far the value is below the largest that any search found,
a longer one from a third start among them. A search misses where it settles on the second eigenvalue, which its
residual does not show.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, Final

import torch
from safetensors.torch import load_file
from torch import Tensor

from repro.report.bundle import load
from repro.runs.conditions import Conditions
from repro.runs.run import Run, from_spec
from repro.runs.store import Store
from repro.science.curvature.hessian import Hessian
from repro.science.curvature.lanczos import MAX_PRODUCTS, Eigenvalue, lanczos, random_vector
from repro.science.data.splits import load as load_data
from repro.science.measuring.measures import curved
from repro.science.networks.models import build

from . import sessions
from .networks import source
from .results import Figure, Result
from .sides import Measured

SEEDS: Final = (0, 1)
STRICT: Final = (1e-4, 60)  # tolerance and products of the longer search
MISSED: Final = (1e-3, 1e-2)  # shares of lambda1


@dataclass(frozen=True)
class Searched:
    """One network and seed: products of both starts, and by what share each value is too small."""

    task: str
    products: tuple[int, int]  # ours, random
    missed: tuple[float, float]


def measure() -> Result:
    with tempfile.TemporaryDirectory() as temporary:
        artifacts = Path(temporary) / "artifacts"
        sessions.run("--quick", "--seeds", "1", "-n", str(os.cpu_count() or 1), "--artifacts", artifacts)
        where = load(artifacts).conditions
        store = Store(artifacts / "store")
        found = [one for run in stored(store) for one in searched(run, store.weights(run), where)]
    return Result({"products": products(found)}, {"tasks": told(found), "networks": len(found) // len(SEEDS)})


def stored(store: Store) -> Iterator[Run]:
    """The runs and checkpoints of a store, but those that diverged, which have no Hessian."""
    for path in sorted((store.root / "runs").glob("*/run.json")):
        record = json.loads(path.read_text())
        if not record["diverged"]:
            yield from_spec(record["run"])


def searched(run: Run, weights: Path, where: Conditions) -> list[Searched]:
    """Both starts of each seed on one network."""
    torch.set_num_threads(1)
    model = build(run.task, run.seed, run.width, run.trained_as)
    model.load_state_dict(load_file(weights))
    data = load_data(source(run.task.dataset.name))
    images, labels = curved(data, run.train_images, where.reading(run.task), torch.device("cpu"))
    hessian = Hessian(model, images, labels, 512)

    def search(start: Tensor, tolerance: float = 1e-2, products: int = MAX_PRODUCTS) -> Eigenvalue:
        return lanczos(hessian, start, tolerance, products)

    pairs = [(search(hessian.start(seed)), search(random_vector(hessian.size, seed))) for seed in SEEDS]
    longer = search(random_vector(hessian.size, len(SEEDS)), *STRICT)
    top = max(longer.value, *(one.value for pair in pairs for one in pair))
    return [
        Searched(str(run.task), (ours.products, other.products), (1 - ours.value / top, 1 - other.value / top))
        for ours, other in pairs
    ]


def products(found: Sequence[Searched]) -> Figure:
    """How many times the products of ours a random start takes: of the means over all networks, and by task."""
    ours, other = (mean(one.products[side] for one in found) for side in (0, 1))
    ratios = [row["products"]["random"] / row["products"]["ours"] for row in told(found)]
    return Figure(other / ours, (min(ratios), max(ratios)), ours=ours, peer=other, of="")


def told(found: Sequence[Searched]) -> list[dict[str, Any]]:
    """For each task the mean products, how many searches missed by how much, and the worst of them."""
    rows = []
    for task in dict.fromkeys(one.task for one in found):
        of_task = [one for one in found if one.task == task]
        row: dict[str, Any] = {"task": task, "searches": len(of_task), "products": {}, "missed": {}}
        for side, start in enumerate(("ours", "random")):
            misses = [one.missed[side] for one in of_task]
            row["products"][start] = mean(one.products[side] for one in of_task)
            beyond = {f"by more than {share:g}": sum(miss > share for miss in misses) for share in MISSED}
            row["missed"][start] = {**beyond, "largest": max(misses)}
        rows.append(row)
    return rows


CASES = {"starts": Measured(measure)}
