"""A report of two claims, to be compared with itself after a change."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reports import Content, content, written
from worlds import case_of, conditions

from repro.experiment.recipes import LR_BS
from repro.experiment.tasks import M1_MNIST, STDCNN_MNIST
from repro.report.compare import Comparison, compare
from repro.runs.run import Run
from repro.statistics.equivalence import Flat
from repro.statistics.units import factor, points
from repro.verdicts.curves import FGSM, LAMBDA1, Curve

CASES = {
    "test[M1-MNIST-FGSM]": case_of(
        Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Flat(points(5)), id="it-is-flat", axes=("FGSM",), says="It is flat."
    ),
    "test[StdCNN-MNIST]": case_of(
        Curve(STDCNN_MNIST, LR_BS(), LAMBDA1),
        holds_if=Flat(factor(2)),
        id="its-curvature-is",
        axes=(),
        says="It is flat.",
    ),
}
FIRST, SECOND = "it-is-flat [M1-MNIST-FGSM]", "its-curvature-is [StdCNN-MNIST]"
CIRCUMSTANCES = {
    "commit": "abc",
    "dirty": False,
    "versions": {"torch": "2.14", "numpy": "2.1"},
    "hardware": {"processor": "a processor", "cores": 8},
}
EMPTY = Comparison(2, (), (), (), (), (), (), (), (), ())

Compared = Callable[[Callable[[Content], object]], Comparison]


def spreading(run: Run) -> dict[str, float]:
    """Accuracy whose spread over seeds grows with the batch size, so that the largest decides."""
    return {"fgsm_accuracy": 0.6 + run.seed * run.batch_size / 1e6}


def first(**changes: Any) -> Callable[[Content], object]:
    return lambda whole: whole["claims"][0].update(changes)


def made(tmp_path: Path) -> Content:
    """A report of two claims."""
    found = content(CASES, conditions(), tmp_path / "store", spreading)
    found["session"] |= CIRCUMSTANCES
    return found


def comparison(tmp_path: Path, whole: Content) -> Compared:
    """The report compared with itself after a change."""

    def run(change: Callable[[Content], object]) -> Comparison:
        other = copy.deepcopy(whole)
        change(other)
        return compare(written(tmp_path / "a", whole), written(tmp_path / "b", other))

    return run
