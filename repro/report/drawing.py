"""The paper's figures, drawn from stored runs.

A line is the mean over seeds (of lambda1, the geometric mean), its band the range from the lowest to the highest seed.
Clean accuracy is dashed, attacked accuracy solid. A hollow marker is a cell that has not fitted its training data in at
least one seed; a cross marks one where a run diverged. Such a run has no lambda1: the mean is that of the other seeds,
and where there are none the cross stands at the upper edge.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from ..conditions import Conditions
from ..curves import FGSM, LAMBDA1, PGD, TEST_ACCURACY, Curve, Measured, read
from ..figures import Figure, Panel
from ..store import Store
from .captions import Notes, caption, scale_words, title

# The paper's colours where it names them: LR light blue, LR/BS purple, Benchmark red (Sections 2.1 and 3).
COLOURS: Final = {
    "LR m=0": "#56a5d8",
    "LR m=0.2": "#1f4e9c",
    "LR m=0.5": "#2a8c6a",
    "LR m=0.9": "#e08e2b",
    "LR/BS m=0": "#7b3fa0",
    "LR/BS m=0.9": "#d957a8",
    "Benchmark": "#cc2f2f",
}
DPI: Final = 110
SIZE: Final = (5.6, 4.9)  # inches of a pair of axes with what stands around it
LEAST_RANGE: Final = 4.0  # of an axis of lambda1, as a factor: equal runs differ by about 1.4, which is to look small
APART: Final = 0.12  # doublings of the batch size between two crosses at the upper edge


@dataclass(frozen=True)
class Picture:
    """A drawn figure: its number, its file and its caption."""

    number: int
    path: Path
    caption: str


def draw(figure: Figure, store: Store, conditions: Conditions, folder: Path) -> Picture:
    """Draw a figure's lines, those of them that are stored, into ``folder``."""
    panels = [(panel, attacked) for panel in figure.panels for attacked in _axes_of(figure, panel)]
    width, height = 0.4 + SIZE[0] * len(panels), SIZE[1]
    canvas, axes = plt.subplots(1, len(panels), figsize=(width, height), squeeze=False, layout="constrained")
    notes = Notes()
    for ax, (panel, measures) in zip(axes[0], panels, strict=True):
        here = Notes()
        for curve in panel.curves:
            if curve.measure in measures and _stored(curve, store, conditions):
                upon = len(panel.recipes) - 1 - panel.recipes.index(curve.recipe)
                _line(ax, read(curve, store, conditions), here, upon)
        _dress(ax, panel, measures, conditions)
        _legend(ax, panel, measures, here)
        notes.add(here, str(panel.task) if len({panel.task for panel in figure.panels}) > 1 else "")
    canvas.suptitle(f"Figure {figure.number} of the paper, {scale_words(figure, conditions)}", fontsize=11)
    path = folder / f"{figure.name}.png"
    _save(canvas, path)
    plt.close(canvas)
    return Picture(figure.number, path, caption(figure, conditions, notes))


def _save(canvas: Any, path: Path) -> None:
    """Lay out and write; ``savefig`` alone would draw a figure with a layout twice, the first time for nothing."""
    canvas.set_dpi(DPI)
    canvas.get_layout_engine().execute(canvas)
    canvas.set_layout_engine("none")
    canvas.savefig(path, dpi=DPI)


def _axes_of(figure: Figure, panel: Panel) -> list[tuple[Any, ...]]:
    """The measures of each pair of axes of a panel: figure 11 shows clean and attacked accuracy apart."""
    if panel.measure is LAMBDA1:
        return [(LAMBDA1,)]
    if figure.number == 11:
        return [(TEST_ACCURACY,), (panel.measure,)]
    return [(panel.measure, TEST_ACCURACY)]


def _stored(curve: Curve, store: Store, conditions: Conditions) -> bool:
    reading = conditions.regime.scale(curve.task).reading
    return all(store.has(run, reading) for run in curve.runs(conditions))


def _line(ax: Any, measured: Measured, notes: Notes, upon: int = 0) -> None:
    """Draw one curve, and note which of its cells need care.

    ``upon`` is the number of lines that are drawn upon it: it is as much broader as it takes to see it under them, for
    lines coincide where recipes set the same training, and where nothing was learnt.
    """
    recipe, measure, sizes = measured.curve.recipe, measured.curve.measure, np.array(measured.batch_sizes)
    low, mean, high = _low_mean_high(measured)
    colour, clean = COLOURS[str(recipe)], measure is TEST_ACCURACY
    label = str(recipe) if measure in (LAMBDA1, TEST_ACCURACY) else f"{measure.label.split()[0]} {recipe}"
    ax.plot(sizes, mean, color=colour, linestyle="--" if clean else "-", linewidth=1.6 + 0.6 * upon, label=label)
    ax.fill_between(sizes, low, high, color=colour, alpha=0.13, linewidth=0)
    for j, height in enumerate(mean):
        values, cells = measured.sample.values[:, j], measured.column(j)
        lacking = sum(not cell.diverged and not np.isfinite(v) for cell, v in zip(cells, values, strict=True))
        notes.take(recipe, measured.batch_sizes[j], cells, lacking)
        _marker(ax, measured, j, float(height), notes, 1.2 * upon)


