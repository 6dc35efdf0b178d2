"""A report of two claims whose verdicts are decided again from the stored measures."""

import json
from pathlib import Path
from typing import Any

from reports import content, written
from worlds import READING, case_of, conditions, recipe_of

from repro.experiment.recipes import LR, LR_BS
from repro.experiment.tasks import M1_MNIST, STDCNN_MNIST
from repro.report.recompute import ReadOnce, Recomputed, recompute
from repro.runs.integrity import signed
from repro.runs.run import Run, reading_key
from repro.statistics.equivalence import Flat
from repro.statistics.trends import Lower
from repro.statistics.units import factor, points
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, Curve

WHERE = conditions()
CASES = {
    "claims/test_it.py::test_flat[M1-MNIST-FGSM]": case_of(
        Curve(M1_MNIST, LR_BS(), FGSM), holds_if=Flat(points(5)), id="it-is-flat", axes=("FGSM",), says="It is flat."
    ),
    "claims/test_it.py::test_lower[StdCNN-MNIST]": case_of(
        Curve(STDCNN_MNIST, LR_BS(), LAMBDA1),
        Curve(STDCNN_MNIST, LR(), LAMBDA1),
        holds_if=Lower(factor(1.25)),
        id="it-is-lower",
        axes=(),
        says="It is lower.",
    ),
}
FIRST, SECOND = CASES


def results(run: Run) -> dict[str, float]:
    """Measures that vary with the recipe and from seed to seed."""
    return {"lambda1": (5 if recipe_of(run) == LR_BS() else 50) + run.seed, "fgsm_accuracy": 0.6 + run.seed / 300}


def made(tmp_path: Path) -> dict[str, Any]:
    return content(CASES, WHERE, tmp_path / "store", results)


def again(tmp_path: Path, whole: dict[str, Any], cases: dict[str, Case] | None = None) -> Recomputed:
    return recompute(
        written(tmp_path / "artifacts", whole), CASES if cases is None else cases, ReadOnce(tmp_path / "store")
    )


def measures_file(tmp_path: Path, run: Run) -> Path:
    """Where a run's measures are under the first reading."""
    return tmp_path / "store" / "runs" / run.key / f"measures-{reading_key(READING)}.json"


def rewrite(file: Path, content: dict[str, Any]) -> None:
    """Put another content into a file of the store, with its checksum."""
    content.pop("checksum", None)
    file.write_text(json.dumps(signed(content, f"{file.parent.name}/{file.name}")))
