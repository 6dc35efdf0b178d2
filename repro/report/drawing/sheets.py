"""Two pictures that show everything at a glance: the scorecard, and a contact sheet of all figures."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from matplotlib import rc_context
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from PIL import Image

from ..scorecard import Cell, Scorecard
from ..text import clean
from .figures import COMPRESSION, STYLE

COLOURS: Final = {
    "holds": "#b7dfb9",
    "fails": "#f2b8b0",
    "undecided": "#f4e3a6",
    "not learnt": "#e3e3e3",
    "error": "#d9b8e6",
    "": "#ffffff",
}
CELL: Final = (1.45, 0.26)  # inches of a verdict on the scorecard, at least as wide as that
LETTER, SMALL_LETTER, TITLE_LETTER = (
    0.068,
    0.064,
    0.11,
)  # inches that a letter takes at most, of a name, a cell, the title
HEAD, MARGIN = 0.75, 0.12  # inches above the first row, and around everything
ACROSS: Final = 5  # places in a row of the contact sheet
HATCHED: Final = "hatched = some networks behind it have not learnt"
HEIGHT: Final = 425  # pixels of a figure there
PLACE: Final = (532, 440)  # pixels of a place: a figure with one pair of axes, and a gap


def draw_scorecard(card: Scorecard, title: str, path: Path) -> Path:
    """Write the scorecard as a PNG."""
    with rc_context(STYLE):
        composed_scorecard(card, title).savefig(path, dpi=130, pil_kwargs={"compress_level": COMPRESSION})
    return path


def composed_scorecard(card: Scorecard, title: str) -> Canvas:
    """A coloured cell for each verdict, the rows of a claim together under its name."""
    high, wide = CELL[1], max([CELL[0], *(SMALL_LETTER * len(clean(c.long)) for _, of in card.lines for c in of)])
    lines = [(clean(name), cells) for name, cells in card.lines]
    names = LETTER * max((len(name) for name, _ in lines), default=0) + MARGIN
    width = 2 * MARGIN + max(names + wide * len(card.tasks), TITLE_LETTER * len(title))
    legend = card.legend(short=False) + [HATCHED] * any(_hatched(cell) for _, cells in lines for cell in cells)
    foot = high * len(legend)
    canvas = Canvas(figsize=(width, 2 * MARGIN + HEAD + high * len(lines) + foot))
    ax = canvas.add_axes((0, 0, 1, 1))
    ax.set_xlim(-MARGIN - names, width - MARGIN - names)  # inches from the corner of the first cell
    ax.set_ylim(high * len(lines) + foot + MARGIN, -HEAD - MARGIN)
    ax.axis("off")
    ax.text(-names, -HEAD + 0.15, title, fontsize=11, fontweight="bold", va="center")
    for j, task in enumerate(card.tasks):
        ax.text((j + 0.5) * wide, -0.13, task, fontsize=8.5, ha="center", va="center")
    for i, (name, cells) in enumerate(lines):
        middle = (i + 0.5) * high
        ax.text(-names, middle, name, fontsize=8.5, va="center")
        for j, cell in enumerate(cells):
            ax.add_patch(_patch(cell, j * wide, i * high, wide))
            ax.text((j + 0.5) * wide, middle, clean(cell.long), fontsize=8, ha="center", va="center", clip_on=False)
    for i, text in enumerate(legend, start=len(lines)):
        ax.text(-names, (i + 0.5) * high, text, fontsize=8, va="center")
    return canvas


def _patch(cell: Cell, x: float, y: float, wide: float) -> Rectangle:
    """The ground of a verdict: paler where it is not the paper's own sentence, hatched where some have not learnt."""
    hatch = "////" if _hatched(cell) else None
    face = to_rgba(COLOURS[cell.outcome], 1.0 if cell.own else 0.45)
    return Rectangle((x, y), wide, CELL[1], facecolor=face, edgecolor="white", hatch=hatch)


def _hatched(cell: Cell) -> bool:
    return cell.unlearnt or cell.outcome == "not learnt"


def draw_contact_sheet(pictures: Sequence[Path], path: Path) -> Path | None:
    """Write all figures into one PNG in their order, all at one scale; None if there is none.

    A figure that is wider than a place takes two, or as many as it needs: a figure with two pairs of axes stays as
    legible as the others.
    """
    if not pictures:
        return None
    small = [_thumbnail(picture) for picture in pictures]
    places = [math.ceil(image.width / PLACE[0]) for image in small]
    corners = _corners(places)
    across = max(column + taken for (column, _), taken in zip(corners, places, strict=True))
    sheet = Image.new("RGB", (PLACE[0] * across, PLACE[1] * (corners[-1][1] + 1)), "white")
    for image, (column, row), taken in zip(small, corners, places, strict=True):
        aside = (taken * PLACE[0] - image.width) // 2
        sheet.paste(image, (PLACE[0] * column + aside, PLACE[1] * row + (PLACE[1] - image.height) // 2))
    sheet.save(path, compress_level=COMPRESSION)
    return path


def _corners(places: Sequence[int]) -> list[tuple[int, int]]:
    """Column and row where each figure begins, given the places it takes; one that no longer fits opens a row."""
    column, row, corners = 0, 0, []
    for taken in places:
        if column + taken > ACROSS:
            column, row = 0, row + 1
        corners.append((column, row))
        column += taken
    return corners


def _thumbnail(path: Path) -> Image.Image:
    """A figure in the height of all, or in the width of the sheet where that is less."""
    with Image.open(path) as image:
        scale = min(HEIGHT / image.height, ACROSS * PLACE[0] / image.width)
        size = int(image.width * scale), int(image.height * scale)
        return image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
