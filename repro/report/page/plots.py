"""Small plots of measured curves, with chance and the margin drawn in, and of training losses."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from ...statistics.units import FACTOR
from ...verdicts.curves import MEASURES
from ...verdicts.entry import PlainCurve, Point
from ..drawing.colours import colour_of
from ..text import safe

WIDTH, HEIGHT = 320, 190
LEFT, RIGHT, TOP, BOTTOM = 42, 312, 10, 156
STEPS: Final = (0.2, 0.5, 1, 2, 5, 10, 20, 25, 50)
PARTS: Final = ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7))  # of a decade, as few as there can be


@dataclass(frozen=True)
class Stroke:
    """A line of a plot: its places and heights, and the dots of single values.

    ``hollow``: where its mark is, for networks that are undertrained; ``crossed``: where one diverged.
    """

    colour: str
    heights: tuple[float, ...]  # NaN where there is none
    dots: tuple[tuple[float, ...], ...] = ()
    hollow: tuple[bool, ...] = ()
    crossed: tuple[bool, ...] = ()
    dashed: bool = False


@dataclass(frozen=True)
class Plot:
    """Lines over places that are equally far from each other.

    ``logarithmic``: heights are logarithms, and ticks say what they are of. ``band``: for each place the lower and
    upper edge of what is within the margin. ``chance``: the height of a network that guesses.
    """

    label: str
    places: tuple[str, ...]
    below: str
    strokes: tuple[Stroke, ...]
    logarithmic: bool = False
    band: tuple[tuple[float, float], ...] = ()
    chance: float | None = None
    limits: tuple[float, float] = (-math.inf, math.inf)

    def svg(self) -> Markup:
        """The drawing, which says in words what it shows."""
        low, high = self._range
        parts = [*self._axes(low, high), *self._band(low, high), *self._chance(low, high)]
        for upon, stroke in zip(reversed(range(len(self.strokes))), self.strokes, strict=True):
            broader = 1.1 * upon if len(self.strokes) < 5 else 0.0  # so that it is seen under those upon it
            parts += self._stroke(stroke, low, high, 1.8 + broader)
        head = f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{safe(self.label)}">'
        return Markup(head + "".join(parts) + "</svg>")

    @property
    def _range(self) -> tuple[float, float]:
        """The lowest and highest height that is shown, with room around."""
        heights = [h for s in self.strokes for h in (*s.heights, *(d for dots in s.dots for d in dots))]
        heights += [edge for edges in self.band for edge in edges]
        known = [h for h in heights if math.isfinite(h)] or [0.0, 1.0]
        if self.chance is not None and min(known) < self.chance + 30:
            known.append(self.chance)
        room = max(0.06 * (max(known) - min(known)), 0.15 if self.logarithmic else 1.0)
        return max(min(known) - room, self.limits[0]), min(max(known) + room, self.limits[1])

    def _x(self, i: int) -> float:
        if len(self.places) == 1:
            return (LEFT + RIGHT) / 2
        return LEFT + 12 + (RIGHT - LEFT - 24) * i / (len(self.places) - 1)

    @staticmethod
    def _y(height: float, low: float, high: float) -> float:
        return min(max(BOTTOM - (BOTTOM - TOP) * (height - low) / (high - low or 1), TOP), BOTTOM)

    def _axes(self, low: float, high: float) -> Iterator[str]:
        for value in _ticks(low, high, logarithmic=self.logarithmic):
            y = self._y(math.log(value) if self.logarithmic else value, low, high)
            yield f'<path class="grid" d="M{LEFT} {y:.1f}H{RIGHT}"/>'
            yield f'<text x="{LEFT - 5}" y="{y + 3.5:.1f}" text-anchor="end">{value:g}</text>'
        every = max(1, math.ceil(len(self.places) / 8))
        for i, place in enumerate(self.places):
            if i % every == 0:
                yield f'<text x="{self._x(i):.1f}" y="{BOTTOM + 14}" text-anchor="middle">{safe(place)}</text>'
        yield f'<path class="axis" d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}"/>'
        yield f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 29}" text-anchor="middle">{safe(self.below)}</text>'

    def _band(self, low: float, high: float) -> Iterator[str]:
        if self.band:
            edges = [(self._x(i), pair) for i, pair in enumerate(self.band) if all(map(math.isfinite, pair))]
            upper = [f"{x:.1f} {self._y(pair[1], low, high):.1f}" for x, pair in edges]
            lower = [f"{x:.1f} {self._y(pair[0], low, high):.1f}" for x, pair in reversed(edges)]
            yield f'<path class="within" d="M{"L".join(upper + lower)}Z"/>' if edges else ""

    def _chance(self, low: float, high: float) -> Iterator[str]:
        if self.chance is None:
            return
        if self.chance >= low:
            y = self._y(self.chance, low, high)
            yield f'<path class="chance" d="M{LEFT} {y:.1f}H{RIGHT}"/>'
            yield f'<text class="of-chance" x="{RIGHT}" y="{y - 3:.1f}" text-anchor="end">chance</text>'
        else:
            said = f"chance ({self.chance:g}%) lies below"
            yield f'<text class="of-chance" x="{RIGHT}" y="{BOTTOM - 4}" text-anchor="end">{said}</text>'

    def _stroke(self, stroke: Stroke, low: float, high: float, width: float) -> Iterator[str]:
        known = [(self._x(i), self._y(h, low, high), i) for i, h in enumerate(stroke.heights) if math.isfinite(h)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in known)
        dash = ' stroke-dasharray="6 3"' if stroke.dashed else ""
        yield f'<g style="--c:{stroke.colour}">'
        yield f'<path class="curve" d="M{path}" stroke-width="{width:.1f}"{dash}/>' if known else ""
        for i, dots in enumerate(stroke.dots):
            for dot in dots:
                if math.isfinite(dot):
                    yield f'<circle class="seed" cx="{self._x(i):.1f}" cy="{self._y(dot, low, high):.1f}" r="2.2"/>'
        for x, y, i in known if stroke.hollow else []:
            look = "mean hollow" if stroke.hollow[i] else "mean"
            yield f'<circle class="{look}" cx="{x:.1f}" cy="{y:.1f}" r="{2.4 + width / 2:.1f}"/>'
        yield from self._crosses(stroke, low, high)
        yield "</g>"

    def _crosses(self, stroke: Stroke, low: float, high: float) -> Iterator[str]:
        """At the upper edge where no value is left."""
        for i in (i for i, crossed in enumerate(stroke.crossed) if crossed):
            height = stroke.heights[i]
            x, y = self._x(i), self._y(height, low, high) if math.isfinite(height) else TOP
            yield f'<path class="cross" d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10"/>'


def _ticks(low: float, high: float, *, logarithmic: bool) -> list[float]:
    """Round numbers between two heights, which are logarithms or not: some three to six."""
    if not logarithmic:
        return _evenly(low, high, STEPS)
    low, high = math.exp(low), math.exp(high)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for parts in PARTS:
        found = [part * 10.0**decade for decade in decades for part in parts if low <= part * 10.0**decade <= high]
        if len(found) > 2:
            return found
    unit = 10.0 ** math.floor(math.log10(high - low))  # of an axis so short that it is all but even
    return _evenly(low, high, [unit * step for step in STEPS])


def _evenly(low: float, high: float, steps: Sequence[float]) -> list[float]:
    """Multiples of the smallest step of which there are not too many."""
    step = next((step for step in steps if (high - low) / step <= 5), steps[-1])
    return [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def mean(point: Point) -> float:
    """The mean of a point's seeds on its scale; NaN where none has a value."""
    known = [value for value in point.values if value is not None]
    return sum(known) / len(known) if known else math.nan


