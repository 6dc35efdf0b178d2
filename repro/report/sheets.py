"""Two pictures that show everything at a glance: the scorecard, and a contact sheet of all figures."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle
from PIL import Image

from .scorecard import Scorecard

COLOURS: Final = {"holds": "#b7dfb9", "fails": "#f2b8b0", "undecided": "#f4e3a6", "error": "#c9c9c9", "": "#ffffff"}
ACROSS: Final = 5  # figures in a row of the contact sheet
WIDTH: Final = 420  # pixels of a figure there


def draw_scorecard(card: Scorecard, title: str, path: Path) -> Path:
    """Write the scorecard as a PNG: a coloured cell for each verdict."""
    names = max((len(row.name) for row in card.rows), default=10) * 0.078 + 0.3  # inches
    width, height = names + 1.55 * len(card.tasks), 0.8 + 0.26 * len(card.rows)
    canvas, ax = plt.subplots(figsize=(width, height))
    canvas.subplots_adjust(left=0, right=1, bottom=0.02, top=1)
    ax.set_xlim(-names / 1.55, len(card.tasks))
    ax.set_ylim(len(card.rows), -0.8 / 0.26)
    ax.axis("off")
    ax.text(-names / 1.55 + 0.05, -2.2, title, fontsize=10, fontweight="bold", va="center")
    for j, task in enumerate(card.tasks):
        ax.text(j + 0.5, -0.6, task, fontsize=7.5, ha="center", va="center")
    for i, row in enumerate(card.rows):
        ax.text(-0.08, i + 0.5, row.name, fontsize=7.5, ha="right", va="center")
        for j, (word, outcome) in enumerate(zip(row.words, row.outcomes, strict=True)):
            ax.add_patch(Rectangle((j, i), 1, 1, facecolor=COLOURS[outcome], edgecolor="white", linewidth=1.5))
            ax.text(j + 0.5, i + 0.5, word, fontsize=6.5, ha="center", va="center")
    canvas.savefig(path, dpi=130)
    plt.close(canvas)
    return path


def draw_contact_sheet(pictures: Sequence[Path], path: Path) -> Path | None:
    """Write all figures, made small, into one PNG in their order; None if there is none."""
    if not pictures:
        return None
    small = [_thumbnail(picture) for picture in pictures]
    height = max(image.height for image in small)
    rows = math.ceil(len(small) / ACROSS)
    sheet = Image.new("RGB", (WIDTH * min(ACROSS, len(small)), height * rows), "white")
    for i, image in enumerate(small):
        sheet.paste(image, (WIDTH * (i % ACROSS), height * (i // ACROSS)))
    sheet.save(path)
    return path


def _thumbnail(path: Path) -> Image.Image:
    with Image.open(path) as image:
        scale = WIDTH / image.width
        return image.convert("RGB").resize((WIDTH, round(image.height * scale)), Image.Resampling.LANCZOS)
