"""Claims at equal training amount on networks that are trained for it: real runs, if small ones."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from worlds import case_of, prepared

from repro.experiment.readings import Reading
from repro.experiment.recipes import BENCHMARK, LR, LR_BS
from repro.experiment.regimes import QUICK, Regime
from repro.experiment.tasks import STDCNN_MNIST
from repro.runs.conditions import Conditions
from repro.runs.workshop import Session, Workshop
from repro.science.data import sources, surrogate
from repro.science.data.sources import Source
from repro.statistics.pairs import HigherOnAverage
from repro.statistics.trends import Drops
from repro.statistics.units import points
from repro.verdicts.claim import Case
from repro.verdicts.curves import TEST_ACCURACY, Curve
from repro.verdicts.deciding import judge
from repro.verdicts.plan import make_plan
from repro.verdicts.verdict import Matched

pytestmark = pytest.mark.usefixtures("own_threads")

READING = Reading(test_images=20, attacked_images=4, pgd_steps=1, hessian_images=4, parts=("accuracy",))
HALVED = case_of(Curve(STDCNN_MNIST, BENCHMARK, TEST_ACCURACY), holds_if=Drops(points(2)))
MOMENTA = case_of(*(Curve(STDCNN_MNIST, LR(m), TEST_ACCURACY) for m in (0.0, 0.9)), holds_if=HigherOnAverage(points(2)))
RATIO = case_of(
    *(Curve(STDCNN_MNIST, LR_BS(m), TEST_ACCURACY) for m in (0.0, 0.9)), holds_if=HigherOnAverage(points(2))
)


@pytest.fixture
def where(tmp_path: Path) -> Iterator[Conditions]:
    """Forty images, six epochs, batch sizes 4 and 8: ten and five steps an epoch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surrogate, "TRAIN", 50)
        patch.setattr(surrogate, "TEST", 20)
        patch.setattr(sources, "SURROGATE_TRAIN", 50)
        surrogate.surrogate("MNIST", tmp_path)
        scale = QUICK.scale(STDCNN_MNIST)
        shown = {"epochs": 6, "batch_sizes": (4, 8), "seeds": 1, "train_images": 40, "reading": READING}
        small = replace(scale, **shown, anchor=16, schedule_factor=1)
        regime = Regime("small", {str(STDCNN_MNIST): small})
        yield Conditions(regime, {"MNIST": Source("MNIST", "surrogate", tmp_path)}, "cpu", readings=())


def cells(matched: Matched) -> list[list[tuple[int, float]]]:
    """Of each curve and batch size the steps and T of its run."""
    return [[(cell.steps, cell.training_amount) for cell in curve.cells[0]] for curve in matched.curves]


def test_what_is_planned_is_made_once_for_all_claims_and_matched_as_it_was_trained(
    tmp_path: Path, where: Conditions
) -> None:
    store = prepared(tmp_path / "store")
    cases = [HALVED, MOMENTA, RATIO]
    plan = make_plan(cases, where, store)
    assert "3 claim tests on 5 curves need 10 runs, 4 checkpoints of them and 1 shorter training, 0" in plan.summary()
    workshop = Workshop(store, where, Session(plan.jobs))

    def judged(case: Case) -> Matched:
        found = judge(case, store, where, obtain=workshop.obtain).matched
        assert found is not None
        assert found.entry.trained_less
        return found

    halved, momenta, ratio = map(judged, cases)
    assert make_plan(cases, where, store).missing == {}
    stored = {path.parent.name for path in store.root.glob("runs/*/run.json")}
    assert stored == {run.key for run, _ in plan.jobs}
    # Benchmark: 30 steps at both, at the same rates: 25 at 0.01 and 5 at 0.005
    assert cells(halved) == [[(30, pytest.approx(2.75)), (30, pytest.approx(2.75))]]
    # momentum 0.9 takes a tenth of the steps at each batch size
    assert cells(momenta) == [
        [(60, pytest.approx(0.6)), (30, pytest.approx(0.3))],
        [(6, pytest.approx(0.6)), (3, pytest.approx(0.3))],
    ]
    assert [[steps for steps, _ in column] for column in cells(ratio)] == [[60, 30], [6, 3]]
