"""What is measured at the paper's scale with too few seeds for a verdict: values by batch size, for both documents."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from repro.experiment.recipes import LR, LR_BS, Recipe
from repro.experiment.tasks import STDCNN_MNIST
from repro.report.bundle import load
from repro.runs.store import Store
from repro.verdicts.curves import FGSM, LAMBDA1, PGD, TEST_ACCURACY
from repro.verdicts.equal_training import smallest

from .findings import PUBLISHED
from .remaining import SOURCES
from .tables import table
from .values import Line, line_of

TASK: Final = STDCNN_MNIST
RECIPES: Final[Sequence[Recipe]] = (LR(), LR_BS())
SHARES: Final = {"train": "train_accuracy", "test": "test_accuracy", "FGSM": "fgsm_accuracy", "PGD": "pgd_accuracy"}
PLACE: Final = "docs/findings.md#stdcnn-on-mnist-one-seed-and-so-no-verdict"
SOUND: Final = {"FGSM, strongest": "fgsm_sound_accuracy", "PGD, strongest": "pgd_sound_accuracy"}


def one_seed() -> dict[str, Line]:
    """The lines of the task that a GPU trained and measured with one seed; LR also as far as its least trained run.

    ValueError: one of them is not whole.
    """
    conditions = replace(load(PUBLISHED).conditions.with_seeds_of({TASK: 1}), sources=SOURCES, device="cuda")
    store = Store(PUBLISHED / "store")
    found = {str(recipe): line_of(TASK, recipe, conditions, store) for recipe in RECIPES}
    least = smallest(cell.amount for cell in found[str(LR())].cells.values())
    found[f"{LR()} stopped at T = {least:g}"] = line_of(TASK, LR(), conditions, store, amount=least)
    if lacking := [name for name, line in found.items() if not line.cells]:
        raise ValueError(f"{TASK}: {' and '.join(lacking)} must be measured at every batch size")
    return found


def section() -> dict[str, Any]:
    """What docs/findings.md says of it. ValueError: what a sentence there says of the constant ratio is not so."""
    lines = one_seed()
    lr, ratio, stopped = lines.values()
    for measure in (TEST_ACCURACY, FGSM, PGD, LAMBDA1):
        least, most = measure.unit.scaled(np.array([ratio.lowest(measure.field), ratio.highest(measure.field)]))
        if most - least > measure.matters.size:
            raise ValueError(f"{measure.field}: varies by more than what matters")
    for measure in (FGSM, PGD):
        begins, ends = (cell.mean(measure.field) for cell in lr.ends)
        if 100 * abs(ends - begins) >= measure.matters.size:
            raise ValueError(f"{measure.field}: changes by what matters with the fixed rate, too")
    return {"task": str(TASK), "lr": lr, "ratio": ratio, "stopped": stopped, "table": _values(lines)}


def sentence() -> str:
    """What the README says of it."""
    lr, ratio, stopped = one_seed().values()
    begins, ends = lr.ends
    lowest, highest, least, most = (
        _share(of("pgd_accuracy")) for line in (ratio, stopped) for of in (line.lowest, line.highest)
    )
    return (
        f"Of {TASK} one seed of LR and LR/BS is measured there, on a GPU, which decides nothing: with the constant "
        f"ratio PGD accuracy lies between {lowest} and {highest} at all batch sizes; with the fixed rate it goes from "
        f"{_share(begins.mean('pgd_accuracy'))} at 64 to {_share(ends.mean('pgd_accuracy'))} at 1024 and FGSM accuracy "
        f"from {_share(begins.mean('fgsm_accuracy'))} to {_share(ends.mean('fgsm_accuracy'))}, by less than the five "
        f"points that matter, while lambda1 goes from {begins.mean('lambda1'):.1f} to {ends.mean('lambda1'):.0f}. "
        f"Stopped at equal training amount PGD accuracy is {least} to {most} everywhere ([all its values]({PLACE}))."
    )


def _values(lines: dict[str, Line]) -> str:
    shares = SHARES | SOUND
    rows = [
        [name, str(size), *(_share(cell.mean(measure)) for measure in shares.values()), f"{cell.mean('lambda1'):.1f}"]
        for name, line in lines.items()
        for size, cell in line.cells.items()
    ]
    return table(("recipe", "batch size", *shares, "lambda1"), rows)


def _share(value: float) -> str:
    return f"{100 * value:.1f}%"
