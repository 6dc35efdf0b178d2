"""A verdict as a number line: its estimate and interval, the margin, and the margin at which it would flip."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from ...statistics.estimands import Side
from ...statistics.units import Unit
from ...verdicts.declaration import UNITS
from ...verdicts.entry import Entry, NumberLine
from ..text import safe

WIDTH, HEIGHT = 340, 64
LEFT, RIGHT = 14, 326  # where the line begins and ends
AXIS: Final = 34  # how far down it is
ROOM: Final = 0.12  # left on both sides of what is shown, as a share of it
APART: Final = 44  # between the middles of two labels, at least


@dataclass(frozen=True)
class Line:
    """The places on a number line of what it shows, on the scale of a unit."""

    unit: Unit
    estimate: float
    low: float
    high: float
    line: NumberLine
    outcome: str

    @classmethod
    def of(cls, entry: Entry) -> "Line | None":
        """That of a verdict; None where it has no estimate, or no margin on its scale."""
        line = entry.number_line
        if line is None or entry.estimate is None or line.unit not in UNITS:
            return None
        low, high = (math.nan if end is None else end for end in entry.interval)
        return cls(UNITS[line.unit], entry.estimate, low, high, line, entry.outcome)

    @property
    def _shown(self) -> tuple[float, float]:
        """The ends of what is shown: the interval as far as it is not much wider than the rest."""
        margins = [self.line.margin, -self.line.margin] if self.line.side != Side.ABOVE else [self.line.margin, 0.0]
        near = [0.0, self.estimate, *margins, *self._critical]
        reach = 1.6 * (max(near) - min(near) or 1.0)
        ends = [end for end in (self.low, self.high) if math.isfinite(end)]
        inside = [min(max(end, min(near) - reach), max(near) + reach) for end in ends]
        low, high = min(near + inside), max(near + inside)
        room = ROOM * (high - low or 1.0)
        return low - room, high + room

    @property
    def _critical(self) -> list[float]:
        return self._at(self.line.critical) if self.line.critical is not None else []

    def _at(self, size: float) -> list[float]:
        """Where a margin of this size stands."""
        match self.line.side:
            case Side.ABOVE:
                return [size]
            case Side.BELOW | Side.NOT_BELOW:
                return [-size]
        return [-size, size]

    def place(self, value: float) -> float:
        """How far to the right a value stands; on the edge where it is beyond."""
        low, high = self._shown
        return min(max(LEFT + (RIGHT - LEFT) * (value - low) / (high - low), LEFT), RIGHT)

    @property
    def _held(self) -> list[tuple[float, float]]:
        """The stretches in which the claim holds."""
        low, high = self._shown
        size = self.line.margin
        match self.line.side:
            case Side.ABOVE:
                return [(size, high)]
            case Side.BELOW:
                return [(low, -size)]
            case Side.WITHIN:
                return [(-size, size)]
            case Side.NOT_BELOW:
                return [(-size, high)]
        return [(low, -size), (size, high)]

    def svg(self, label: str) -> Markup:
        """The drawing; ``label`` says all of it in words."""
        parts = [*self._ground(), *self._interval(), *self._labels()]
        head = f'<svg class="numberline o-{self.outcome.replace(" ", "-")}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        return Markup(f'{head}aria-label="{safe(label)}">{"".join(parts)}</svg>')

    def _ground(self) -> Iterator[str]:
        for start, end in self._held:
            x, width = self.place(start), self.place(end) - self.place(start)
            yield f'<rect class="held" x="{x:.1f}" y="{AXIS - 12}" width="{max(width, 0):.1f}" height="24" rx="2"/>'
        yield f'<path class="axis" d="M{LEFT} {AXIS}H{RIGHT}"/>'
        yield f'<path class="zero" d="M{self.place(0):.1f} {AXIS - 12}v24"/>'
        for value in self._at(self.line.margin):
            yield f'<path class="margin" d="M{self.place(value):.1f} {AXIS - 14}v28"/>'
        for value in self._critical:
            yield f'<path class="critical" d="M{self.place(value):.1f} {AXIS - 14}v28"/>'

    def _interval(self) -> Iterator[str]:
        low, high = self._shown
        ends = (self.low if math.isfinite(self.low) else low - 1, self.high if math.isfinite(self.high) else high + 1)
        left, right = (self.place(end) for end in ends)
        yield f'<path class="interval" d="M{left:.1f} {AXIS}H{right:.1f}"/>'
        yield _end(left, cut=ends[0] < low, way=1) + _end(right, cut=ends[1] > high, way=-1)
        yield f'<circle class="estimate" cx="{self.place(self.estimate):.1f}" cy="{AXIS}" r="4.5"/>'

    def _labels(self) -> Iterator[str]:
        yield _text(self.place(self.estimate), AXIS - 18, self._said(self.estimate), "of-estimate")
        below = [(self.place(value), self._said(value), "of-margin") for value in self._at(self.line.margin)]
        critical = [(self.place(value), self._said(value), "of-critical") for value in self._critical]
        zero = (self.place(0), self._said(0), "of-zero")
        kept: list[float] = []
        for x, said, name in [*below, *critical, zero]:
            if all(abs(x - other) >= APART for other in kept):
                kept.append(x)
                yield _text(x, AXIS + 25, said, name)

    def _said(self, value: float) -> str:
        said = self.unit.difference(value).removesuffix(" points").replace("x", "\u00d7")
        return "0" if said == "+0.0" else said


def _end(x: float, *, cut: bool, way: int) -> str:
    """The end of an interval: a short stroke, or an arrow where it goes on beyond the edge."""
    if cut:
        return f'<path class="interval" d="M{x + 6 * way:.1f} {AXIS - 5}L{x:.1f} {AXIS}L{x + 6 * way:.1f} {AXIS + 5}"/>'
    return f'<path class="interval" d="M{x:.1f} {AXIS - 5}v10"/>'


def _text(x: float, y: float, text: str, name: str) -> str:
    inside = min(max(x, 18), WIDTH - 18)
    return f'<text class="{name}" x="{inside:.1f}" y="{y}" text-anchor="middle">{safe(text)}</text>'
