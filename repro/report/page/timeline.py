"""Which process made which run when."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from ...files.text import read_text
from ...words import counted, span
from ..text import safe

TIMELINE: Final = "timeline.jsonl"  # in the artifacts
LANE, WIDE, NAMES = 22, 960, 70  # height of a process and of the hours, width of all, and room for names
MOST: Final = 4000  # runs that are drawn


@dataclass(frozen=True)
class Timeline:
    """Which process made which run when, of the session that last made any."""

    svg: Markup
    says: str


def timeline(path: Path) -> Timeline | None:
    """The timeline of a file that a session left; None where there is none, or nothing on it."""
    try:
        events = [json.loads(line) for line in read_text(path).splitlines()]
        made = _made(events)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return _drawn(made) if made else None


def _made(events: Sequence[dict[str, Any]]) -> list[tuple[str, str, float, float]]:
    """Process, name, begin and end of everything that was begun and ended."""
    begun: dict[tuple[str, str], dict[str, Any]] = {}
    made = []
    for event in events:
        key = event["worker"], event["name"]
        if event["event"] == "begin":
            begun[key] = event
        elif event["event"] == "end" and key in begun:
            made.append((*key, float(begun.pop(key)["time"]), float(event["time"])))
    return made


def _drawn(made: Sequence[tuple[str, str, float, float]]) -> Timeline:
    lanes = sorted({worker for worker, *_ in made}, key=lambda name: (len(name), name))
    start, end = min(m[2] for m in made), max(m[3] for m in made)
    wide = (WIDE - NAMES) / ((end - start) or 1.0)
    parts = [f'<text x="0" y="{LANE * i + 15}">{safe(lane)}</text>' for i, lane in enumerate(lanes)]
    for worker, name, begin, stop in made[:MOST]:
        x, y, width = NAMES + (begin - start) * wide, LANE * lanes.index(worker) + 3, max((stop - begin) * wide, 0.6)
        title = f"<title>{safe(name)}, {span(stop - begin)}</title>"
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{LANE - 6}">{title}</rect>')
    parts += _hours(end - start, LANE * len(lanes) + 13)
    busy = sum(stop - begin for *_, begin, stop in made)
    says = f"{counted(len(made), 'measurement')} made by {counted(len(lanes), 'process', 'processes')}"
    says += f" in {span(end - start)}, busy for {busy / ((end - start) * len(lanes) or 1.0):.0%} of that"
    head = f'<svg class="timeline" viewBox="0 0 {WIDE} {LANE * (len(lanes) + 1)}" role="img" aria-label="{safe(says)}">'
    return Timeline(Markup(head + "".join(parts) + "</svg>"), says)


def _hours(seconds: float, y: int) -> list[str]:
    """What time it is at the begin, in the middle and at the end, counted from the begin."""
    places = ((0.0, "start", "0"), (0.5, "middle", span(seconds / 2)), (1.0, "end", span(seconds)))
    return [
        f'<text x="{NAMES + (WIDE - NAMES) * at:.0f}" y="{y}" text-anchor="{anchor}">{said}</text>'
        for at, anchor, said in places
    ]
