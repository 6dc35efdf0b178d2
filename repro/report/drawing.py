"""The paper's figures, drawn from stored runs.

A line is the mean over seeds (of lambda1, the geometric mean), its band the range from the lowest to the highest seed.
Clean accuracy is dashed, attacked accuracy solid. A hollow marker is a cell that has not fitted its training data in at
least one seed; a cross marks one where a run diverged.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.ticker import NullFormatter

from ..conditions import Conditions
from ..curves import FGSM, LAMBDA1, PGD, TEST_ACCURACY, Curve, Measured, read
from ..figures import Figure, Panel
from ..store import Store

# The paper's colours where it names them: LR light blue, LR/BS purple, Benchmark red (Sections 2.1 and 3).
COLOURS: Final = {
    "LR m=0": "#56a5d8",
    "LR m=0.2": "#3d6fb6",
    "LR m=0.5": "#2a8c6a",
    "LR m=0.9": "#e08e2b",
    "LR/BS m=0": "#7b3fa0",
    "LR/BS m=0.9": "#d957a8",
    "Benchmark": "#cc2f2f",
}
DPI: Final = 110


@dataclass(frozen=True)
class Picture:
    """A drawn figure: its number, its file and its caption."""

    number: int
    path: Path
    caption: str


def draw(figure: Figure, store: Store, conditions: Conditions, folder: Path) -> Picture:
    """Draw a figure's lines, those of them that are stored, into ``folder``."""
    panels = [(panel, attacked) for panel in figure.panels for attacked in _axes_of(figure, panel)]
    columns = len(panels)
    canvas, axes = plt.subplots(1, columns, figsize=(0.6 + 5.6 * columns, 4.3), squeeze=False, layout="constrained")
    notes: list[str] = []
    for ax, (panel, measures) in zip(axes[0], panels, strict=True):
        shown = [c for c in panel.curves if c.measure in measures and _stored(c, store, conditions)]
        for curve in shown:
            notes += _line(ax, read(curve, store, conditions))
        _dress(ax, panel, measures, conditions)
    canvas.suptitle(f"Figure {figure.number} of the paper, {_scale(figure, conditions)}", fontsize=10)
    path = folder / f"{figure.name}.png"
    canvas.savefig(path, dpi=DPI)
    plt.close(canvas)
    return Picture(figure.number, path, _caption(figure, conditions, notes))


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


def _line(ax: Any, measured: Measured) -> list[str]:
    """Draw one curve; returns notes on its cells for the caption."""
    recipe, measure = str(measured.curve.recipe), measured.curve.measure
    values = measured.values * (1 if measure is LAMBDA1 else 100)
    sizes = np.array(measured.batch_sizes)
    mean = np.exp(measured.sample.values.mean(0)) if measure is LAMBDA1 else values.mean(0)
    colour, clean = COLOURS[recipe], measure is TEST_ACCURACY
    label = recipe if measure in (LAMBDA1, TEST_ACCURACY) else f"{measure.label.removesuffix(' accuracy')} {recipe}"
    ax.plot(sizes, mean, color=colour, linestyle="--" if clean else "-", linewidth=1.6, label=label)
    ax.fill_between(sizes, values.min(0), values.max(0), color=colour, alpha=0.15, linewidth=0)
    notes = []
    for j, size in enumerate(measured.batch_sizes):
        cells = measured.column(j)
        hollow = any(cell.undertrained for cell in cells)
        diverged = any(cell.diverged for cell in cells)
        face = "white" if hollow else colour
        ax.plot(size, mean[j], marker="X" if diverged else "o", markersize=6, color=colour, markerfacecolor=face)
        if hollow:
            accuracy = 100 * np.mean([cell.train_accuracy for cell in cells])
            notes.append(f"{recipe} at {size} ({'diverged' if diverged else f'{accuracy:.0f}% of its training data'})")
    return notes


def _dress(ax: Any, panel: Panel, measures: tuple[Any, ...], conditions: Conditions) -> None:
    grid = conditions.regime.scale(panel.task).batch_sizes
    ax.set_xscale("log", base=2)
    ax.set_xticks(grid, [str(size) for size in grid])
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("batch size")
    ax.set_title(str(panel.task), fontsize=10)
    if measures == (LAMBDA1,):
        if any((np.asarray(line.get_ydata()) > 0).any() for line in ax.lines):  # not where every run diverged
            ax.set_yscale("log")
        ax.set_ylabel("lambda1: top eigenvalue of the Hessian")
    else:
        ax.set_ylim(0, 100)
        ax.set_ylabel(" and ".join(dict.fromkeys(_axis_word(m) for m in reversed(measures))) + " [%]")
    ax.set_xlim(grid[0] / 1.15, grid[-1] * 1.15)
    if ax.lines:
        ax.legend(fontsize=7, framealpha=0.85)
    else:
        ax.text(0.5, 0.5, "not part of this session", transform=ax.transAxes, ha="center", color="gray")
    ax.grid(alpha=0.25, linewidth=0.6)


def _axis_word(measure: Any) -> str:
    return {TEST_ACCURACY: "test accuracy", FGSM: "FGSM accuracy", PGD: "PGD accuracy"}[measure]


def _scale(figure: Figure, conditions: Conditions) -> str:
    papers = all(conditions.regime.is_papers(panel.task) for panel in figure.panels)
    text = "at the paper's scale" if papers else f"{conditions.regime.title} regime (reduced)"
    text += conditions.departures
    return f"{text}, SURROGATE DATA" if any(conditions.surrogate(p.task) for p in figure.panels) else text


def _caption(figure: Figure, conditions: Conditions, notes: list[str]) -> str:
    parts = []
    for panel in figure.panels:
        scale, dataset = conditions.regime.scale(panel.task), panel.task.dataset
        images = "all" if scale.train_images is None else f"{scale.train_images:,}"
        attack = "" if panel.measure is LAMBDA1 else f", {dataset.epsilon_text}"
        size = f"{images} training images, {scale.epochs} epochs, {scale.seeds} seeds"
        parts.append(f"{panel.measure} of {panel.task} ({size}{attack})")
    text = f"{'; '.join(dict.fromkeys(parts))}. Lines are means over seeds, bands their range"
    text += "." if all(p.measure is LAMBDA1 for p in figure.panels) else "; clean accuracy is dashed."
    return f"{text} Hollow: undertrained, {'; '.join(dict.fromkeys(notes))}." if notes else text
