"""What a reader of a verdict is told of the networks' training losses."""

from pathlib import Path

import pytest
from worlds import case_of, conditions, fill

from repro.experiment.recipes import LR
from repro.experiment.tasks import M1_MNIST
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.estimands import Estimand
from repro.statistics.trends import Rises
from repro.statistics.units import factor, points
from repro.verdicts.curves import FGSM, LAMBDA1, Curve, Measure
from repro.verdicts.deciding import judge

HERE = conditions()


@pytest.mark.parametrize(
    ("measure", "rule", "factor_of_losses", "told"),
    [
        (LAMBDA1, Rises(factor(2)), 20.0, True),
        (LAMBDA1, Rises(factor(2)), 5.0, False),
        (FGSM, Rises(points(5)), 20.0, False),  # a loss says nothing of an accuracy
    ],
)
def test_losses_an_order_of_magnitude_apart_stand_beside_compared_eigenvalues(
    tmp_path: Path, measure: Measure, rule: Estimand, factor_of_losses: float, told: bool
) -> None:
    case = case_of(Curve(M1_MNIST, LR(), measure), holds_if=rule)

    def results(run: Run) -> dict[str, float]:
        return {"train_loss": 0.01 * (factor_of_losses if run.batch_size > 64 else 1)}

    found = judge(case, fill(Store(tmp_path), case.runs(HERE), results), HERE)
    text = "the networks compared differ in training loss from 0.01 to 0.2: lambda1 falls with the loss itself"
    assert found.notes == ((text,) if told else ())
