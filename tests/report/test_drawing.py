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
from repro.report.captions import Notes
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
    assert pixels.shape[:2] == (round(4.9 * 110), round((0.4 + 5.6 * columns) * 110))
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


def on_axes(tmp_path: Path, measure: Measure, results: Results) -> tuple[Axes, Notes]:
    """One curve on axes of its own, and the notes on it."""
    curve, ax, notes = Curve(M1_MNIST, LR_BS(), measure), Canvas().subplots(), Notes()
    store = fill(Store(tmp_path), curve.runs(WHERE), results)
    drawing._line(ax, read(curve, store, WHERE), notes)
    return ax, notes


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
    assert notes == Notes()


def test_a_line_of_eigenvalues_is_the_geometric_mean(tmp_path: Path) -> None:
    ax, _ = on_axes(tmp_path, LAMBDA1, lambda run: {"lambda1": (10.0, 40.0)[run.seed]})
    assert list(lines(ax)["LR/BS m=0"].get_ydata()) == pytest.approx([20.0, 20.0, 20.0])
    assert band(ax) == pytest.approx((10.0, 40.0))


def test_a_diverged_run_leaves_the_other_eigenvalues_as_they_are(tmp_path: Path) -> None:
    def results(run: Run) -> dict[str, float] | None:
        return None if run.batch_size == 256 and run.seed == 1 else {"lambda1": (10.0, 40.0)[run.seed]}

    ax, notes = on_axes(tmp_path, LAMBDA1, results)
    assert list(lines(ax)["LR/BS m=0"].get_ydata()) == pytest.approx([20.0, 20.0, 10.0])  # that of seed 0 alone
    assert markers(ax)[2] == (256, pytest.approx(10.0), "X", False)
    assert (notes.diverged, notes.undertrained) == (["LR/BS m=0 at 256 (1 of 2 seeds)"], [])


def test_a_cell_all_of_whose_runs_diverged_is_a_cross_on_the_upper_edge(tmp_path: Path, drawn: Drawn) -> None:
    def results(run: Run) -> dict[str, float] | None:
        return None if run.batch_size in (64, 256) and run.sgd.momentum > 0 else {}

    (ax,) = drawn(FIGURES[6], stored(tmp_path, FIGURES[6], results))
    ax.figure.canvas.draw()
    top = ax.bbox.ymax
    crosses = [m for m in ax.lines if m.get_marker() == "X"]
    places = [m.get_transform().transform((np.ravel(m.get_xdata())[0], np.ravel(m.get_ydata())[0])) for m in crosses]
    assert len(crosses) == 6
    assert [y for _, y in places] == pytest.approx([top] * 6)
    assert not any(m.get_clip_on() for m in crosses)
    across = sorted(x for x, _ in places)
    assert min(np.diff(across)) > 9  # none hides another: a cross is 9 points wide
    assert all(ax.bbox.xmin <= x <= ax.bbox.xmax for x in across)
    assert [colors.to_hex(m.get_color()) for m in crosses[::2]] == [COLOURS[f"LR m={m:g}"] for m in (0.2, 0.5, 0.9)]
    assert "diverged" in legend(ax)


def test_a_figures_caption_names_the_cells_of_all_its_axes_and_their_task_where_there_are_two(tmp_path: Path) -> None:
    def results(run: Run) -> dict[str, float] | None:
        return None if run.batch_size == 256 and run.sgd.momentum == 0.9 else hollow_at_256(run)

    def written(number: int) -> str:
        return draw(FIGURES[number], stored(tmp_path / f"{number}", FIGURES[number], results), WHERE, tmp_path).caption

    assert written(35).endswith(
        "Undertrained (hollow): M1-MNIST LR/BS m=0 at 256 (60% of its training data); "
        "StdCNN-MNIST LR/BS m=0 at 256 (60% of its training data). "
        "Diverged (a cross, on the edge where no seed has a value): M1-MNIST LR/BS m=0.9 at 256 (2 of 2 seeds); "
        "StdCNN-MNIST LR/BS m=0.9 at 256 (2 of 2 seeds)."
    )
    assert written(7).endswith(
        "Undertrained (hollow): LR/BS m=0 at 256 (60% of its training data). "
        "Diverged (a cross): LR/BS m=0.9 at 256 (2 of 2 seeds)."
    )


