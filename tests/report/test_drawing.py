from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colors, image
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from worlds import Results, conditions, fill, healthy, under

from repro.conditions import Conditions
from repro.curves import FGSM, LAMBDA1, PGD, TEST_ACCURACY, Curve, Measure, read
from repro.figures import FIGURES, MOMENTA_OF_LR, SETTINGS, Figure, Panel
from repro.regimes import PAPER
from repro.report import drawing
from repro.report.drawing import COLOURS, draw
from repro.runs import Run
from repro.science.recipes import LR, LR_BS
from repro.science.tasks import C1_CIFAR10, M1_MNIST
from repro.science.trained_as import HE, UNSTANDARDISED
from repro.store import Store

WHERE = conditions(seeds=2)
Drawn = Callable[[Figure, Store], list[Axes]]


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drawn]:
    """Draws a figure and gives its axes."""
    kept: list[Canvas] = []
    monkeypatch.setattr(drawing.plt, "close", kept.append)

    def axes(figure: Figure, store: Store) -> list[Axes]:
        draw(figure, store, WHERE, tmp_path)
        return kept[-1].axes

    yield axes
    monkeypatch.undo()
    for canvas in kept:
        plt.close(canvas)


def stored(folder: Path, figure: Figure, results: Results = healthy) -> Store:
    return fill(Store(folder), {run for curve in figure.curves for run in curve.runs(WHERE)}, results)


def lines(ax: Axes) -> dict[str, Line2D]:
    """The labelled lines: curves, not their markers."""
    return {str(line.get_label()): line for line in ax.lines if not str(line.get_label()).startswith("_")}


def markers(ax: Axes) -> list[tuple[float, float, str, bool]]:
    """Batch size, height, shape and whether it is hollow, of every marker."""
    return [
        (float(np.ravel(m.get_xdata())[0]), float(np.ravel(m.get_ydata())[0]), str(m.get_marker()),
         colors.to_hex(m.get_markerfacecolor()) == "#ffffff")
        for m in ax.lines if str(m.get_label()).startswith("_")
    ]  # fmt: skip


@pytest.mark.parametrize(("number", "columns"), [(9, 1), (2, 1), (11, 2), (13, 2), (5, 1), (35, 2)])
def test_a_figure_is_a_png_with_room_for_its_axes(tmp_path: Path, number: int, columns: int) -> None:
    picture = draw(FIGURES[number], stored(tmp_path / "store", FIGURES[number]), WHERE, tmp_path)
    assert picture.number == number
    assert picture.path == tmp_path / f"fig{number:02d}.png"
    pixels = image.imread(picture.path)
    assert pixels.shape[:2] == (round(4.3 * 110), round((0.6 + 5.6 * columns) * 110))
    assert pixels[..., :3].std() > 0.05  # something is drawn
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("number", "labels"),
    [
        (9, [["FGSM LR m=0", "FGSM LR/BS m=0", "FGSM Benchmark", "LR m=0", "LR/BS m=0", "Benchmark"]]),
        (10, [["PGD LR m=0", "PGD LR/BS m=0", "PGD Benchmark", "LR m=0", "LR/BS m=0", "Benchmark"]]),
        (11, [["LR m=0", "LR/BS m=0", "Benchmark"], ["FGSM LR m=0", "FGSM LR/BS m=0", "FGSM Benchmark"]]),
        (13, [["LR m=0", "LR/BS m=0", "Benchmark"]] * 2),
        (26, [["LR m=0", "LR m=0.2", "LR m=0.5", "LR m=0.9"]] * 2),
    ],
)
def test_every_axes_has_its_lines(tmp_path: Path, drawn: Drawn, number: int, labels: list[list[str]]) -> None:
    axes = drawn(FIGURES[number], stored(tmp_path, FIGURES[number]))
    assert [list(lines(ax)) for ax in axes] == labels


def test_two_tasks_under_one_number_are_titled_by_their_tasks(tmp_path: Path, drawn: Drawn) -> None:
    axes = drawn(FIGURES[13], stored(tmp_path, FIGURES[13]))
    assert [ax.get_title() for ax in axes] == ["M1-MNIST", "StdCNN-MNIST"]
    assert [ax.get_yscale() for ax in axes] == ["log", "log"]