def _marker(ax: Any, measured: Measured, j: int, height: float, notes: Notes, broader: float) -> None:
    """Mark a cell where its mean is; on the upper edge, beside others there, where there is none for divergence."""
    cells, size, colour = measured.column(j), measured.batch_sizes[j], COLOURS[str(measured.curve.recipe)]
    hollow = any(cell.undertrained and not cell.diverged for cell in cells)
    diverged = any(cell.diverged for cell in cells)
    look = {"color": colour, "marker": "X" if diverged else "o", "markersize": 9 if diverged else 6 + broader}
    look |= {"markerfacecolor": "white" if hollow else colour, "markeredgewidth": 0.8 if diverged else 1.5}
    look |= {"linestyle": "none", "clip_on": False, "zorder": 3}
    if np.isfinite(height):
        ax.plot(size, height, **look)
    elif diverged:
        aside = APART * notes.at_edge[size] * (1 if j == 0 else -1)
        notes.at_edge[size] += 1
        ax.plot(size * 2**aside, 1, **look, transform=ax.get_xaxis_transform())


def _low_mean_high(measured: Measured) -> Any:
    """Of the seeds that have a value: the lowest, the mean and the highest, (3, batch sizes); NaN where none has."""
    scaled = measured.sample.values
    found = np.isfinite(scaled).sum(0)
    mean = np.nansum(scaled, 0) / np.where(found, found, np.nan)
    shown = np.array([np.fmin.reduce(scaled), mean, np.fmax.reduce(scaled)])
    return np.exp(shown) if measured.curve.measure is LAMBDA1 else shown


def _curves(ax: Any) -> list[Any]:
    """The lines that are curves, not their markers, which have no label."""
    return [line for line in ax.lines if not str(line.get_label()).startswith("_")]


def _dress(ax: Any, panel: Panel, measures: tuple[Any, ...], conditions: Conditions) -> None:
    grid = conditions.regime.scale(panel.task).batch_sizes
    ax.set_xscale("log", base=2)
    ax.set_xticks(grid, [str(size) for size in grid])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("batch size")
    ax.set_title(title(panel.task, conditions), fontsize=11, pad=9)  # clear of crosses on the edge
    if measures == (LAMBDA1,):
        _curvature_axis(ax)
    else:
        ax.set_ylim(0, 100)
        ax.set_ylabel(" and ".join(dict.fromkeys(_axis_word(m) for m in reversed(measures))) + " [%]")
    ax.set_xlim(grid[0] / 1.15, grid[-1] * 1.15)
    if not _curves(ax):
        ax.text(0.5, 0.5, "not part of this session", transform=ax.transAxes, ha="center", color="gray")
    ax.grid(alpha=0.25, linewidth=0.6)


def _curvature_axis(ax: Any) -> None:
    ax.set_ylabel("lambda1: top eigenvalue of the Hessian")
    if any((np.asarray(line.get_ydata()) > 0).any() for line in _curves(ax)):
        ax.set_yscale("log")
        low, high = ax.get_ylim()
        wider = max(1.0, LEAST_RANGE / (high / low)) ** 0.5
        ax.set_ylim(low / wider, high * wider)
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_minor_locator(NullLocator())
    else:  # nothing is drawn, or every run diverged
        ax.set_yticks([])


def _legend(ax: Any, panel: Panel, measures: tuple[Any, ...], notes: Notes) -> None:
    """Below the axes, where it covers no line: recipes by colour, measures by style, and what the markers mean."""
    if not _curves(ax):
        return
    shown = {str(recipe): COLOURS[str(recipe)] for recipe in panel.recipes}
    drawn: dict[str, Any] = {line.get_color(): line.get_linestyle() for line in reversed(_curves(ax))}
    keys = [Line2D([], [], color=c, linestyle=drawn[c], label=name) for name, c in shown.items() if c in drawn]
    if len(measures) > 1:
        styles: dict[Any, Any] = {TEST_ACCURACY: "--"}
        keys += [Line2D([], [], color="black", linestyle=styles.get(m, "-"), label=_axis_word(m)) for m in measures]
    grey: Any = {"color": "gray", "linestyle": "none"}
    if notes.undertrained:
        keys.append(Line2D([], [], marker="o", markerfacecolor="white", label="undertrained", **grey))
    if notes.diverged:
        keys.append(Line2D([], [], marker="X", markersize=9, label="diverged", **grey))
    columns = 3 if len(panel.recipes) == 3 else 4
    by_rows = [key for column in range(columns) for key in keys[column::columns]]  # matplotlib fills columns
    look: Any = {"ncols": columns, "fontsize": 9, "frameon": False, "columnspacing": 1.4, "handlelength": 1.8}
    ax.legend(handles=by_rows, loc="upper center", bbox_to_anchor=(0.5, -0.12), **look)


def _axis_word(measure: Any) -> str:
    return {TEST_ACCURACY: "test accuracy", FGSM: "FGSM accuracy", PGD: "PGD accuracy"}[measure]
