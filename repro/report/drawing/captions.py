"""What stands on and under a figure: its scale, its tasks, and which of its cells need care."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from ...experiment.precisions import departure
from ...experiment.recipes import PAPERS_ANCHOR, Recipe
from ...experiment.regimes import PAPER
from ...experiment.tasks import Task
from ...experiment.trained_as import departures
from ...runs.conditions import Conditions
from ...verdicts.curves import Cell
from ...verdicts.figures import Figure
from ...words import counted

NAMED: Final = 4  # cells that a caption names; of more it says how many
FEW: Final = 3  # seeds, up to which each is a dot


@dataclass(frozen=True)
class Picture:
    """A drawn figure: its number, its file and its caption."""

    number: int
    path: Path
    caption: str


@dataclass
class Notes:
    """The cells of a figure, or of a pair of axes, that are marked: undertrained, diverged, or without a value.

    ``seeds``: how many seeds the lines of each task have. ``sound``: whether what the strongest attack leaves is drawn.
    """

    undertrained: list[str] = field(default_factory=list)
    diverged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    at_edge: Counter[int] = field(default_factory=Counter)  # crosses at the edge of the axes, by batch size
    seeds: dict[str, set[int]] = field(default_factory=dict)
    sound: bool = False

    def take(self, recipe: Recipe, size: int, cells: list[Cell], lacking: int) -> None:
        """Note what there is to say of one recipe's seeds at a batch size; ``lacking`` have no value on the axes."""
        name, lost = f"{recipe} at {size}", sum(cell.diverged for cell in cells)
        seeds = counted(len(cells), "seed")
        short = [cell.train_accuracy for cell in cells if cell.undertrained]
        if short:
            of = "" if len(short) == len(cells) else f"{len(short)} of {seeds}: "
            self.undertrained.append(f"{name} ({of}{100 * np.mean(short):.0f}% of its training data)")
        if lost:
            self.diverged.append(f"{name} ({lost} of {seeds})")
        if lacking:
            self.missing.append(f"{name} ({lacking} of {seeds})")

    def add(self, other: "Notes", task: str = "") -> None:
        """Take in the notes on another pair of axes, which name its task where a figure shows several."""
        for mine, others in zip(self._lists, other._lists, strict=True):
            mine += [f"{task} {note}".lstrip() for note in others]
        self.at_edge += other.at_edge
        self.sound |= other.sound
        for name, counts in other.seeds.items():
            self.seeds[name] = self.seeds.get(name, set()) | counts

    def sentences(self) -> list[str]:
        """The notes for a caption, each cell once."""
        cross = "a cross, on the edge where no seed has a value" if self.at_edge else "a cross"
        kinds = ("Undertrained (hollow)", f"Diverged ({cross})", "Left out, for want of a positive value")
        noted = zip(kinds, self._lists, strict=True)
        return [f"{kind}: {_named(list(dict.fromkeys(cells)))}." for kind, cells in noted if cells]

    @property
    def _lists(self) -> tuple[list[str], list[str], list[str]]:
        return self.undertrained, self.diverged, self.missing


def _named(cells: Sequence[str]) -> str:
    """Cells by their names, or by their number where they are many."""
    return "; ".join(cells) if len(cells) <= NAMED else f"{len(cells)} cells"


def narrow(task: Task, conditions: Conditions) -> str:
    """The width of a network that has another one than the paper's, in words; empty where it is the paper's."""
    width, papers = conditions.regime.scale(task).width, PAPER.scale(task).width
    return f"width {width} instead of {papers}" if task.network.scalable and width != papers else ""


def anchored(task: Task, conditions: Conditions) -> str:
    """The batch size that stands for the paper's 64, in words; empty where it is 64."""
    anchor = conditions.regime.scale(task).anchor
    return f"LR and LR/BS one at {anchor} instead of {PAPERS_ANCHOR}" if anchor != PAPERS_ANCHOR else ""


