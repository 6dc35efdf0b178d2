from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgb
from PIL import Image

from repro.experiment.tasks import TASKS
from repro.report.drawing.sheets import (
    COLOURS,
    HATCHED,
    HEIGHT,
    PLACE,
    composed_scorecard,
    draw_contact_sheet,
    draw_scorecard,
)
from repro.report.scorecard import NOTHING, Cell, Row, Scorecard

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


SINGLE, DOUBLE = (600, 500), (1200, 500)  # figures with one and with two pairs of axes


def places(across: int, down: int) -> tuple[int, int]:
    return across * PLACE[0], down * PLACE[1]


@pytest.mark.parametrize(
    ("count", "size"), [(1, places(1, 1)), (5, places(5, 1)), (6, places(5, 2)), (7, places(5, 2))]
)
def test_a_contact_sheet_has_five_figures_in_a_row(tmp_path: Path, count: int, size: tuple[int, int]) -> None:
    path = tmp_path / "sheet.png"
    assert draw_contact_sheet(pictures(tmp_path, *[SINGLE] * count), path) == path
    with Image.open(path) as image:
        assert (image.format, image.size) == ("PNG", size)


def test_figures_stand_in_their_order_and_the_rest_is_white(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    draw_contact_sheet(pictures(tmp_path, *[SINGLE] * 7), path)
    upper, lower = [((i + 0.5) / 5, 0.25) for i in range(5)], [(0.1, 0.75), (0.3, 0.75)]
    assert [centre(path, colour) for colour in PURE] == [pytest.approx(p, abs=1e-3) for p in [*upper, *lower]]
    assert (pixels(path)[PLACE[1] :, 2 * PLACE[0] :] == 255).all()


def test_a_figure_with_two_pairs_of_axes_has_two_places_and_the_scale_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    draw_contact_sheet(pictures(tmp_path, SINGLE, DOUBLE, SINGLE), path)
    assert pixels(path).shape[:2] == places(4, 1)[::-1]
    assert [centre(path, c) for c in PURE[:3]] == [pytest.approx((x, 0.5), abs=2e-3) for x in (1 / 8, 1 / 2, 7 / 8)]
    red, green, blue = (area(path, colour) for colour in PURE[:3])
    assert red == blue == HEIGHT * 510
    assert green == 2 * red


def test_a_figure_that_no_longer_fits_into_a_row_opens_the_next_and_the_order_stays(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    draw_contact_sheet(pictures(tmp_path, *[SINGLE] * 4, DOUBLE, SINGLE), path)
    assert pixels(path).shape[:2] == places(4, 2)[::-1]
    found = [centre(path, colour) for colour in PURE[:6]]
    upper, lower = [((i + 0.5) / 4, 0.25) for i in range(4)], [(1 / 4, 0.75), (5 / 8, 0.75)]
    assert found == [pytest.approx(place, abs=2e-3) for place in [*upper, *lower]]


def test_a_figure_wider_than_the_sheet_is_made_to_fit(tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    draw_contact_sheet(pictures(tmp_path, (6000, 500), SINGLE), path)
    assert pixels(path).shape[:2] == places(5, 2)[::-1]
    assert area(path, "red") == 5 * PLACE[0] * int(500 * 5 * PLACE[0] / 6000)


def area(path: Path, colour: str) -> int:
    """How many pixels of a picture are of a colour."""
    return int((pixels(path) == [round(255 * part) for part in to_rgb(colour)]).all(axis=2).sum())


def test_without_figures_there_is_no_contact_sheet(tmp_path: Path) -> None:
    assert draw_contact_sheet([], tmp_path / "sheet.png") is None
    assert not list(tmp_path.iterdir())


def card(*rows: tuple[str, ...]) -> Scorecard:
    tasks = tuple(TASKS)[: len(rows[0]) if rows else 0]
    return Scorecard(
        tasks, tuple(Row(f"claim-{i}", "", tuple(Cell("-", outcome) for outcome in row)) for i, row in enumerate(rows))
    )


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


LONG = Cell("trend not seen (surrogate, he-initialisation)", "fails")
ROWS = (
    Row("it-drops", "FGSM", (Cell("reproduced", "holds"), NOTHING)),
    Row("it-drops", "PGD-LR/BS-m=0.9", (LONG, LONG)),
    Row("a-claim-of-a-name-of-some-length", "test-less-than-with-LR", (NOTHING, Cell("error", "error"))),
)


@pytest.mark.parametrize("title", ["Verdicts, at some scale", "Verdicts, a title that is longer than all columns" * 2])
def test_a_scorecard_says_its_title_tasks_claims_and_verdicts(title: str) -> None:
    canvas = composed_scorecard(Scorecard(("M1-MNIST", "C1-CIFAR10"), ROWS), title)
    (axes,) = canvas.axes
    assert [text.get_text().strip() for text in axes.texts] == [
        *(title, "M1-MNIST", "C1-CIFAR10", "it-drops", "FGSM", "reproduced", "-"),
        *("PGD-LR/BS-m=0.9", LONG.long, LONG.long),
        *("a-claim-of-a-name-of-some-length (test-less-than-with-LR)", "-", "error"),
    ]
    boxes = [text.get_window_extent() for text in axes.texts]
    assert all(canvas.bbox.contains(*point) for box in boxes for point in box.corners())
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


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


@pytest.mark.parametrize(
    ("cell", "hatched"), [(Cell("yes", "holds"), False), (Cell("yes", "holds", unlearnt=True), True)]
)
def test_a_cell_is_hatched_where_networks_have_not_learnt(cell: Cell, hatched: bool) -> None:
    (axes,) = composed_scorecard(Scorecard(("M1-MNIST",), (Row("it-drops", "", (cell,)),)), "Verdicts").axes
    assert [bool(patch.get_hatch()) for patch in axes.patches] == [hatched]
    assert (HATCHED in [text.get_text() for text in axes.texts]) == hatched


def test_a_scorecard_says_what_its_marks_mean_and_of_others_nothing() -> None:
    def texts(cell: Cell) -> list[str]:
        (axes,) = composed_scorecard(Scorecard(("M1-MNIST",), (Row("it-drops", "", (cell,)),)), "Verdicts").axes
        return [text.get_text() for text in axes.texts]

    assert "[ ] = asked beyond what the paper says, or of one task alone" in texts(Cell("yes", "holds", own=False))
    assert not any(text.startswith("[ ] =") for text in texts(Cell("yes", "holds")))
    assert any(text.startswith("\u2260 = ") for text in texts(Cell("yes", "holds", differs=True)))
