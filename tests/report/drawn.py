"""Figures drawn from sessions that trained nothing, and what is seen on their axes, for the tests of drawing."""

from pathlib import Path

import numpy as np
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from worlds import Results, conditions, fill, healthy

from repro.report.drawing.figures import composed
from repro.runs.conditions import Conditions
from repro.runs.run import Run
from repro.runs.store import Store
from repro.verdicts.figures import Figure

WHERE = conditions(seeds=2)


def stored(folder: Path, figure: Figure, results: Results = healthy) -> Store:
    """A store with every run of a figure."""
    return fill(Store(folder), {run for curve in figure.curves for run in curve.runs(WHERE)}, results)


def axes_of(figure: Figure, store: Store, where: Conditions = WHERE) -> list[Axes]:
    """The axes of a figure as it is drawn from a store."""
    return composed(figure, store, where)[0].axes


def lines(ax: Axes) -> dict[str, Line2D]:
    """The labelled lines: curves, not their markers."""
    return {str(line.get_label()): line for line in ax.lines if not str(line.get_label()).startswith("_")}


def markers(ax: Axes) -> list[tuple[float, float, str, bool]]:
    """Batch size, height, shape and whether it is hollow, of every marker, from the left."""
    found = [
        (float(x), float(y), str(m.get_marker()), colors.to_hex(m.get_markerfacecolor()) == "#ffffff")
        for m in marked(ax)
        for x, y in zip(np.ravel(m.get_xdata()), np.ravel(m.get_ydata()), strict=True)
    ]
    return sorted(found, key=lambda marker: marker[0])


def marked(ax: Axes) -> list[Line2D]:
    """The artists that markers are drawn by, several alike by one."""
    return [line for line in ax.lines if str(line.get_label()).startswith("_")]


def legend(ax: Axes) -> list[str]:
    """What the legend names."""
    found = ax.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


def hollow_at_256(run: Run) -> dict[str, float]:
    """Results that have not fitted their training data at the largest batch size."""
    return {"train_accuracy": 0.6 if run.batch_size == 256 else 0.95}
