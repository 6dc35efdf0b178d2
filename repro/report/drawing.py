"""The paper's figures, drawn from stored runs: ``marks`` has their lines, ``frames`` what stands around them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from ..conditions import Conditions
from ..curves import LAMBDA1, TEST_ACCURACY, Curve, Measure, read
from ..figures import Figure, Panel
from ..store import Store
from .captions import Notes, caption, scale_words
from .frames import dress, keys_of, place, sheet
from .marks import put

DPI: Final = 110
# The fixed places of ``frames`` hold for matplotlib's own fonts and sizes, whatever the user's settings are.
STYLE: Final = {name: value for name, value in rcParamsDefault.items() if not name.startswith("backend")}
COMPRESSION: Final = 3  # of zlib: six tenths of the time that 6 takes, for files larger by 7%


@dataclass(frozen=True)
class Picture:
    """A drawn figure: its number, its file and its caption."""

    number: int
    path: Path
    caption: str


def draw(figure: Figure, store: Store, conditions: Conditions, folder: Path) -> Picture:
    """Draw a figure's lines, those of them that are stored, into ``folder``."""
    path = folder / f"{figure.name}.png"
    with rc_context(STYLE):
        canvas, notes = composed(figure, store, conditions)
        canvas.savefig(path, dpi=DPI, pil_kwargs={"compress_level": COMPRESSION})
    return Picture(figure.number, path, caption(figure, conditions, notes))


def composed(figure: Figure, store: Store, conditions: Conditions) -> tuple[Canvas, Notes]:
    """A figure as matplotlib has it, ready to be written, and the notes on its cells."""
    panels = [(panel, shown) for panel in figure.panels for shown in _axes_of(figure, panel)]
    empty = sheet(len(panels), f"Figure {figure.number} of the paper, {scale_words(figure, conditions)}")
    FigureCanvasAgg(empty.canvas)
    notes, keys = Notes(), []
    for ax, (panel, measures) in zip(empty.axes, panels, strict=True):
        here = _curves(ax, panel, measures, store, conditions)
        dress(ax, panel, measures, conditions)
        keys.append(keys_of(ax, panel, measures, here))
        notes.add(here, str(panel.task) if len({panel.task for panel in figure.panels}) > 1 else "")
    place(empty, keys, [3 if len(panel.recipes) == 3 else 4 for panel, _ in panels])
    return empty.canvas, notes


def _curves(ax: Axes, panel: Panel, measures: tuple[Measure, ...], store: Store, conditions: Conditions) -> Notes:
    """Draw a panel's curves of these measures, and note which of their cells need care."""
    notes = Notes()
    for curve in panel.curves:
        if curve.measure in measures and _stored(curve, store, conditions):
            upon = len(panel.recipes) - 1 - panel.recipes.index(curve.recipe)
            put(ax, read(curve, store, conditions), notes, upon)
    return notes


def _axes_of(figure: Figure, panel: Panel) -> list[tuple[Any, ...]]:
    """The measures of each pair of axes of a panel: figure 11 shows clean and attacked accuracy apart."""
    if panel.measure is LAMBDA1:
        return [(LAMBDA1,)]
    if figure.number == 11:
        return [(TEST_ACCURACY,), (panel.measure,)]
    return [(panel.measure, TEST_ACCURACY)]


def _stored(curve: Curve, store: Store, conditions: Conditions) -> bool:
    reading = conditions.reading(curve.task)
    return all(store.whole(run, reading) for run in curve.runs(conditions))
