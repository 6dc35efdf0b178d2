"""A verdict as the page shows it: its plots, its number line, why it is so, what would decide or turn it."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Final

from markupsafe import Markup

from ...experiment.regimes import TRAINED
from ...statistics.estimands import Compares, Outcome
from ...verdicts.curves import MEASURES
from ...verdicts.entry import Entry, EqualAmount, OtherReading, PlainCurve, Standing
from ...verdicts.looks import in_words
from ..drawing.colours import colour_of
from ..scorecard import variant_of
from .needed import needed
from .numberline import Line
from .plots import curve_plot, mean
from .trust import doubts
from .values import line_of
from .ways import straddles, way

SYMBOLS: Final = {"holds": "\u2713", "fails": "\u2717", "undecided": "?", "not learnt": "\u2205"}
STANDINGS: Final = {
    Standing.PAPER: "stated by the paper",
    Standing.DETAIL: "one task's part of a statement about all",
    Standing.EXTENSION: "beyond the paper's text",
}


@dataclass(frozen=True)
class Reading:
    """What another reading of the same runs says, and whether that is another outcome."""

    name: str
    says: str
    verdict: str
    shown: str
    turns: bool


@dataclass(frozen=True)
class Drawn:
    """A plot with what a legend says of its lines."""

    title: str
    svg: Markup
    keys: tuple[tuple[str, str], ...]  # colour and name
    within: str  # what the shaded band is; empty without one
    signs: tuple[str, ...] = ()  # what its marks mean


@dataclass(frozen=True)
class Case:
    """A verdict under its address on the page."""

    entry: Entry
    slug: str

    @property
    def look(self) -> str:
        """The name of its colours."""
        return f"o-{self.entry.outcome.replace(' ', '-')}"

    @property
    def symbol(self) -> str:
        """The sign that stands before its word."""
        return SYMBOLS[self.entry.outcome]

    @property
    def variant(self) -> str:
        """What its case is beyond its task."""
        return variant_of(self.entry).replace("-", " ")

    @property
    def departs(self) -> str:
        """In what its runs depart from what the paper speaks of; empty where they do not."""
        return self.entry.verdict.partition(" (")[2].removesuffix(")")

    @property
    def short(self) -> str:
        """Its word with a star in the place of what its runs depart in."""
        return self.entry.verdict.partition(" (")[0] + ("*" if self.departs else "")

    @property
    def standing(self) -> str:
        """Whose statement it decides, in words."""
        return STANDINGS[self.entry.standing]

    @property
    def doubts(self) -> list[str]:
        """Why it should not be relied on, if it is decided."""
        return doubts(self.entry)

    @property
    def equal(self) -> Reading | None:
        """What it comes to at equal training; None where it compares nothing that could be trained unequally."""
        found = self.entry.equal_amount
        says = f"every network trained to the same amount ({found.amount})" if found else ""
        return self._reading(found, "equal training", says) if found else None

    @property
    def readings(self) -> list[Reading]:
        """All other readings: the strongest attack first, equal training second."""
        sound = [self._reading(self.entry.sound, "strongest attack", self.entry.sound.says)] if self.entry.sound else []
        equal = [self.equal] if self.equal else []
        return [*sound, *equal, *(self._reading(other, other.name, other.says) for other in self.entry.readings)]

    def _reading(self, other: OtherReading | EqualAmount, name: str, says: str) -> Reading:
        return Reading(name, says, other.verdict, other.shown, self.entry.turned_by(other))

    @property
    def turned(self) -> list[Reading]:
        """The readings that come to another outcome."""
        return [reading for reading in self.readings if reading.turns]

    @property
    def measures(self) -> list[str]:
        """The measures of its curves."""
        return list(dict.fromkeys(curve.label for curve in self._curves))

    @property
    def places(self) -> list[str]:
        """Where else on the page it is shown: its figures, and the lines of the values that it rests on."""
        lines = dict.fromkeys(line_of(curve.task, curve.recipe) for curve in self._curves)
        return [*(f"figure-{number}" for number in self.entry.figures), *lines]

    @property
    def why(self) -> str:
        """One plain sentence on what brought this verdict."""
        entry = self.entry
        if entry.outcome is Outcome.NOT_LEARNT:
            return f"Not tested: {entry.reason}, and such networks say nothing of the claim."
        if entry.estimate is None or (entry.outcome is Outcome.UNDECIDED and entry.reason):
            return f"Undecided: {entry.reason or 'there is no estimate'}."
        found = self._jointly() if "; " in entry.effect else f"the {entry.effect} is {entry.shown}"
        asked = f"the claim asks for: {entry.asked}"
        match entry.outcome:
            case Outcome.HOLDS:
                return f"It holds: {found}; {asked}."
            case Outcome.FAILS:
                how = way(entry)
                return f"It fails: {found}; {asked}." + (f" This is {how}." if how else "")
        return f"Undecided: {found}; {asked}." + (" The interval leaves both possible." if straddles(entry) else "")

    def _jointly(self) -> str:
        """The effects of several measures, each with its number, which stands at its end, and with its measure."""
        effects = [re.sub(r" ([x+-][\d.].*)$", r" is \1", effect) for effect in self.entry.effect.split("; ")]
        named = self.measures if len(self.measures) == len(effects) else [""] * len(effects)
        of = [f" ({measure})" if measure else "" for measure in named]
        return "the " + ", and the ".join(map("".join, zip(effects, of, strict=True)))

    @property
    def shown(self) -> str:
        """Its effect for a line; of networks that have not learnt why it has none."""
        return self.entry.reason if self.entry.outcome is Outcome.NOT_LEARNT else self.entry.shown

    @property
    def decider(self) -> str:
        """What would decide it, or turn it."""
        return needed(self.entry)

    @property
    def looks(self) -> str:
        """What there is to say of other looks at it."""
        return in_words(self.entry.looks, self.entry.seeds)

    @cached_property
    def line(self) -> Markup | None:
        """Its number line."""
        line = Line.of(self.entry)
        return line.svg(f"{self.entry.effect}: {self.entry.shown}; asked for: {self.entry.asked}") if line else None

    @cached_property
    def _curves(self) -> list[PlainCurve]:
        return [curve for curve in self.entry.curves if not isinstance(curve, str)]

    @cached_property
    def tables(self) -> list[PlainCurve]:
        """Its curves, each once."""
        return list({(c.task, c.recipe, c.measure): c for c in self._curves}.values())

    @cached_property
    def equal_tables(self) -> list[PlainCurve]:
        """Its curves at equal training, where any network had to be trained less for that."""
        other = self.entry.equal_amount
        found = other.curves if other and other.trained_less else ()
        return list({(c.task, c.recipe, c.measure): c for c in found if not isinstance(c, str)}.values())

    @cached_property
    def plots(self) -> list[Drawn]:
        """A plot for each measure of each task."""
        ordered = sorted(self.tables, key=lambda curve: (curve.task, curve.measure))
        groups = [list(group) for _, group in groupby(ordered, key=lambda curve: (curve.task, curve.measure))]
        return [self._drawn(group) for group in groups]

    def _drawn(self, curves: Sequence[PlainCurve]) -> Drawn:
        band, within = self._band(curves)
        keys = tuple((colour_of(curve.recipe), curve.recipe) for curve in curves)
        unit = "" if curves[0].unit == "factor" else " [%]"
        points = [point for curve in curves for point in curve.points]
        signs = {
            f"\u25cb networks below {TRAINED:.0%} of their training data": any(p.undertrained for p in points),
            "\u00d7 a network diverged": any(p.diverged for p in points),
        }
        title, drawn = f"{curves[0].label}{unit}, {curves[0].task}", curve_plot(curves, band).svg()
        return Drawn(title, drawn, keys, within, tuple(sign for sign, there in signs.items() if there))

    def _band(self, curves: Sequence[PlainCurve]) -> tuple[tuple[tuple[float, float], ...], str]:
        """What is within the margin, and of what: of the first batch size, or of the curve that is compared with."""
        measure = MEASURES.get(curves[0].measure)
        if measure is None or str(measure.matters) not in self.entry.margins or len(curves) > 3:
            return (), ""
        size, along = measure.matters.size, self.entry.compares is Compares.BATCH_SIZES
        if along and len(curves) == 1:
            heights = [mean(curves[0].points[0])] * len(curves[0].points)
            what = f"batch size {curves[0].points[0].batch_size}"
        elif not along and len(curves) > 1:
            heights = [mean(point) for point in curves[-1].points]
            what = curves[-1].recipe
        else:
            return (), ""
        band = tuple((height - size, height + size) for height in heights)
        return (band, f"within {measure.matters} of {what}") if all(map(math.isfinite, heights)) else ((), "")

    @property
    def notes(self) -> Iterator[str]:
        """Whatever else has to be known of it."""
        yield from self.entry.notes
        if self.looks:
            yield self.looks
        found = self.entry.instruments
        if found and found.runs:
            missing = f"; not made on every network: {', '.join(found.unchecked)}" if found.unchecked else ""
            checks = f"{found.checks:,} checks of attacks and eigenvalue on {found.runs:,} networks"
            yield f"{checks}, {found.came_to}{missing}"
        if found and found.lambda1_sampling is not None:
            yield f"lambda1's standard error for the choice of images is up to {found.lambda1_sampling:.0%} of it"
