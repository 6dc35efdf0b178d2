"""A curve on its axes: line, spread, and a marker for each of its cells.

A line is the mean over seeds (of lambda1, the geometric mean). Bars reach from the lowest to the highest seed; up to
three seeds are dots instead, for the range of so few says little of how far others would spread. Neither fills an area,
of which several upon each other could not be told apart.
Attacked accuracy is dashed, clean accuracy solid, as in the paper. Where the strongest attack leaves less than the
paper's, it is drawn as a thin dotted line. A hollow marker is a cell that has not fitted its training data in at
least one seed; a cross marks one where a run diverged. Such a run has no lambda1: the mean is that of the other seeds,
and where there are none the cross stands at the upper edge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from matplotlib.axes import Axes

from ...verdicts.curves import Cell, Measure, Measured
from .captions import FEW, Notes
from .colours import colour_of

SOUND: Final = "strongest attack"  # what a legend calls the dotted lines
DIFFERENT: Final = 1.0  # points between the paper's attack and the strongest from which both are drawn
APART: Final = 0.12  # doublings of the batch size between two crosses at the upper edge


@dataclass(frozen=True)
class Look:
    """How a marker looks; those of a curve that look alike are drawn together."""

    hollow: bool
    diverged: bool

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> "Look":
        """The look of the marker for the seeds at one batch size."""
        return cls(any(cell.undertrained for cell in cells), any(cell.diverged for cell in cells))

    def style(self, colour: str, broader: float) -> Mapping[str, Any]:
        """The look as matplotlib's keywords; the marker is ``broader`` by so many points than the smallest."""
        return {
            "color": colour,
            "marker": "X" if self.diverged else "o",
            "markersize": 9 if self.diverged else 6 + broader,
            "markerfacecolor": "white" if self.hollow else colour,
            "markeredgewidth": 0.8 if self.diverged else 1.5,
            "linestyle": "none",
            "clip_on": False,
            "zorder": 3,
        }


def style_of(measure: Measure) -> Literal["-", "--"]:
    """A line's style: dashed where images are attacked."""
    return "--" if measure.attacked else "-"


def put_sound(ax: Axes, papers: Measured, sound: Measured, notes: Notes) -> None:
    """Draw what the strongest attack leaves of a curve of attacked accuracy, where that is another number."""
    (_, mean, _), (_, strongest, _) = _low_mean_high(papers), _low_mean_high(sound)
    if (np.abs(mean - strongest) >= DIFFERENT).any():
        colour = colour_of(str(papers.curve.recipe))
        ax.plot(papers.batch_sizes, strongest, color=colour, linestyle=":", linewidth=1.3, label=f"_{SOUND}")
        notes.sound = True


def put(ax: Axes, measured: Measured, notes: Notes, upon: int = 0) -> None:
    """Draw one curve, and note which of its cells need care.

    ``upon`` is the number of lines that are drawn upon it: it is as much broader as it takes to see it under them, for
    lines coincide where recipes set the same training, and where nothing was learnt.
    """
    recipe, measure, sizes = measured.curve.recipe, measured.curve.measure, np.array(measured.batch_sizes)
    low, mean, high = _low_mean_high(measured)
    colour, style = colour_of(str(recipe)), style_of(measure)
    label = f"{measure.label.split()[0]} {recipe}" if measure.attacked else str(recipe)
    ax.plot(sizes, mean, color=colour, linestyle=style, linewidth=1.6 + 0.9 * upon, label=label)
    if 1 < len(measured.cells) <= FEW:
        raw = _raw(measured)
        ax.scatter(np.broadcast_to(sizes, raw.shape), raw, s=8, color=colour, alpha=0.6, linewidths=0, zorder=2.5)
    elif len(measured.cells) > FEW:
        ax.vlines(sizes, low, high, color=colour, alpha=0.6, linewidth=1.2 + 0.9 * upon)
    _markers(ax, measured, mean, notes, 1.2 * upon)


def _markers(ax: Axes, measured: Measured, mean: Any, notes: Notes, broader: float) -> None:
    """Mark each cell where its mean is; on the upper edge, beside others there, where it has none for divergence."""
    recipe, values = measured.curve.recipe, measured.sample.values
    within: dict[Look, list[tuple[float, float]]] = {}
    at_edge: dict[Look, list[tuple[float, float]]] = {}
    for j, (size, height) in enumerate(zip(measured.batch_sizes, mean, strict=True)):
        cells = measured.column(j)
        lacking = sum(not cell.diverged and not np.isfinite(v) for cell, v in zip(cells, values[:, j], strict=True))
        notes.take(recipe, size, cells, lacking)
        look = Look.of(cells)
        if np.isfinite(height):
            within.setdefault(look, []).append((size, height))
        elif look.diverged:
            aside = APART * notes.at_edge[size] * (1 if j == 0 else -1)
            notes.at_edge[size] += 1
            at_edge.setdefault(look, []).append((size * 2**aside, 1))
    colour = colour_of(str(recipe))
    for found, where in ((within, ax.transData), (at_edge, ax.get_xaxis_transform())):
        for look, places in found.items():
            ax.plot(*zip(*places, strict=True), **look.style(colour, broader), transform=where)


def _low_mean_high(measured: Measured) -> Any:
    """The lowest, mean and highest value over the seeds that have one, (3, batch sizes); NaN where none has."""
    scaled = measured.sample.values
    found = np.isfinite(scaled).sum(0)
    mean = np.nansum(scaled, 0) / np.where(found, found, np.nan)
    shown = np.array([np.fmin.reduce(scaled), mean, np.fmax.reduce(scaled)])
    return np.exp(shown) if measured.curve.measure.logarithmic else shown


def _raw(measured: Measured) -> Any:
    """Each seed's values as they stand on the axes, (seeds, batch sizes)."""
    scaled = measured.sample.values
    return np.exp(scaled) if measured.curve.measure.logarithmic else scaled


def curves_on(ax: Axes) -> list[Any]:
    """The lines that are curves, not their markers, which have no label."""
    return [line for line in ax.lines if not str(line.get_label()).startswith("_")]
