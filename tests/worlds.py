"""Sessions that trained nothing: conditions of any size, and a store filled with results that a test made up."""

import importlib.util
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Final
from unittest import mock

from hypothesis import settings

from repro.experiment.datasets import DATASETS
from repro.experiment.readings import Reading, of_checkpoints, transfer
from repro.experiment.recipes import BENCHMARK, LR, LR_BS, Recipe
from repro.experiment.regimes import Regime, Scale
from repro.experiment.tasks import TASKS
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.science.data.sources import Kind, Source
from repro.statistics.estimands import Estimand
from repro.verdicts.claim import Always, Case, Claim
from repro.verdicts.curves import Curve
from repro.verdicts.figures import SETTINGS

CLAIMS: Final = Path(__file__).parents[1] / "claims"
READING: Final = Reading(test_images=512, attacked_images=64, pgd_steps=4, hessian_images=64)
HEALTHY: Final = {
    "test_accuracy": 0.9,
    "fgsm_accuracy": 0.6,
    "pgd_accuracy": 0.5,
    "lambda1": 20.0,
    "train_accuracy": 0.95,
    "train_loss": 0.1,
    "median_margin": 4.0,
    "saturated": 0.02,
}

Results = Callable[[Run], Mapping[str, float] | None]

# The same examples every time: a property that fails does so for everyone.
same_examples = settings(deadline=None, max_examples=60, derandomize=True, database=None)


def conditions(
    *, batch_sizes: tuple[int, ...] = (64, 128, 256), seeds: int = 3, data: Kind = "published"
) -> Conditions:
    """The conditions of a small session: all six tasks at one scale."""
    scale = Scale(epochs=2, batch_sizes=batch_sizes, seeds=seeds, train_images=1024, reading=READING)
    return under(Regime("quick", dict.fromkeys(TASKS, scale)), data)


def under(regime: Regime, data: Kind = "published") -> Conditions:
    """The conditions of a session in a given regime."""
    return Conditions(regime, {name: Source(name, data, Path("/data")) for name in DATASETS}, "cpu")


def healthy(_: Run) -> Mapping[str, float]:
    """The results of a run about which there is nothing to say."""
    return {}


def prepared(root: Path) -> Store:
    """A store with nothing in it."""
    store = Store(root)
    store.prepare()
    return store


def fill(store: Store, runs: Iterable[Run], results: Results = healthy, reading: Reading = READING) -> Store:
    """Store runs as if they had been trained and measured; ``results`` says what is not ``HEALTHY``, None: diverged."""
    store.prepare()
    with mock.patch.object(os, "fsync"):  # nobody will pull the plug on a test
        for run in runs:
            found = results(run)
            record = {"steps": run.last_step, "training_amount": run.amount, "diverged": found is None}
            store.put_run(run, record, lambda path: path.touch())
            measures = {} if found is None else _with_sound_attacks({**HEALTHY, **found})
            how = reading if run is run.whole else of_checkpoints(reading)
            store.put_measures(run, how, {"reading": asdict(how), "measures": measures, "seconds": 0.0})
    return store


def fill_transfer(store: Store, runs: Iterable[Run], accuracy: float = 1.0, first: Reading = READING) -> Store:
    """Store what finished runs come to on images that were made on the same run of another seed."""
    return fill_measures(store, runs, transfer(first), lambda _: {"transfer_accuracy": accuracy})


def fill_measures(
    store: Store, runs: Iterable[Run], reading: Reading, measures: Callable[[Run], Mapping[str, object]]
) -> Store:
    """Store exactly these measures of runs that are stored."""
    with mock.patch.object(os, "fsync"):
        for run in runs:
            store.put_measures(run, reading, {"reading": asdict(reading), "measures": measures(run), "seconds": 0.0})
    return store


def _with_sound_attacks(measures: Mapping[str, float]) -> dict[str, float]:
    """The strongest attack finds what the one on cross-entropy does, unless the world says otherwise."""
    twins = {f"{attack}_sound_accuracy": measures[f"{attack}_accuracy"] for attack in ("fgsm", "pgd")}
    return {**twins, **measures}


def case_of(
    *curves: Curve,
    holds_if: Estimand,
    id: str = "an-example",
    axes: tuple[str, ...] = (),
    says: str = "So it is.",
) -> Case:
    """A case of a claim that a test makes up, decided by an estimand with margins of its own."""
    declared = Claim(id, "2.1", says, "it can be seen", (SETTINGS,))
    return Case(declared, (curves[0].task,), axes, (curves,), Always(holds_if))


def is_of(run: Run, recipe: Recipe) -> bool:
    """Whether a run is the recipe's at its batch size."""
    return run.sgd == recipe.sgd(run.batch_size)


def recipe_of(run: Run) -> Recipe:
    """The recipe of Sections 2 and 3 that a run is of; at batch size 64, where LR and LR/BS are one, LR."""
    return next(recipe for recipe in (LR(), LR_BS(), BENCHMARK) if is_of(run, recipe))


@dataclass(frozen=True)
class Declared:
    """A claim test as its file declares it."""

    test: str
    claim: Claim
    cases: tuple[Case, ...]
    ids: tuple[str, ...]


@cache
def declared() -> tuple[Declared, ...]:
    """The claim tests of the folder claims, in the order of their files."""
    return tuple(test for path in sorted(CLAIMS.glob("test_*.py")) for test in declared_in(path))


def declared_in(path: Path) -> list[Declared]:
    """The claim tests of one file."""
    spec = importlib.util.spec_from_file_location(f"declared_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = []
    for name, test in vars(module).items():
        if name.startswith("test_"):
            marks = {mark.name: mark for mark in test.pytestmark}
            cases, ids = marks["parametrize"].args[1], marks["parametrize"].kwargs["ids"]
            found.append(Declared(f"{path.stem}::{name}", marks["claim"].args[0], tuple(cases), tuple(ids)))
    return found
