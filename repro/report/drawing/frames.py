"""What stands around the lines of a figure, and where: axes, scales, ticks, titles and legends.

Places are in inches and fixed, so that nothing has to be measured to lay a figure out, and figures of one shape can be
laid upon each other. What varies is counted: the rows of the legends, and the lines that the figure's title takes.
"""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ...runs.conditions import Conditions
from ...verdicts.curves import Measure
from ...verdicts.figures import Panel
from .captions import Notes, title
from .colours import colour_of
from .marks import SOUND, curves_on, style_of

SIZE: Final = (5.6, 4.9)  # inches of a pair of axes with what stands around it
ASIDE: Final = 0.2  # inches left of the first pair and right of the last one
LEFT, RIGHT = 0.7, 0.1  # inches between axes and what stands beside them: ticks and a label need the left
HEADING: Final = 0.32  # inches above the axes for their title, which is to be clear of crosses on the edge
LABELS: Final = 0.5  # inches below the axes for ticks and label
LINE, LETTER = 0.19, 0.0925  # inches that a line of a figure's title takes, and one of its letters on average
ROW: Final = 0.19  # inches of a row of a legend
MARGIN: Final = 0.07  # inches between text and the edge of a figure
LEAST_RANGE: Final = 2.0  # of an axis of factors, in smallest differences that matter: less is to look small
BESIDE: Final = 0.05  # room left and right of the grid on a linear axis, as a share of it
DECADES: Final = 5  # of an axis of factors that leave room for ticks at 1, 2 and 5


@dataclass(frozen=True)
class Sheet:
    """An empty figure with room for so many pairs of axes beside each other, under a title."""

    canvas: Canvas
    axes: tuple[Axes, ...]
    top: float  # inches above the axes


def sheet(count: int, text: str) -> Sheet:
    """A figure of ``count`` pairs of axes; a title that is too long for it goes on in further lines."""
    width, height = 2 * ASIDE + SIZE[0] * count, SIZE[1]
    canvas = Canvas(figsize=(width, height))
    lines = textwrap.wrap(text, int((width - 2 * MARGIN) / LETTER), break_on_hyphens=False)
    canvas.suptitle("\n".join(lines), fontsize=11, y=1 - MARGIN / height, va="top")
    axes = tuple(canvas.add_axes((0, 0, 1, 1)) for _ in range(count))
    return Sheet(canvas, axes, MARGIN + LINE * len(lines) + HEADING)


def place(on: Sheet, keys: Sequence[Sequence[Line2D]], columns: Sequence[int]) -> None:
    """Put the axes into their places, each with its legend below it, where it covers no line."""
    width, height = on.canvas.get_size_inches()
    rows = max(-(-len(row) // across) for row, across in zip(keys, columns, strict=True))
    bottom = MARGIN + ROW * rows + LABELS
    for i, (ax, shown, across) in enumerate(zip(on.axes, keys, columns, strict=True)):
        left = ASIDE + SIZE[0] * i
        inside = SIZE[0] - LEFT - RIGHT, height - bottom - on.top
        ax.set_position(((left + LEFT) / width, bottom / height, inside[0] / width, inside[1] / height))
        ax.xaxis.set_label_coords(0.5, -(LABELS - 0.06) / inside[1])
        if shown:
            below = ((left + SIZE[0] / 2) / width, (bottom - LABELS) / height)
            _legend(ax, shown, across, below)


def _legend(ax: Axes, keys: Sequence[Line2D], columns: int, below: tuple[float, float]) -> None:
    by_rows = [key for column in range(columns) for key in keys[column::columns]]  # matplotlib fills columns
    look: Any = {"ncols": columns, "fontsize": 9, "frameon": False, "columnspacing": 1.4, "handlelength": 1.8}
    look |= {"borderpad": 0.0, "borderaxespad": 0.0, "labelspacing": 0.5}
    ax.legend(handles=by_rows, loc="upper center", bbox_to_anchor=below, bbox_transform=ax.figure.transFigure, **look)


def dress(ax: Axes, panel: Panel, measures: tuple[Measure, ...], conditions: Conditions, linear: bool = False) -> None:
    """Scales, ticks, labels and title of axes on which their curves have been drawn; ``linear`` is as in ``draw``."""
    _batch_size_axis(ax, conditions.regime.scale(panel.task).batch_sizes, linear)
    ax.set_xlabel("batch size", va="bottom")
    ax.set_title(title(panel.task, conditions), fontsize=11, y=1, pad=9)  # clear of crosses on the edge
    if all(measure.logarithmic for measure in measures):
        _factor_axis(ax, measures[0])
    else:
        if any(measure.floor is not None or measure.ceiling is not None for measure in measures):
            ax.set_ylim(0, 100)  # a share; a difference of shares, say, has no such bounds
        ax.set_ylabel(" and ".join(dict.fromkeys(str(m) for m in reversed(measures))) + " [%]")
    if not curves_on(ax):
        ax.text(0.5, 0.5, "not part of this session", transform=ax.transAxes, ha="center", color="gray")
    ax.grid(alpha=0.25, linewidth=0.6)


def _batch_size_axis(ax: Axes, grid: Sequence[int], linear: bool) -> None:
    if linear:
        aside = max(grid[-1] - grid[0], 1) * BESIDE
        ax.set_xlim(grid[0] - aside, grid[-1] + aside)
    else:
        ax.set_xscale("log", base=2)
        ax.set_xlim(grid[0] / 1.15, grid[-1] * 1.15)
    ax.set_xticks(grid, [str(size) for size in grid])
    ax.xaxis.set_minor_locator(NullLocator())


def _factor_axis(ax: Axes, measure: Measure) -> None:
    ax.set_ylabel(measure.axis or measure.label)
    if not any((np.asarray(line.get_ydata()) > 0).any() for line in curves_on(ax)):
        ax.set_yticks([])  # nothing is drawn, or every run diverged
        return
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    wider = max(1.0, math.exp(LEAST_RANGE * measure.matters.size) / (high / low)) ** 0.5
    ax.set_ylim(low / wider, high * wider)
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 10**DECADES else (1,)))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    ax.yaxis.set_minor_locator(NullLocator())


def tick(value: float) -> str:
    """A tick of an axis of factors, in five characters at most: there is room for no more beside the axes."""
    return plain if len(plain := f"{value:g}") <= 5 else f"{value:.0e}"


def keys_of(ax: Axes, panel: Panel, measures: tuple[Measure, ...], notes: Notes) -> list[Line2D]:
    """What a legend explains: recipes by colour, measures by style, and what the markers mean; nothing undrawn."""
    shown = {str(recipe): colour_of(str(recipe)) for recipe in panel.recipes}
    drawn: dict[str, Any] = {line.get_color(): line.get_linestyle() for line in curves_on(ax)}  # the clean one, if both
    if not drawn:
        return []
    keys = [Line2D([], [], color=c, linestyle=drawn[c], label=name) for name, c in shown.items() if c in drawn]
    if len(measures) > 1:
        keys += [Line2D([], [], color="black", linestyle=style_of(measure), label=str(measure)) for measure in measures]
    if notes.sound:
        keys.append(Line2D([], [], color="black", linestyle=":", linewidth=1.3, label=SOUND))
    grey: Any = {"color": "gray", "linestyle": "none"}
    if notes.undertrained:
        keys.append(Line2D([], [], marker="o", markerfacecolor="white", label="undertrained", **grey))
    if notes.diverged:
        keys.append(Line2D([], [], marker="X", markersize=9, label="diverged", **grey))
    return keys
