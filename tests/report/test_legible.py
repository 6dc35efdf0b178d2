"""Whether all that is written on a figure can be read, measured by a renderer: places in figures are fixed."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from drawn import WHERE, hollow_at_256, stored
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from worlds import Results, healthy, under

from repro.experiment.regimes import QUICK
from repro.experiment.trained_as import HE, UNSTANDARDISED
from repro.report.drawing.figures import composed
from repro.report.drawing.frames import MARGIN
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.verdicts.figures import FIGURES

# One of each kind: three recipes, four, two; accuracy, lambda1; one pair of axes, two of one task, two of two tasks.
KINDS = (9, 2, 22, 6, 7, 8, 11, 13, 26, 35, 15)


def everything(run: Run) -> dict[str, float] | None:
    """Hollow markers, and crosses on the edge and below it: the longest legends."""
    return None if run.batch_size == 64 and (run.seed or run.sgd.momentum) else hollow_at_256(run)


def between(low: float, high: float) -> Results:
    """Eigenvalues that need so long an axis."""
    return lambda run: {"lambda1": low if run.batch_size == 64 else high}


def drawn(number: int, store: Store, where: Conditions = WHERE) -> Canvas:
    canvas, _ = composed(FIGURES[number], store, where)
    canvas.draw_without_rendering()
    return canvas


def written(canvas: Canvas) -> dict[Text, Bbox]:
    """Every text that is seen, with its place in inches."""
    texts = [*canvas.texts, *(text for ax in canvas.axes for text in written_around(ax))]
    title: Text | None = canvas._suptitle  # type: ignore[attr-defined]
    seen = [text for text in (*texts, title) if text is not None and text.get_text()]
    return {text: text.get_window_extent().transformed(canvas.dpi_scale_trans.inverted()) for text in seen}


def written_around(ax: Axes) -> Iterator[Text]:
    yield from (ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts)
    for axis in (ax.xaxis, ax.yaxis):
        low, high = axis.get_view_interval()
        yield from (tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high)
    if found := ax.get_legend():
        yield from found.get_texts()


def assert_legible(canvas: Canvas) -> None:
    """No text is cut off at the edge, or written over another one or into the axes."""
    places = written(canvas)
    width, height = canvas.get_size_inches()
    near = MARGIN / 2
    for text, box in places.items():
        assert near <= box.x0 < box.x1 <= width - near, text
        assert near <= box.y0 < box.y1 <= height - near, text
    for (one, here), (other, there) in combinations(places.items(), 2):
        assert not here.overlaps(there), (one, other)
    inches = canvas.dpi_scale_trans.inverted()
    for ax in canvas.axes:
        outside = [text for text in places if text not in ax.texts]
        assert not any(places[text].overlaps(ax.bbox.transformed(inches)) for text in outside)


@pytest.mark.parametrize("number", KINDS)
@pytest.mark.parametrize("results", [healthy, hollow_at_256, everything], ids=lambda results: results.__name__)
def test_nothing_written_on_a_figure_is_cut_off_or_written_over(tmp_path: Path, number: int, results: Results) -> None:
    canvas = drawn(number, stored(tmp_path, FIGURES[number], results))
    assert len(written(canvas)) >= 10
    assert_legible(canvas)


@pytest.mark.parametrize("number", [2, 26])
@pytest.mark.parametrize(
    ("low", "high"), [(3e-4, 7e-4), (2e5, 9e6), (3.0, 2e5), (1e-3, 40.0), (1e-6, 1e6), (1e-9, 1e8), (9.9, 10.1)]
)
def test_the_ticks_of_an_axis_of_eigenvalues_can_be_read_however_long_it_is(
    tmp_path: Path, number: int, low: float, high: float
) -> None:
    canvas = drawn(number, stored(tmp_path, FIGURES[number], between(low, high)))
    assert_legible(canvas)
    for ax in canvas.axes:
        assert len([place for place in ax.get_yticks() if ax.get_ylim()[0] <= place <= ax.get_ylim()[1]]) >= 2


@pytest.mark.parametrize("number", [9, 13, 15])
def test_a_figure_of_which_nothing_is_stored_can_be_read(tmp_path: Path, number: int) -> None:
    assert_legible(drawn(number, Store(tmp_path)))


@pytest.mark.parametrize("number", [9, 13, 15])
def test_a_title_that_is_too_long_for_a_line_goes_on_in_the_next(tmp_path: Path, number: int) -> None:
    regime = replace(WHERE.regime, name="a regime of our own with Wide Words, WWWWWWWWWWWWW, and no end of them")
    where = replace(under(regime.overridden(width=4), "surrogate"), trained_as=(HE, UNSTANDARDISED), precision="tf32")
    canvas = drawn(number, Store(tmp_path), where)
    assert canvas.get_suptitle().count("\n") in (1, 2, 3, 4)
    assert_legible(canvas)


def test_the_quick_regimes_titles_take_one_line(tmp_path: Path) -> None:
    canvas = drawn(39, Store(tmp_path), under(QUICK, "surrogate"))
    assert canvas.get_suptitle() == "Our figure 39, quick regime (reduced), SURROGATE DATA"


@pytest.mark.parametrize("number", KINDS)
def test_the_legend_stands_below_the_axes_and_within_the_picture(tmp_path: Path, number: int) -> None:
    canvas = drawn(number, stored(tmp_path, FIGURES[number], everything))
    boxes = []
    for ax in canvas.axes:
        found = ax.get_legend()
        assert found is not None
        boxes.append(found.get_window_extent())
        assert boxes[-1].y1 <= ax.xaxis.label.get_window_extent().y0
        assert canvas.bbox.x0 <= boxes[-1].x0 < boxes[-1].x1 <= canvas.bbox.x1
        assert canvas.bbox.y0 <= boxes[-1].y0
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


@pytest.mark.parametrize("number", KINDS)
def test_markers_are_within_the_picture_and_clear_of_the_title(tmp_path: Path, number: int) -> None:
    canvas = drawn(number, stored(tmp_path, FIGURES[number], everything))
    for ax in canvas.axes:
        title = ax.title.get_window_extent()
        for line in ax.lines:
            box = line.get_window_extent()
            assert canvas.bbox.x0 <= box.x0 < box.x1 <= canvas.bbox.x1
            assert not box.overlaps(title)
            assert box.y1 < title.y0
