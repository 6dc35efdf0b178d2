"""A session's timeline read back: which process made what when, whether any idled, whether anything was made twice."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

IDLE: Final = 0.3  # seconds that a process may take between two runs: it decides claims, and looks what is missing


@dataclass(frozen=True)
class Piece:
    """A run, or a checkpoint of one, made by a process from ``begin`` to ``end`` (seconds since the first began)."""

    run: str
    name: str
    worker: str
    begin: float
    end: float

    @property
    def whole(self) -> str:
        """The name of the run that it is, or is a checkpoint or a shorter training of: what a process locks."""
        return self.name.split(" to step ")[0].split(" compressed to ")[0]

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.begin


@dataclass(frozen=True)
class Idle:
    """A process that did nothing while a piece was missing and nobody was at it."""

    worker: str
    begin: float
    seconds: float
    missing: str


def read(path: Path) -> list[Piece]:
    """The pieces of a timeline that were begun and ended, in the order in which they were begun."""
    events = [json.loads(line) for line in path.read_text().splitlines()]
    begun: dict[tuple[str, str], float] = {}
    pieces = []
    first = min(event["time"] for event in events)
    for event in events:
        key = event["worker"], event["run"]
        if event["event"] == "begin":
            begun[key] = event["time"] - first
        else:
            pieces.append(Piece(event["run"], event["name"], event["worker"], begun.pop(key), event["time"] - first))
    return sorted(pieces, key=lambda piece: piece.begin)


def made_twice(pieces: Sequence[Piece]) -> list[str]:
    """The names of runs and checkpoints that were made more than once."""
    runs = [piece.run for piece in pieces]
    return sorted({piece.name for piece in pieces if runs.count(piece.run) > 1})


def in_order(pieces: Sequence[Piece]) -> float:
    """How far the slowest were begun first: the share of pairs of whole runs of which the slower was begun first."""
    whole = [piece for piece in pieces if piece.name == piece.whole]
    pairs = [(a, b) for i, a in enumerate(whole) for b in whole[i + 1 :]]
    return sum(a.seconds >= b.seconds for a, b in pairs) / len(pairs)


def tail(pieces: Sequence[Piece]) -> float:
    """The seconds at the end in which only one process was at work."""
    ends = [max(piece.end for piece in pieces if piece.worker == w) for w in {piece.worker for piece in pieces}]
    return max(ends) - min(ends)


def idle(pieces: Sequence[Piece], longer_than: float = IDLE) -> list[Idle]:
    """Where a process waited before a piece, or after its last, though another was missing and nobody was at it."""
    found = []
    end = max(piece.end for piece in pieces)
    for worker in sorted({piece.worker for piece in pieces}):
        own = [piece for piece in pieces if piece.worker == worker]
        edges = [0.0, *(edge for piece in own for edge in (piece.begin, piece.end)), end]
        for begin, until in zip(edges[::2], edges[1::2], strict=True):
            waits = [(_longest(begin, until, piece, pieces), piece.name) for piece in pieces if piece.begin > begin]
            seconds, missing = max(waits, default=(0.0, ""))
            if seconds > longer_than:
                found.append(Idle(worker, begin, seconds, missing))
    return found


def _longest(begin: float, until: float, piece: Piece, pieces: Sequence[Piece]) -> float:
    """The longest time from ``begin`` to ``until`` in which a piece could have been begun: its run was nobody's."""
    taken = sorted((p.begin, p.end) for p in pieces if p.whole == piece.whole and p.run != piece.run)
    until, longest = min(until, piece.begin), 0.0
    for start, end in [*taken, (until, until)]:
        longest = max(longest, min(start, until) - begin)
        begin = max(begin, end)
    return longest


def draw(pieces: Sequence[Piece], path: Path, title: str) -> None:
    """A PNG with a row for each process and a bar for each piece, coloured by task."""
    from matplotlib.figure import Figure

    workers = sorted({piece.worker for piece in pieces})
    tasks = sorted({piece.name.split()[0] for piece in pieces})
    figure = Figure(figsize=(9, 1.2 + 0.5 * len(workers)), layout="constrained")
    axes = figure.subplots()
    for i, task in enumerate(tasks):
        own = [piece for piece in pieces if piece.name.split()[0] == task]
        rows = [workers.index(piece.worker) for piece in own]
        lengths, begins = [piece.seconds for piece in own], [piece.begin for piece in own]
        axes.barh(rows, lengths, left=begins, color=f"C{i}", edgecolor="white", linewidth=0.5, label=task)
    axes.set_yticks(range(len(workers)), workers)
    axes.invert_yaxis()
    axes.set_xlabel("seconds since the first run was begun")
    axes.set_title(title, fontsize="medium")
    axes.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.35), ncols=len(tasks), frameon=False)
    figure.savefig(path, dpi=80)
