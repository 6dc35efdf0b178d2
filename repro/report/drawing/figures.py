"""The paper's figures, drawn from stored runs: ``marks`` has their lines, ``frames`` what stands around them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from ...experiment.readings import SOUND, alternative
from ...runs.conditions import Conditions
from ...runs.store import Store
from ...verdicts.curves import Curve, Measure, Measured, read
from ...verdicts.figures import Figure, Panel
from .captions import Notes, Picture, caption, heading
from .frames import dress, keys_of, place, sheet
from .marks import put, put_sound

DPI: Final = 110
# The fixed places of ``frames`` hold for matplotlib's own fonts and sizes, whatever the user's settings are.
STYLE: Final = {name: value for name, value in rcParamsDefault.items() if not name.startswith("backend")}
COMPRESSION: Final = 3  # zlib's level: it takes six tenths of the time of level 6, for files larger by 7%


def draw(
    figure: Figure,
    store: Store,
    conditions: Conditions,
    folder: Path,
    decided: Collection[str] = (),
    linear: bool = False,
) -> Picture:
    """Draw a figure's lines, those of them that are stored, into ``folder``: once, as PNG and as SVG.

    ``linear``: the axis of batch sizes is; otherwise doublings are equally far from each other.
    ``decided``: the keys of the runs that the session's verdicts rest on. Where seeds were added for a verdict, the
    lines that it speaks of are drawn with all of them.
    """
    path = folder / f"{figure.name}.png"
    # letters of the SVG stay letters, which can be searched and read aloud, and its names are the same every time
    with rc_context(STYLE), rc_context({"svg.fonttype": "none", "svg.hashsalt": figure.name}):
        canvas, notes = composed(figure, store, conditions, decided, linear)
        canvas.savefig(path, dpi=DPI, pil_kwargs={"compress_level": COMPRESSION})
        canvas.savefig(path.with_suffix(".svg"), metadata={"Date": None, "Creator": None})
    return Picture(figure.number, path, caption(figure, conditions, notes))


def composed(
    figure: Figure, store: Store, conditions: Conditions, decided: Collection[str] = (), linear: bool = False
) -> tuple[Canvas, Notes]:
    """A figure as matplotlib has it, ready to be written, and the notes on its cells; the rest is as in ``draw``."""
    panels = [(panel, shown) for panel in figure.panels for shown in panel.axes]
    empty = sheet(len(panels), heading(figure, conditions))
    FigureCanvasAgg(empty.canvas)
    lines = {curve: _measured(curve, store, conditions, decided) for curve in figure.curves}
    notes, keys = Notes(), []
    for ax, (panel, measures) in zip(empty.axes, panels, strict=True):
        here = _curves(ax, panel, measures, lines)
        dress(ax, panel, measures, conditions, linear)
        keys.append(keys_of(ax, panel, measures, here))
        notes.add(here, str(panel.task) if len({panel.task for panel in figure.panels}) > 1 else "")
    place(empty, keys, [3 if len(panel.recipes) == 3 else 4 for panel, _ in panels])
    return empty.canvas, notes


def _curves(ax: Axes, panel: Panel, measures: tuple[Measure, ...], lines: Mapping[Curve, Sequence[Measured]]) -> Notes:
    """Draw a panel's curves of these measures, and note how many seeds they have and which cells need care."""
    notes = Notes()
    for curve in panel.curves:
        if curve.measure not in measures or not lines[curve]:
            continue
        measured, *sound = lines[curve]
        put(ax, measured, notes, upon=len(panel.recipes) - 1 - panel.recipes.index(curve.recipe))
        notes.seeds.setdefault(str(panel.task), set()).add(len(measured.cells))
        for other in sound:
            put_sound(ax, measured, other, notes)
    return notes


def _measured(curve: Curve, store: Store, conditions: Conditions, decided: Collection[str]) -> list[Measured]:
    """A curve, and what the strongest attack leaves where it is of attacked images; nothing where it is not stored.

    It has as many seeds as a verdict on it rests on, else those of the first look.
    """
    for seeds in reversed(conditions.looks(curve.task)[1:]):
        look = conditions.with_seeds(seeds)
        if all(run.key in decided for run in curve.runs(look)):
            return _both(curve, store, look)
    reading = conditions.reading(curve.task)
    stored = all(store.whole(run, reading) for run in curve.runs(conditions))
    return _both(curve, store, conditions) if stored else []


def _both(curve: Curve, store: Store, conditions: Conditions) -> list[Measured]:
    sound = alternative(SOUND, conditions.reading(curve.task), curve.task.dataset)
    others = [sound] if curve.measure.attacked else []
    return [read(curve, store, conditions, other) for other in (None, *others)]