def test_axes_on_which_every_run_diverged_have_crosses_and_no_scale(tmp_path: Path, drawn: Drawn) -> None:
    (ax,) = drawn(FIGURES[8], stored(tmp_path, FIGURES[8], lambda _: None))
    assert [m[2] for m in markers(ax)] == ["X"] * 6
    assert list(ax.get_yticks()) == []
    assert legend(ax) == ["LR/BS m=0", "LR/BS m=0.9", "diverged"]


def test_an_eigenvalue_that_is_not_positive_is_left_out_and_the_caption_says_so(tmp_path: Path) -> None:
    ax, notes = on_axes(tmp_path, LAMBDA1, lambda run: {"lambda1": -1.0 if run.seed or run.batch_size == 64 else 8.0})
    assert [m[0] for m in markers(ax)] == [128, 256]
    assert list(lines(ax)["LR/BS m=0"].get_ydata()[1:]) == pytest.approx([8.0, 8.0])
    assert notes.sentences() == [
        "Left out, for want of a positive value: LR/BS m=0 at 64 (2 of 2 seeds); LR/BS m=0 at 128 (1 of 2 seeds); "
        "LR/BS m=0 at 256 (1 of 2 seeds)."
    ]


def test_markers_are_hollow_where_a_seed_is_undertrained_and_crosses_where_one_diverged(tmp_path: Path) -> None:
    def results(run: Run) -> dict[str, float] | None:
        if run.batch_size == 256 and run.seed == 0:
            return None
        return {"train_accuracy": 0.75 if run.batch_size == 128 and run.seed == 1 else 0.85}

    ax, notes = on_axes(tmp_path, TEST_ACCURACY, results)
    assert markers(ax) == [
        (64, pytest.approx(90.0), "o", False),
        (128, pytest.approx(90.0), "o", True),
        (256, pytest.approx(50.0), "X", False),  # chance and 90%
    ]
    assert notes.undertrained == ["LR/BS m=0 at 128 (80% of its training data)"]
    assert notes.diverged == ["LR/BS m=0 at 256 (1 of 2 seeds)"]


def test_only_what_is_stored_whole_is_drawn(tmp_path: Path, drawn: Drawn) -> None:
    whole, part = (Curve(M1_MNIST, recipe, LAMBDA1).runs(WHERE) for recipe in (LR(), LR_BS()))
    first, second = drawn(FIGURES[13], fill(Store(tmp_path), [*whole, *part[:-1]]))
    assert list(lines(first)) == ["LR m=0"]
    assert [text.get_text() for text in first.texts] == []
    assert list(lines(second)) == []
    assert [text.get_text() for text in second.texts] == ["not part of this session"]


def test_noise_on_an_axis_of_eigenvalues_looks_like_noise(tmp_path: Path, drawn: Drawn) -> None:
    spans = []
    for factor in (1.01, 100.0):
        results = {64: {"lambda1": 8.0}, 128: {"lambda1": 8.0}, 256: {"lambda1": 8.0 * factor}}
        (ax,) = drawn(FIGURES[2], stored(tmp_path / str(factor), FIGURES[2], lambda run, r=results: r[run.batch_size]))
        low, high = ax.get_ylim()
        spans.append(high / low)
        assert low < 8.0 < 8.0 * factor < high
        assert len([tick for tick in ax.get_yticks() if low <= tick <= high]) >= 2
    assert spans[0] == pytest.approx(4)
    assert 100 < spans[1] < 400


