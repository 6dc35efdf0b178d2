from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn import WHERE, axes_of, hollow_at_256, legend, lines, marked, markers, stored
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from worlds import Results, conditions, fill, is_of

from repro.experiment.recipes import BENCHMARK, LR_BS
from repro.experiment.tasks import M1_MNIST
from repro.report.drawing.captions import Notes, caption
from repro.report.drawing.colours import COLOURS
from repro.report.drawing.figures import composed
from repro.report.drawing.marks import put
from repro.runs.run import Run
from repro.runs.store import Store
from repro.verdicts.curves import LAMBDA1, PGD, TEST_ACCURACY, Curve, Measure, read
from repro.verdicts.figures import FIGURES


def on_axes(tmp_path: Path, measure: Measure, results: Results) -> tuple[Axes, Notes]:
    """One curve on axes of its own, and the notes on it."""
    curve, ax, notes = Curve(M1_MNIST, LR_BS(), measure), Canvas().subplots(), Notes()
    store = fill(Store(tmp_path), curve.runs(WHERE), results)
    put(ax, read(curve, store, WHERE), notes)
    return ax, notes


def dots(ax: Axes) -> list[float]:
    found: Any = ax.collections[0]
    return sorted(float(height) for _, height in found.get_offsets())


def bars(ax: Axes) -> list[list[float]]:
    found: Any = ax.collections[0]
    return [[float(height) for _, height in segment] for segment in found.get_segments()]


def test_every_line_of_the_paper_has_a_colour_of_its_own() -> None:
    recipes = {str(curve.recipe) for figure in FIGURES.values() for curve in figure.curves}
    assert recipes <= set(COLOURS)
    assert len({COLOURS[recipe] for recipe in recipes}) == len(recipes)


def test_attacked_accuracy_is_dashed_in_the_colour_of_its_clean_one(tmp_path: Path) -> None:
    (ax,) = axes_of(FIGURES[10], stored(tmp_path, FIGURES[10]))
    found = lines(ax)
    for recipe in ("LR m=0", "LR/BS m=0", "Benchmark"):
        assert found[recipe].get_linestyle() == "-"
        assert found[f"PGD {recipe}"].get_linestyle() == "--"
        assert found[recipe].get_color() == found[f"PGD {recipe}"].get_color() == COLOURS[recipe]


def dotted(ax: Axes) -> list[Line2D]:
    return [line for line in ax.lines if line.get_linestyle() == ":"]


def test_what_the_strongest_attack_leaves_is_dotted_where_it_is_another_number(tmp_path: Path) -> None:
    def saturates(run: Run) -> dict[str, float]:
        return {"pgd_sound_accuracy": 0.5 - run.batch_size / 1280} if is_of(run, BENCHMARK) else {}

    canvas, notes = composed(FIGURES[10], stored(tmp_path, FIGURES[10], saturates), WHERE)
    (ax,) = canvas.axes
    (line,) = dotted(ax)
    assert line.get_color() == COLOURS["Benchmark"]
    assert list(line.get_ydata()) == pytest.approx([45, 40, 30])
    assert legend(ax)[-1] == "strongest attack"
    written = caption(FIGURES[10], WHERE, notes)
    assert "Dotted: under the strongest attack on each image." in written


def test_where_no_attack_is_blinded_there_is_nothing_dotted_to_explain(tmp_path: Path) -> None:
    store = stored(tmp_path, FIGURES[10], lambda _: {"pgd_sound_accuracy": 0.495})  # half a point is the search's
    canvas, notes = composed(FIGURES[10], store, WHERE)
    assert dotted(canvas.axes[0]) == []
    assert "strongest attack" not in legend(canvas.axes[0])
    assert "otted" not in caption(FIGURES[10], WHERE, notes)


def test_a_line_of_accuracies_is_the_mean_of_percentages_and_each_of_few_seeds_a_dot(tmp_path: Path) -> None:
    ax, notes = on_axes(tmp_path, PGD, lambda run: {"pgd_accuracy": (0.4, 0.5)[run.seed] + run.batch_size / 2560})
    (line,) = lines(ax).values()
    assert list(line.get_xdata()) == [64, 128, 256]
    assert list(line.get_ydata()) == pytest.approx([47.5, 50.0, 55.0])
    assert dots(ax) == pytest.approx([42.5, 45.0, 50.0, 52.5, 55.0, 60.0])
    assert notes == Notes()


def test_a_line_of_eigenvalues_is_the_geometric_mean(tmp_path: Path) -> None:
    ax, _ = on_axes(tmp_path, LAMBDA1, lambda run: {"lambda1": (10.0, 40.0)[run.seed]})
    assert list(lines(ax)["LR/BS m=0"].get_ydata()) == pytest.approx([20.0, 20.0, 20.0])
    assert dots(ax) == pytest.approx([10.0] * 3 + [40.0] * 3)


def test_of_more_seeds_bars_reach_from_the_lowest_to_the_highest(tmp_path: Path) -> None:
    where, curve = conditions(seeds=4), Curve(M1_MNIST, LR_BS(), PGD)
    store = fill(Store(tmp_path), curve.runs(where), lambda run: {"pgd_accuracy": 0.4 + run.seed / 100})
    ax = Canvas().subplots()
    put(ax, read(curve, store, where), Notes())
    assert bars(ax) == [pytest.approx([40.0, 43.0])] * 3


