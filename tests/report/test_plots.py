"""The small plots of a page: measured curves with chance and margin, and training losses."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
from pages import WHERE, written
from worlds import fill

from repro.experiment.recipes import LR
from repro.experiment.tasks import M1_MNIST
from repro.report.bundle import load
from repro.report.networks import Network, Networks, as_csv
from repro.report.page.claims import sentences
from repro.report.page.losses import losses
from repro.report.page.plots import Plot, Stroke, curve_plot
from repro.report.page.values import Cell, Column, Measurements
from repro.runs.run import Run
from repro.runs.store import Store
from repro.verdicts.curves import FGSM, LAMBDA1, MEASURES, TEST_ACCURACY, Curve, Measure, read
from repro.verdicts.entry import PlainCurve
from repro.verdicts.measured import plain_curve


def curve(folder: Path, measure: Measure, **results: float) -> PlainCurve:
    found = Curve(M1_MNIST, LR(), measure)
    store = fill(Store(folder), found.runs(WHERE), lambda run: {n: v + run.seed / 100 for n, v in results.items()})
    return plain_curve(read(found, store, WHERE))


def heights(svg: str, name: str) -> list[float]:
    return [float(y) for y in re.findall(rf'<circle class="{name}[^"]*" cx="[\d.]+" cy="([\d.]+)"', svg)]


def test_each_seed_is_a_dot_and_their_mean_a_marker_on_the_line(tmp_path: Path) -> None:
    svg = str(curve_plot([curve(tmp_path, FGSM, fgsm_accuracy=0.3)], ()).svg())
    assert len(heights(svg, "seed")) == 2 * 3
    assert len(heights(svg, "mean")) == 2
    assert "FGSM accuracy on M1-MNIST by batch size. LR m=0: 31.0 at 64, 31.0 at 256" in svg


@pytest.mark.parametrize(("accuracy", "drawn"), [(0.2, True), (0.9, False)])
def test_chance_is_drawn_where_it_is_near_and_told_where_it_is_not(
    tmp_path: Path, accuracy: float, drawn: bool
) -> None:
    svg = str(curve_plot([curve(tmp_path, TEST_ACCURACY, test_accuracy=accuracy)], ()).svg())
    assert ('class="chance"' in svg) is drawn
    assert ("chance (10%) lies below" in svg) is not drawn


def test_an_eigenvalue_has_no_chance_and_a_logarithmic_axis(tmp_path: Path) -> None:
    plot = curve_plot([curve(tmp_path, LAMBDA1, lambda1=20.0)], ())
    assert plot.logarithmic
    assert "chance" not in str(plot.svg())
    assert "LR m=0: 20 at 64" in str(plot.svg())


def test_an_undertrained_cell_is_hollow(tmp_path: Path) -> None:
    svg = str(curve_plot([curve(tmp_path, FGSM, fgsm_accuracy=0.3, train_accuracy=0.5)], ()).svg())
    assert svg.count("mean hollow") == 2


def test_a_cell_of_which_a_network_diverged_is_crossed_also_where_no_value_is_left(tmp_path: Path) -> None:
    def results(run: Run) -> dict[str, float] | None:
        gone = run.batch_size == 256 or (run.batch_size == 64 and run.seed == 0)
        return None if gone else {"lambda1": 20.0}

    found = Curve(M1_MNIST, LR(), LAMBDA1)
    store = fill(Store(tmp_path), found.runs(WHERE), results)
    svg = str(curve_plot([plain_curve(read(found, store, WHERE))], ()).svg())
    assert svg.count('class="cross"') == 2
    assert len(heights(svg, "mean")) == 1


def test_a_network_that_diverged_counts_in_the_values_as_it_does_in_verdicts() -> None:
    runs = WHERE.runs(M1_MNIST, LR(), (64,))[:2]
    told = {"diverged": True}, {"diverged": False}
    measures: tuple[dict[str, float], ...] = {}, {"test_accuracy": 0.98, "fgsm_accuracy": 0.5, "lambda1": 20.0}
    networks = zip(runs, told, measures, strict=True)
    cell = Cell(tuple(Network("LR m=0", run, record, of, 0.0) for run, record, of in networks))
    shown = {name: cell.shown(Column(name, name, MEASURES[name].unit)).mean for name in measures[1]}
    assert cell.diverged == 1
    assert shown == {
        "test_accuracy": "54.0%",
        "fgsm_accuracy": "50.0%",
        "lambda1": "20",
    }  # chance alone


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.4), (2.25, 2.3), (2.1e-6, 2.2e-6), (0.001, 3e5), (30.0, 90.0)])
def test_a_logarithmic_axis_has_ticks_however_short_it_is(low: float, high: float) -> None:
    heights = (math.log(low), math.log(high))
    svg = str(Plot("it", ("a", "b"), "x", (Stroke("red", heights),), logarithmic=True).svg())
    assert 3 <= svg.count('class="grid"') <= 12


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("page"))


def test_the_margin_is_drawn_around_what_is_compared_with(page: Path) -> None:
    cases = {c.slug: c for s in sentences(load(page.parent).report.claims) for c in s.cases}

    def within(slug: str) -> list[str]:
        return [plot.within for plot in cases[slug].plots]

    assert within("ratio-keeps-robustness--m1-mnist-fgsm-flat") == ["within 5 points of batch size 64"]
    assert within("ratio-keeps-curvature--m1-mnist") == ["within a factor of 2 of batch size 64"]
    assert within("ratio-changes-less--m1-mnist-fgsm-lr-m-0") == [""]  # the change of one is compared with another's
    two = within("counter-example--stdcnn-fashionmnist-fgsm")
    assert two == ["within 5 points of batch size 64", "within a factor of 2 of batch size 64"]


def test_losses_are_drawn_for_each_task_and_recipe_by_batch_size(page: Path) -> None:
    entries = load(page.parent).report.claims
    found = losses(Measurements.of(Networks(entries, Store(page.parents[1] / "store"), WHERE)))
    names = {plot.title for plot in found}
    assert {"LR/BS m=0 on M1-MNIST", "Benchmark on StdCNN-MNIST"} <= names
    assert len(names) == len(found)
    assert [name for _, name in found[0].keys] == ["batch size 64", "batch size 256"]
    assert "batch size 64 ends at 0.1" in str(found[0].svg)


def test_a_store_that_lost_its_runs_leaves_a_page_without_their_values(page: Path, tmp_path: Path) -> None:
    none = Networks(load(page.parent).report.claims, Store(tmp_path), WHERE)
    found: Any = Measurements.of(none)
    assert found.cells == ()
    assert as_csv([network.row for network in none]).startswith("task,recipe,momentum,batch_size,seed,")
    assert losses(found) == []


def test_measures_are_shown_on_their_own_scale_with_their_spread(page: Path) -> None:
    entries = load(page.parent).report.claims
    found = Measurements.of(Networks(entries, Store(page.parents[1] / "store"), WHERE))
    cell = next(cell for cell in found.cells if cell.line == "LR/BS m=0 on M1-MNIST")
    shown = {column.name: cell.shown(column)[1:] for column in found.columns}
    assert shown["fgsm_accuracy"] == ("45.4%", "\u00b10.4")
    assert shown["lambda1"] == ("31.4", "\u00d71.00")
    assert cell.shown(found.training)[1:] == ("95.0%", "\u00b10.0")