def test_lines_that_coincide_can_all_be_seen(tmp_path: Path, drawn: Drawn) -> None:
    (ax,) = drawn(FIGURES[5], stored(tmp_path, FIGURES[5]))  # healthy: all the same
    for word in ("FGSM ", ""):
        widths = [lines(ax)[f"{word}LR m={m}"].get_linewidth() for m in ("0", "0.2", "0.5", "0.9")]
        assert min(-np.diff(widths)) > 0.5  # each is drawn upon the one before it
    sizes = {colors.to_hex(m.get_color()): m.get_markersize() for m in ax.lines if m.get_marker() == "o"}
    assert min(-np.diff([sizes[COLOURS[f"LR m={m}"]] for m in ("0", "0.2", "0.5", "0.9")])) > 1


def test_the_axis_shows_the_grid_and_doublings_are_equally_far(tmp_path: Path, drawn: Drawn) -> None:
    (ax,) = drawn(FIGURES[9], stored(tmp_path, FIGURES[9]))
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["64", "128", "256"]
    assert ax.get_xscale() == "log"
    low, high = ax.get_xlim()
    assert low < 64
    assert high > 256


def legend(ax: Axes) -> list[str]:
    found = ax.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def hollow_at_256(run: Run) -> dict[str, float]:
    return {"train_accuracy": 0.6 if run.batch_size == 256 else 0.95}


@pytest.mark.parametrize(
    ("number", "results", "expected"),
    [
        (9, healthy, {"LR m=0", "LR/BS m=0", "Benchmark", "FGSM accuracy", "test accuracy"}),
        (10, hollow_at_256, {"LR m=0", "LR/BS m=0", "Benchmark", "PGD accuracy", "test accuracy", "undertrained"}),
        (2, healthy, {"LR m=0", "LR/BS m=0", "Benchmark"}),
        (6, hollow_at_256, {"LR m=0", "LR m=0.2", "LR m=0.5", "LR m=0.9", "undertrained"}),
    ],
)
def test_the_legend_explains_what_is_drawn_and_nothing_else(
    tmp_path: Path, drawn: Drawn, number: int, results: Results, expected: set[str]
) -> None:
    (ax,) = drawn(FIGURES[number], stored(tmp_path, FIGURES[number], results))
    assert set(legend(ax)) == expected
    assert len(legend(ax)) == len(expected)


@pytest.mark.parametrize("number", [1, 5, 6, 11, 13, 26, 36])
def test_the_legend_stands_below_the_axes_and_within_the_picture(tmp_path: Path, drawn: Drawn, number: int) -> None:
    axes = drawn(FIGURES[number], stored(tmp_path, FIGURES[number], hollow_at_256))
    canvas = axes[0].figure
    canvas.draw_without_rendering()
    for ax in axes:
        found = ax.get_legend()
        assert found is not None
        box = found.get_window_extent()
        assert box.y1 <= ax.xaxis.label.get_window_extent().y0
        assert canvas.bbox.y0 <= box.y0
        assert canvas.bbox.x0 <= box.x0
        assert box.x1 <= canvas.bbox.x1


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (under(PAPER), "at the paper's scale"),
        (under(PAPER.overridden(epochs=3)), "paper, changed by options regime (reduced)"),
        (conditions(), "quick regime (reduced)"),
        (conditions(data="surrogate"), "quick regime (reduced), SURROGATE DATA"),
        (replace(under(PAPER), precision="tf32"), "at the paper's scale, trained in tf32"),
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
    ("width", "expected"), [(4, "ResNet18-CIFAR10, width 4 instead of 64"), (64, "ResNet18-CIFAR10")]
)
def test_a_network_of_another_width_than_the_papers_is_named_so_above_its_axes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, expected: str
) -> None:
    where = under(WHERE.regime.overridden(width=width))
    kept: list[Canvas] = []
    monkeypatch.setattr(drawing.plt, "close", kept.append)
    for number in (15, 17, 1):
        draw(FIGURES[number], Store(tmp_path), where, tmp_path)
    monkeypatch.undo()
    titles = [canvas.axes[0].get_title() for canvas in kept]
    for canvas in kept:
        plt.close(canvas)
    assert titles == [expected, expected, "C1-CIFAR10"]  # width is ResNet18's alone


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
