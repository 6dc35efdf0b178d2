"""The training losses of a session's networks as small plots, one for each task and recipe."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from markupsafe import Markup

from .plots import Plot, Stroke
from .values import Cell, Measurements

SHADES: Final = ("#9ecae1", "#5ba3cf", "#2f7fb8", "#1c5a94", "#0d3766")  # small batches are light, large ones dark
MOST: Final = 60  # epochs that are drawn of a long training: every second or third, and the last
LEAST: Final = 1e-8  # a loss of zero has no logarithm


@dataclass(frozen=True)
class Losses:
    """The losses of a task and recipe by epoch, with the colour of each batch size."""

    title: str  # as ``Cell.line`` has it
    svg: Markup
    keys: tuple[tuple[str, str], ...]


def losses(found: Measurements) -> list[Losses]:
    """A plot for each task and recipe whose networks have stored losses."""
    groups = groupby(found.cells, key=lambda cell: cell.line)
    plots = [(title, [cell for cell in cells if _mean(cell)]) for title, cells in groups]
    return [_drawn(title, cells) for title, cells in plots if cells]


def _drawn(title: str, cells: Sequence[Cell]) -> Losses:
    means = [_mean(cell) for cell in cells]
    epochs = max(map(len, means))
    kept = _kept(epochs)
    shades = [SHADES[-1] if len(cells) == 1 else SHADES[round(4 * i / (len(cells) - 1))] for i in range(len(cells))]
    names = [f"batch size {cell.first.run.batch_size}" for cell in cells]
    strokes = tuple(
        Stroke(shade, tuple(math.log(max(mean[i], LEAST)) if i < len(mean) else math.nan for i in kept))
        for shade, mean in zip(shades, means, strict=True)
    )
    ends = "; ".join(f"{name} ends at {mean[-1]:.3g}" for name, mean in zip(names, means, strict=True))
    label = f"Training loss by epoch, {title}. {ends}"
    plot = Plot(label, tuple(str(i + 1) for i in kept), "epoch", strokes, logarithmic=True)
    return Losses(title, plot.svg(), tuple(zip(shades, names, strict=True)))


def _mean(cell: Cell) -> list[float]:
    """The mean loss of each epoch over the seeds that came so far."""
    of_seeds = [network.record.get("losses") or () for network in cell.networks]
    epochs = max(map(len, of_seeds))
    by_epoch = ([losses[i] for losses in of_seeds if len(losses) > i] for i in range(epochs))
    return [sum(values) / len(values) for values in by_epoch]


def _kept(epochs: int) -> list[int]:
    every = math.ceil(epochs / MOST)
    return sorted({*range(0, epochs, every), epochs - 1})
