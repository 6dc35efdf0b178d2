"""What a reader of a verdict is told of the networks' training losses."""

from pathlib import Path

import pytest
from worlds import case_of, conditions, fill

from repro.experiment.recipes import LR, LR_BS
from repro.experiment.tasks import M1_MNIST
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.estimands import Estimand
from repro.statistics.trends import Lower, Rises
from repro.statistics.units import factor, points
from repro.verdicts.curves import FGSM, LAMBDA1, Curve, Measure
from repro.verdicts.deciding import judge

HERE = conditions()


def test_losses_of_networks_that_are_not_compared_are_not_spoken_of(tmp_path: Path) -> None:
    """Two recipes are compared at the largest batch size alone."""
    case = case_of(Curve(M1_MNIST, LR(), LAMBDA1), Curve(M1_MNIST, LR_BS(0.9), LAMBDA1), holds_if=Lower(factor(2)))

    def at(size: int) -> tuple[str, ...]:
        def results(run: Run) -> dict[str, float]:
            return {"train_loss": 0.2 if run.batch_size == size and run.sgd.momentum else 0.01}

        return judge(case, fill(Store(tmp_path / str(size)), case.runs(HERE), results), HERE).notes

    assert at(64) == ()
    assert "differ in training loss from 0.01 to 0.2" in at(256)[0]


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
