from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from PIL import Image

from repro.report.scorecard import Row, Scorecard
from repro.report.sheets import COLOURS, WIDTH, draw_contact_sheet, draw_scorecard
from repro.science.tasks import TASKS

AREA = 500  # pixels: less of a colour is the edge of a letter
PURE = ("red", "green", "blue", "yellow", "black", "purple", "orange")


def pictures(folder: Path, *sizes: tuple[int, int]) -> list[Path]:
    """Pictures of one colour each, the n-th in the n-th of ``PURE``."""
    paths = [folder / f"{i}.png" for i in range(len(sizes))]
    for path, size, colour in zip(paths, sizes, PURE, strict=False):
        Image.new("RGBA", size, colour).save(path)
    return paths


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def centre(path: Path, colour: str) -> tuple[float, float] | None:
    """Where a colour is in a picture: x and y of its middle, as shares of the width and the height."""
    shown = pixels(path)
    wanted = np.array([round(255 * part) for part in to_rgb(colour)])
    found = np.argwhere(np.abs(shown - wanted).max(axis=2) <= 1)
    if len(found) < AREA:
        return None
    y, x = (np.median(found, axis=0) + 0.5) / shown.shape[:2]
    return float(x), float(y)


@pytest.mark.parametrize(
    ("count", "size"),
    [(1, (WIDTH, 300)), (5, (5 * WIDTH, 300)), (6, (5 * WIDTH, 600)), (7, (5 * WIDTH, 600))],
)
def test_a_contact_sheet_has_five_figures_in_a_row(tmp_path: Path, count: int, size: tuple[int, int]) -> None:
    path = tmp_path / "sheet.png"
    assert draw_contact_sheet(pictures(tmp_path, *[(840, 600)] * count), path) == path
    with Image.open(path) as image:
        assert (image.format, image.size) == ("PNG", size)


def test_figures_stand_in_their_order_and_the_rest_is_white(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    draw_contact_sheet(pictures(tmp_path, *[(210, 50)] * 7), path)
    places = [centre(path, colour) for colour in (*PURE, "white")]
    upper, lower = [((i + 0.5) / 5, 0.25) for i in range(5)], [(0.1, 0.75), (0.3, 0.75)]
    assert places == [pytest.approx(place) for place in [*upper, *lower, (0.7, 0.75)]]


def test_figures_of_different_shapes_keep_them_and_none_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    draw_contact_sheet(pictures(tmp_path, (420, 100), (840, 800)), path)
    shown = pixels(path)
    assert shown.shape == (400, 2 * WIDTH, 3)
    red, green = (int((shown == [round(255 * part) for part in to_rgb(c)]).all(axis=2).sum()) for c in PURE[:2])
    assert (red, green) == (WIDTH * 100, WIDTH * 400)


def test_without_figures_there_is_no_contact_sheet(tmp_path: Path) -> None:
    assert draw_contact_sheet([], tmp_path / "sheet.png") is None
    assert not list(tmp_path.iterdir())


def card(*rows: tuple[str, ...]) -> Scorecard:
    tasks = tuple(TASKS)[: len(rows[0]) if rows else 0]
    return Scorecard(tasks, tuple(Row(f"claim-{i}", "", ("-",) * len(row), row) for i, row in enumerate(rows)))


def test_every_outcome_has_a_colour_of_its_own_where_its_cell_is(tmp_path: Path) -> None:
    path = tmp_path / "card.png"
    drawn = card(("holds", "fails", ""), ("", "undecided", "error"))
    assert draw_scorecard(drawn, "Verdicts", path) == path
    places = [centre(path, COLOURS[outcome]) for outcome in ("holds", "fails", "undecided", "error")]
    x, y = zip(*(place for place in places if place), strict=True)
    assert ranks(x) == [0, 1, 1, 2]
    assert ranks(y) == [0, 0, 1, 1]


def ranks(shares: tuple[float, ...]) -> list[int]:
    """Of places in a picture, which come first: those within a hundredth of it are one."""
    near = [round(share, 2) for share in shares]
    return [sorted({*near}).index(share) for share in near]


@pytest.mark.parametrize("outcome", COLOURS)
def test_a_scorecard_has_no_colour_but_those_of_its_outcomes(tmp_path: Path, outcome: str) -> None:
    path = draw_scorecard(card((outcome,)), "Verdicts", tmp_path / "card.png")
    shown = {found for found, colour in COLOURS.items() if found and centre(path, colour)}
    assert shown == {outcome} - {""}


def test_the_colours_can_be_told_apart() -> None:
    colours = np.array([to_rgb(colour) for colour in COLOURS.values()])
    apart = np.abs(colours[:, None] - colours[None]).max(axis=2)
    assert apart[~np.eye(len(colours), dtype=bool)].min() > 0.08


def test_a_scorecard_says_its_title_tasks_claims_and_verdicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(plt, "close", drawn.append)
    rows = (Row("it-drops", "FGSM", ("reproduced", "-"), ("holds", "")),)
    draw_scorecard(Scorecard(("M1-MNIST", "C1-CIFAR10"), rows), "Verdicts, at some scale", tmp_path / "card.png")
    monkeypatch.undo()
    (canvas,) = drawn
    plt.close(canvas)
    (axes,) = canvas.axes
    words = ["Verdicts, at some scale", "M1-MNIST", "C1-CIFAR10", "it-drops (FGSM)", "reproduced", "-"]
    assert [text.get_text() for text in axes.texts] == words
    inside = axes.get_window_extent()
    assert all(inside.contains(*point) for text in axes.texts for point in text.get_window_extent().corners())


def test_a_scorecard_grows_with_its_rows_and_tasks_and_may_be_empty(tmp_path: Path) -> None:
    before = plt.get_fignums()
    rows = [(), (("holds",),), (("holds",),) * 9, (("holds", "fails"),) * 9]
    sizes = []
    for each in rows:
        with Image.open(draw_scorecard(card(*each), "Verdicts", tmp_path / "card.png")) as image:
            assert image.format == "PNG"
            sizes.append(image.size)
    widths, heights = zip(*sizes, strict=True)
    assert widths[0] < widths[1] == widths[2] < widths[3]
    assert heights[0] < heights[1] < heights[2] == heights[3]
    assert plt.get_fignums() == before