def test_where_lines_coincide_each_is_broader_than_the_one_upon_it(tmp_path: Path) -> None:
    (ax,) = axes_of(FIGURES[2], stored(tmp_path, FIGURES[2]))
    widths = [line.get_linewidth() for line in lines(ax).values()]
    assert all(below - above > 0.8 for below, above in pairwise(widths))


def test_a_diverged_run_leaves_the_other_eigenvalues_as_they_are(tmp_path: Path) -> None:
    def results(run: Run) -> dict[str, float] | None:
        return None if run.batch_size == 256 and run.seed == 1 else {"lambda1": (10.0, 40.0)[run.seed]}

    ax, notes = on_axes(tmp_path, LAMBDA1, results)
    assert list(lines(ax)["LR/BS m=0"].get_ydata()) == pytest.approx([20.0, 20.0, 10.0])  # that of seed 0 alone
    assert markers(ax)[2] == (256, pytest.approx(10.0), "X", False)
    assert (notes.diverged, notes.undertrained) == (["LR/BS m=0 at 256 (1 of 2 seeds)"], [])


def test_a_cell_all_of_whose_runs_diverged_is_a_cross_on_the_upper_edge(tmp_path: Path) -> None:
    def results(run: Run) -> dict[str, float] | None:
        return None if run.batch_size in (64, 256) and run.sgd.momentum > 0 else {}

    (ax,) = axes_of(FIGURES[6], stored(tmp_path, FIGURES[6], results))
    ax.figure.draw_without_rendering()
    crosses = [m for m in marked(ax) if m.get_marker() == "X"]
    places = {colors.to_hex(m.get_color()): m.get_transform().transform(m.get_xydata()) for m in crosses}
    assert list(places) == [COLOURS[f"LR m={m:g}"] for m in (0.2, 0.5, 0.9)]
    assert {len(each) for each in places.values()} == {2}  # at 64 and at 256
    assert np.concatenate([*places.values()])[:, 1] == pytest.approx(ax.bbox.ymax)
    assert not any(m.get_clip_on() for m in crosses)
    across = sorted(np.concatenate([*places.values()])[:, 0])
    assert min(np.diff(across)) > 9 * ax.figure.dpi / 72  # none hides another: a cross is 9 points wide
    assert all(ax.bbox.xmin <= x <= ax.bbox.xmax for x in across)
    assert "diverged" in legend(ax)


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
    assert notes.undertrained == ["LR/BS m=0 at 128 (1 of 2 seeds: 75% of its training data)"]
    assert notes.diverged == ["LR/BS m=0 at 256 (1 of 2 seeds)"]


def test_each_marker_is_seen_where_its_cell_is_in_its_colour(tmp_path: Path) -> None:
    def results(run: Run) -> dict[str, float]:
        return {"lambda1": 8.0 + 50 * run.sgd.momentum, **hollow_at_256(run)}

    (ax,) = axes_of(FIGURES[8], stored(tmp_path, FIGURES[8], results))
    renderer = FigureCanvasAgg(ax.figure)
    renderer.draw()
    seen = np.asarray(renderer.buffer_rgba())[::-1, :, :3] / 255
    for line in marked(ax):
        colour, radius = colors.to_rgb(line.get_color()), line.get_markersize() / 2 * ax.figure.dpi / 72
        for size, (x, y) in zip(line.get_xdata(), line.get_transform().transform(line.get_xydata()), strict=True):
            inside, edge = seen[round(y), round(x)], seen[round(y), round(x + radius)]
            assert inside == pytest.approx(colors.to_rgb("white") if size == 256 else colour, abs=0.02)
            assert np.abs(edge - colour).max() < 0.3  # an edge is smoothed
    assert {colors.to_hex(line.get_color()) for line in marked(ax)} == {COLOURS["LR/BS m=0"], COLOURS["LR/BS m=0.9"]}


def test_cells_that_look_alike_are_drawn_together(tmp_path: Path) -> None:
    ax, _ = on_axes(tmp_path, TEST_ACCURACY, hollow_at_256)
    assert [list(line.get_xdata()) for line in marked(ax)] == [[64, 128], [256]]


def test_lines_that_coincide_can_all_be_seen(tmp_path: Path) -> None:
    (ax,) = axes_of(FIGURES[5], stored(tmp_path, FIGURES[5]))  # healthy: all the same
    for word in ("FGSM ", ""):
        widths = [lines(ax)[f"{word}LR m={m}"].get_linewidth() for m in ("0", "0.2", "0.5", "0.9")]
        assert min(-np.diff(widths)) > 0.5  # each is drawn upon the one before it
    sizes = {colors.to_hex(m.get_color()): m.get_markersize() for m in ax.lines if m.get_marker() == "o"}
    assert min(-np.diff([sizes[COLOURS[f"LR m={m}"]] for m in ("0", "0.2", "0.5", "0.9")])) > 1