def curve_plot(curves: Sequence[PlainCurve], band: tuple[tuple[float, float], ...]) -> Plot:
    """Curves of one measure on one task, each seed a dot and their mean a line."""
    first = curves[0]
    logarithmic = first.unit == FACTOR.name
    said = "; ".join(
        f"{curve.recipe}: {', '.join(f'{_level(mean(p), curve.unit)} at {p.batch_size}' for p in curve.points)}"
        for curve in curves
    )
    return Plot(
        label=f"{first.label} on {first.task} by batch size. {said}",
        places=tuple(str(point.batch_size) for point in first.points),
        below="batch size",
        strokes=tuple(_stroke(curve) for curve in curves),
        logarithmic=logarithmic,
        band=band,
        chance=first.chance,
        limits=(0.0, 100.0) if first.unit == "points" and first.measure in MEASURES else (-math.inf, math.inf),
    )


def _level(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "no value"
    return f"{math.exp(value):.3g}" if unit == FACTOR.name else f"{value:.1f}"


def _stroke(curve: PlainCurve) -> Stroke:
    return Stroke(
        colour=colour_of(curve.recipe),
        heights=tuple(mean(point) for point in curve.points),
        dots=tuple(tuple(v for v in point.values if v is not None) for point in curve.points),
        hollow=tuple(point.undertrained > 0 for point in curve.points),
        crossed=tuple(point.diverged > 0 for point in curve.points),
        dashed=curve.measure.startswith(("fgsm", "pgd")),
    )
