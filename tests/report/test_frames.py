from pathlib import Path

import pytest
from drawn import WHERE, axes_of, hollow_at_256, legend, markers, stored
from matplotlib.figure import Figure as Canvas
from worlds import Results, healthy, under

from repro.experiment.tasks import C1_CIFAR10, M1_MNIST
from repro.report.drawing.figures import composed
from repro.report.drawing.frames import dress, tick
from repro.runs.run import Run
from repro.verdicts.curves import FGSM, LAMBDA1, PGD, TEST_ACCURACY
from repro.verdicts.figures import FIGURES, MOMENTA_OF_LR, SETTINGS, Panel


def test_axes_on_which_every_run_diverged_have_crosses_and_no_scale(tmp_path: Path) -> None:
    (ax,) = axes_of(FIGURES[8], stored(tmp_path, FIGURES[8], lambda _: None))
    assert [m[2] for m in markers(ax)] == ["X"] * 6
    assert list(ax.get_yticks()) == []
    assert legend(ax) == ["LR/BS m=0", "LR/BS m=0.9", "diverged"]


def test_noise_on_an_axis_of_eigenvalues_looks_like_noise(tmp_path: Path) -> None:
    spans = []
    for factor in (1.01, 100.0):
        results = {64: {"lambda1": 8.0}, 128: {"lambda1": 8.0}, 256: {"lambda1": 8.0 * factor}}
        (ax,) = axes_of(
            FIGURES[2], stored(tmp_path / str(factor), FIGURES[2], lambda run, r=results: r[run.batch_size])
        )
        low, high = ax.get_ylim()
        spans.append(high / low)
        assert low < 8.0 < 8.0 * factor < high
        assert len([place for place in ax.get_yticks() if low <= place <= high]) >= 2
    assert spans[0] == pytest.approx(4)
    assert 100 < spans[1] < 400


@pytest.mark.parametrize(
    ("factor", "within"),
    [(10, {"10", "20", "50"}), (1e3, {"5", "10", "20", "50", "100", "200", "500", "1000", "2000", "5000"})],
)
def test_an_axis_of_eigenvalues_has_ticks_at_1_2_and_5(tmp_path: Path, factor: float, within: set[str]) -> None:
    def results(run: Run) -> dict[str, float]:
        return {"lambda1": 6.0 if run.batch_size == 64 else 6.0 * factor}

    (ax,) = axes_of(FIGURES[2], stored(tmp_path, FIGURES[2], results))
    ax.figure.draw_without_rendering()
    low, high = ax.get_ylim()
    found = zip(ax.get_yticks(), (label.get_text() for label in ax.get_yticklabels()), strict=True)
    assert {text for place, text in found if low <= place <= high} == within


def test_an_axis_of_very_many_decades_has_ticks_at_powers_of_ten(tmp_path: Path) -> None:
    def results(run: Run) -> dict[str, float]:
        return {"lambda1": 3e-4 if run.batch_size == 64 else 3e4}

    (ax,) = axes_of(FIGURES[2], stored(tmp_path, FIGURES[2], results))
    low, high = ax.get_ylim()
    shown = [place for place in ax.get_yticks() if low <= place <= high]
    assert shown == pytest.approx([10.0**power for power in range(-3, 5)])


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), (20, "20"), (0.002, "0.002"), (20_000, "20000"), (0.0005, "5e-04"), (200_000, "2e+05")],
)
def test_a_tick_has_five_characters_at_most_and_says_its_value(value: float, text: str) -> None:
    assert tick(value) == text
    assert float(tick(value)) == value


def test_the_axis_shows_the_grid_and_doublings_are_equally_far(tmp_path: Path) -> None:
    (ax,) = axes_of(FIGURES[9], stored(tmp_path, FIGURES[9]))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["64", "128", "256"]
    assert ax.get_xscale() == "log"
    assert list(ax.get_xticks(minor=True)) == []
    low, high = ax.get_xlim()
    assert low < 64
    assert high > 256


def test_on_a_linear_axis_the_same_grid_stands_at_its_sizes(tmp_path: Path) -> None:
    canvas, _ = composed(FIGURES[9], stored(tmp_path, FIGURES[9]), WHERE, linear=True)
    (ax,) = canvas.axes
    assert [label.get_text() for label in ax.get_xticklabels()] == ["64", "128", "256"]
    assert ax.get_xscale() == "linear"
    assert list(ax.get_xticks(minor=True)) == []
    low, high = ax.get_xlim()
    assert 0 < low < 64
    assert high > 256


def test_one_batch_size_has_room_on_a_linear_axis(tmp_path: Path) -> None:
    where = under(WHERE.regime.overridden(batch_sizes=(64,)))
    canvas, _ = composed(FIGURES[9], stored(tmp_path, FIGURES[9]), where, linear=True)
    low, high = canvas.axes[0].get_xlim()
    assert low < 64 < high


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
    tmp_path: Path, number: int, results: Results, expected: set[str]
) -> None:
    (ax,) = axes_of(FIGURES[number], stored(tmp_path, FIGURES[number], results))
    assert set(legend(ax)) == expected
    assert len(legend(ax)) == len(expected)


def test_the_legend_is_read_row_by_row_recipes_first(tmp_path: Path) -> None:
    (ax,) = axes_of(FIGURES[9], stored(tmp_path, FIGURES[9], hollow_at_256))
    ax.figure.draw_without_rendering()
    boxes = {text.get_text(): text.get_window_extent() for text in ax.get_legend().get_texts()}
    by_place = sorted(boxes, key=lambda word: (-round(boxes[word].y0 / 10), boxes[word].x0))
    assert by_place == ["LR m=0", "LR/BS m=0", "Benchmark", "FGSM accuracy", "test accuracy", "undertrained"]


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
    dress(ax, panel, measures, WHERE)
    assert ax.get_ylabel() == word
