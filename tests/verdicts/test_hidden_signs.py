"""Verdicts on means over batch sizes: where these hide a change of sign, evidence and report say so."""

import json
from pathlib import Path

from worlds import case_of, conditions, fill

from repro.experiment.recipes import LR
from repro.experiment.tasks import M1_MNIST
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.pairs import HigherOnAverage
from repro.statistics.units import points
from repro.verdicts.curves import TEST_ACCURACY, Curve
from repro.verdicts.deciding import judge
from repro.verdicts.entry import json_of
from repro.verdicts.verdict import Verdict

HERE = conditions()
AVERAGED = case_of(*(Curve(M1_MNIST, LR(m), TEST_ACCURACY) for m in (0.0, 0.9)), holds_if=HigherOnAverage(points(2)))
NOTE = "the mean hides opposite signs: +9.0 points at 64, -8.0 points at 256"


def judged(folder: Path, at_256: float) -> Verdict:
    def momentum_helps_small_batches(run: Run) -> dict[str, float]:
        return {"test_accuracy": 0.8 + run.sgd.momentum * {64: 0.1, 128: 0.0, 256: at_256 / 90}[run.batch_size]}

    return judge(AVERAGED, fill(Store(folder), AVERAGED.runs(HERE), momentum_helps_small_batches), HERE)


def test_a_mean_that_hides_opposite_signs_is_told_of_in_evidence_and_report(tmp_path: Path) -> None:
    verdict = judged(tmp_path, -8)
    assert f"\n  note: {NOTE}\n" in verdict.evidence
    assert f"\n    note: {NOTE}\n" in verdict.evidence.partition("at equal training amount")[2]
    entry = json.loads(json_of(verdict.entry()))
    assert NOTE in entry["notes"]
    assert entry["equal_amount"]["notes"] == [NOTE]


def test_a_mean_that_hides_none_has_no_such_note(tmp_path: Path) -> None:
    verdict = judged(tmp_path, 3)
    assert "opposite signs" not in json_of(verdict.entry())