def test_figure_11_has_clean_and_attacked_accuracy_apart(tmp_path: Path, drawn: Drawn) -> None:
    axes = drawn(FIGURES[11], stored(tmp_path, FIGURES[11]))
    assert [ax.get_ylabel() for ax in axes] == ["test accuracy [%]", "FGSM accuracy [%]"]
    assert [ax.get_ylim() for ax in axes] == [(0, 100), (0, 100)]


def test_clean_accuracy_is_dashed_in_the_colour_of_its_attacked_one(tmp_path: Path, drawn: Drawn) -> None:
    (ax,) = drawn(FIGURES[10], stored(tmp_path, FIGURES[10]))
    found = lines(ax)
    for recipe in ("LR m=0", "LR/BS m=0", "Benchmark"):
        assert found[recipe].get_linestyle() == "--"
        assert found[f"PGD {recipe}"].get_linestyle() == "-"
        assert found[recipe].get_color() == found[f"PGD {recipe}"].get_color() == COLOURS[recipe]


def test_every_line_of_the_paper_has_a_colour_of_its_own() -> None:
    recipes = {str(curve.recipe) for figure in FIGURES.values() for curve in figure.curves}
    assert recipes <= set(COLOURS)
    assert len({COLOURS[recipe] for recipe in recipes}) == len(recipes)


def on_axes(tmp_path: Path, measure: Measure, results: Results) -> tuple[Axes, list[str]]:
    """One curve on axes of its own, and the notes on it."""
    curve, ax = Curve(M1_MNIST, LR_BS(), measure), Canvas().subplots()
    store = fill(Store(tmp_path), curve.runs(WHERE), results)
    return ax, drawing._line(ax, read(curve, store, WHERE))


def band(ax: Axes) -> tuple[float, float]:
    (area,) = ax.collections
    heights = area.get_paths()[0].vertices[:, 1]
    return float(heights.min()), float(heights.max())


def test_a_line_of_accuracies_is_the_mean_of_percentages_and_its_band_their_range(tmp_path: Path) -> None:
    ax, notes = on_axes(tmp_path, PGD, lambda run: {"pgd_accuracy": (0.4, 0.5)[run.seed] + run.batch_size / 2560})
    (line,) = lines(ax).values()
    assert list(line.get_xdata()) == [64, 128, 256]
    assert list(line.get_ydata()) == pytest.approx([47.5, 50.0, 55.0])
    assert band(ax) == pytest.approx((42.5, 60.0))
    assert notes == []


def test_a_line_of_eigenvalues_is_the_geometric_mean(tmp_path: Path) -> None:
    ax, _ = on_axes(tmp_path, LAMBDA1, lambda run: {"lambda1": (10.0, 40.0)[run.seed]})
    assert list(lines(ax)["LR/BS m=0"].get_ydata()) == pytest.approx([20.0, 20.0, 20.0])
    assert band(ax) == pytest.approx((10.0, 40.0))


def test_a_diverged_run_leaves_the_other_eigenvalues_as_they_are(tmp_path: Path) -> None:
    def results(run: Run) -> dict[str, float] | None:
        return None if run.batch_size == 256 and run.seed == 1 else {"lambda1": (10.0, 40.0)[run.seed]}

    ax, notes = on_axes(tmp_path, LAMBDA1, results)
    assert list(lines(ax)["LR/BS m=0"].get_ydata()[:2]) == pytest.approx([20.0, 20.0])
    assert notes == ["LR/BS m=0 at 256 (diverged)"]


def test_markers_are_hollow_where_a_seed_is_undertrained_and_crosses_where_one_diverged(tmp_path: Path) -> None:
    def results(run: Run) -> dict[str, float] | None:
        if run.batch_size == 256 and run.seed == 0:
            return None
        return {"train_accuracy": 0.75 if run.batch_size == 128 and run.seed == 1 else 0.85}

    ax, notes = on_axes(tmp_path, TEST_ACCURACY, results)
    assert markers(ax) == [
        (64, pytest.approx(90.0), "o", False),
        (128, pytest.approx(90.0), "o", True),
        (256, pytest.approx(50.0), "X", True),  # chance and 90%
    ]
    assert notes == ["LR/BS m=0 at 128 (80% of its training data)", "LR/BS m=0 at 256 (diverged)"]