def title(task: Task, conditions: Conditions) -> str:
    """The title of a pair of axes: the task, and that its network is not the paper's where it is not."""
    return ", ".join(filter(None, (str(task), narrow(task, conditions))))


def scale_words(conditions: Conditions, *, papers: bool, surrogate: bool) -> str:
    """The scale that runs were made at: the paper's or a regime's, how training departs, and where data are no data."""
    text = "at the paper's scale" if papers else f"{conditions.regime.title} regime (reduced)"
    text += departures(conditions.trained_as) + departure(conditions.precision)
    text += "".join(f", {words}" for words in conditions.regime.reads)
    return f"{text}, SURROGATE DATA" if surrogate else text


def heading(figure: Figure, conditions: Conditions) -> str:
    """The title of a figure: its number, and the scale that the runs of its tasks were made at."""
    papers = all(conditions.regime.is_papers(panel.task) for panel in figure.panels)
    surrogate = any(conditions.surrogate(panel.task) for panel in figure.panels)
    scale = scale_words(conditions, papers=papers, surrogate=surrogate)
    return f"{figure.title or f'Our figure {figure.number}'}, {scale}"


def caption(figure: Figure, conditions: Conditions, notes: Notes) -> str:
    """What a figure shows, of which tasks, at what scale; how to read it; and the cells that need care."""
    shown = dict.fromkeys(
        f"{panel.measure} of {panel.task} "
        f"({', '.join(_size(panel.task, panel.measure.attacked, conditions, notes.seeds.get(str(panel.task))))})"
        for panel in figure.panels
    )
    begins = figure.title or f"Drawn for the paper's figure {figure.number}"
    sentences = [f"{begins}: {'; '.join(shown)}.", *_reading(figure, conditions, notes), *notes.sentences()]
    return " ".join(sentences)


def _reading(figure: Figure, conditions: Conditions, notes: Notes) -> Iterable[str]:
    """How lines, dots and bars are to be read, in sentences."""
    seeds = {count for counts in notes.seeds.values() for count in counts}
    few, many = any(1 < count <= FEW for count in seeds), any(count > FEW for count in seeds)
    spread = [*(["dots single seeds"] if few else []), *(["bars their range"] if many else [])]
    factors = all(panel.measure.logarithmic for panel in figure.panels)
    yield f"{', '.join(['Lines are geometric means' if factors else 'Lines are means', *spread])}."
    attacked = [panel.task for panel in figure.panels if panel.measure.attacked]  # clean accuracy stands beside it
    if attacked:
        yield "Attacked accuracy is dashed."
    if notes.sound:
        yield "Dotted: under the strongest attack on each image."
    for all_of, first in dict.fromkeys(_images(task, conditions) for task in attacked):
        if all_of != first:
            of = f"Clean accuracy is of {all_of:,} images and attacked accuracy of the first {first:,} of them"
            yield f"{of}, so the latter can be the higher one."


def _images(task: Task, conditions: Conditions) -> tuple[int, int]:
    """Of how many images clean and attacked accuracy are."""
    reading, most = conditions.reading(task), task.dataset.test
    return min(reading.test_images or most, most), min(reading.attacked_images or most, most)


def _size(task: Task, attacked: bool, conditions: Conditions, seeds: Collection[int] | None) -> Iterable[str]:
    """The scale of a task's runs, in phrases; ``seeds``: how many the lines that are drawn have."""
    scale = conditions.regime.scale(task)
    fewest, most = (min(seeds), max(seeds)) if seeds else (scale.seeds, scale.seeds)
    yield from filter(None, (narrow(task, conditions), anchored(task, conditions)))
    yield "all training images" if scale.train_images is None else counted(scale.train_images, "training image")
    yield counted(scale.epochs, "epoch")
    yield counted(most, "seed") if fewest == most else f"{fewest} to {most} seeds"
    if attacked:
        yield scale.reading.epsilon_text(task.dataset)