def test_only_what_is_stored_whole_is_drawn(tmp_path: Path, drawn: Drawn) -> None:
    whole, part = (Curve(M1_MNIST, recipe, LAMBDA1).runs(WHERE) for recipe in (LR(), LR_BS()))
    first, second = drawn(FIGURES[13], fill(Store(tmp_path), [*whole, *part[:-1]]))
    assert list(lines(first)) == ["LR m=0"]
    assert [text.get_text() for text in first.texts] == []
    assert list(lines(second)) == []
    assert [text.get_text() for text in second.texts] == ["not part of this session"]


def test_the_axis_shows_the_grid_and_doublings_are_equally_far(tmp_path: Path, drawn: Drawn) -> None:
    (ax,) = drawn(FIGURES[9], stored(tmp_path, FIGURES[9]))
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["64", "128", "256"]
    assert ax.get_xscale() == "log"
    low, high = ax.get_xlim()
    assert low < 64
    assert high > 256


def caption(figure: Figure, where: Conditions, notes: list[str] | None = None) -> str:
    return drawing._caption(figure, where, notes or [])


def test_captions_say_what_is_shown_at_what_scale() -> None:
    assert caption(FIGURES[9], WHERE) == (
        "FGSM accuracy of M1-MNIST (1,024 training images, 2 epochs, 2 seeds, epsilon 0.3 in standardised units, "
        "0.0924 of a pixel's range). Lines are means over seeds, bands their range; clean accuracy is dashed."
    )
    assert caption(FIGURES[13], WHERE) == (
        "lambda1 of M1-MNIST (1,024 training images, 2 epochs, 2 seeds); "
        "lambda1 of StdCNN-MNIST (1,024 training images, 2 epochs, 2 seeds). "
        "Lines are means over seeds, bands their range."
    )
    paper = Conditions(PAPER, WHERE.sources, "cuda")
    assert "(all training images, 100 epochs, 5 seeds, epsilon 0.02 of a pixel's range)" in caption(FIGURES[1], paper)


def test_captions_name_each_undertrained_cell_once() -> None:
    text = caption(FIGURES[10], WHERE, ["LR m=0 at 256 (60% of its training data)"] * 2)
    assert text.endswith(" Hollow: undertrained, LR m=0 at 256 (60% of its training data).")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (under(PAPER), "at the paper's scale"),
        (under(PAPER.overridden(epochs=3)), "paper, changed by options regime (reduced)"),
        (conditions(), "quick regime (reduced)"),
        (conditions(data="surrogate"), "quick regime (reduced), SURROGATE DATA"),
        (replace(under(PAPER), trained_as=(HE,)), "at the paper's scale, trained with he-initialisation"),
        (
            replace(conditions(data="surrogate"), trained_as=(HE, UNSTANDARDISED)),
            "quick regime (reduced), trained with he-initialisation and unstandardised-input, SURROGATE DATA",
        ),
    ],
)
def test_the_scale_and_the_surrogate_stand_on_the_figure_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Conditions, expected: str
) -> None:
    kept: list[Canvas] = []
    monkeypatch.setattr(drawing.plt, "close", kept.append)
    draw(FIGURES[9], Store(tmp_path), where, tmp_path)
    monkeypatch.undo()
    plt.close(kept[0])
    assert kept[0].get_suptitle() == f"Figure 9 of the paper, {expected}"


@pytest.mark.parametrize(
    ("panel", "word"),
    [
        (Panel(M1_MNIST, SETTINGS, FGSM), "test accuracy and FGSM accuracy [%]"),
        (Panel(C1_CIFAR10, MOMENTA_OF_LR, PGD), "test accuracy and PGD accuracy [%]"),
        (Panel(C1_CIFAR10, MOMENTA_OF_LR, LAMBDA1), "lambda1: top eigenvalue of the Hessian"),
    ],
)
def test_the_y_axis_says_what_is_measured(panel: Panel, word: str) -> None:
    ax = Canvas().subplots()
    measures = (LAMBDA1,) if panel.measure is LAMBDA1 else (panel.measure, TEST_ACCURACY)
    drawing._dress(ax, panel, measures, WHERE)
    assert ax.get_ylabel() == word
