"""What a benchmark found, where it is stored, and how it compares with what was stored last."""

import importlib.metadata
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final, Literal

import msgspec

from repro.report.provenance import versions
from repro.runs.hardware import hardware

RESULTS: Final = Path(__file__).parent / "results"
RATIO: Final = "x"


@dataclass(frozen=True)
class Figure:
    """One number with its range over repeats: a ratio of the peer's to ours, or an absolute number of ours.

    ``ours`` and ``peer``: the middles of what a ratio is of, in ``of`` (seconds, products). ``asked``: the number that
    was asked for. A ratio is better where it is larger; ``better`` says how it is with an absolute number.
    """

    value: float
    range: tuple[float, float]
    unit: str = RATIO
    asked: float | None = None
    better: Literal["larger", "smaller"] = "larger"
    ours: float | None = None
    peer: float | None = None
    of: str = "s"

    @property
    def spread(self) -> float:
        """From the lowest repeat to the highest."""
        return self.range[1] - self.range[0]

    @property
    def short(self) -> bool:
        """Whether it falls short of what was asked for."""
        if self.asked is None:
            return False
        return self.value < self.asked if self.better == "larger" else self.value > self.asked


def ratio(ours: Sequence[float], peer: Sequence[float], asked: float | None = None) -> Figure:
    """The peer's over ours, pair by pair of the repeats that took turns."""
    ratios = [theirs / own for own, theirs in zip(ours, peer, strict=True)]
    return Figure(median(ratios), (min(ratios), max(ratios)), RATIO, asked, ours=median(ours), peer=median(peer))


def absolute(values: Sequence[float], unit: str, asked: float | None = None) -> Figure:
    """A number of ours alone, which is better where it is smaller."""
    return Figure(median(values), (min(values), max(values)), unit, asked, "smaller")


@dataclass(frozen=True)
class Result:
    """What one benchmark found. ``faults``: what makes its figures worthless, as when the sides' work differs."""

    figures: dict[str, Figure]
    facts: dict[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def path_of(name: str, folder: Path = RESULTS) -> Path:
    """Where a benchmark's result is stored."""
    return folder / f"{name}.json"


def store(name: str, result: Result, peers: Iterable[str] = (), folder: Path = RESULTS) -> None:
    """Write a result with versions and hardware. ``peers``: packages whose versions it depends on as well."""
    content = {
        "benchmark": name,
        "figures": {key: asdict(figure) for key, figure in result.figures.items()},
        "facts": result.facts,
        "versions": {**versions(), **{peer: importlib.metadata.version(peer) for peer in peers}},
        "hardware": hardware(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    path_of(name, folder).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")


@dataclass(frozen=True)
class Stored:
    """A result as it was stored last."""

    figures: dict[str, Figure] = field(default_factory=dict)
    hardware: dict[str, Any] = field(default_factory=dict)


def stored(name: str, folder: Path = RESULTS) -> Stored:
    """The last result of a benchmark; without figures if there is none."""
    path = path_of(name, folder)
    return msgspec.json.decode(path.read_bytes(), type=Stored) if path.exists() else Stored()


def compared(now: Figure, last: Figure | None, same_machine: bool) -> str:
    """The last figure, and a word: WORSE where ours is worse by more than the spread of either, or "better".

    An absolute number of another machine is not comparable, nor is a ratio to be judged by it.
    """
    if last is None:
        return "none"
    text = number(last.value, last.unit)
    if not same_machine:
        return f"{text} (another machine)"
    gain = now.value - last.value if now.better == "larger" else last.value - now.value
    if abs(gain) <= max(now.spread, last.spread):
        return text
    return f"{text} better" if gain > 0 else f"{text} WORSE"


def same_machine(last: dict[str, Any]) -> bool:
    """Whether a stored result is of a machine like this one: processor and number of cores."""
    here = hardware()
    return all(last.get(key) == here[key] for key in ("processor", "cores"))


def number(value: float, unit: str) -> str:
    """A figure's value for the table."""
    return f"{value:.2f}" if unit == RATIO else f"{value:.3g} {unit}"


HEAD: Final = (
    f"{'benchmark':<32}{'figure':<12}{'now':>9}{'range':>16}{'ours':>11}{'peer':>11}{'asked':>9}   last stored"
)


def rows(name: str, result: Result, last: Stored) -> list[str]:
    """A line for each figure of a result."""
    alike = same_machine(last.hardware)
    return [_row(name, key, figure, last.figures.get(key), alike) for key, figure in result.figures.items()]


def _row(name: str, key: str, figure: Figure, last: Figure | None, alike: bool) -> str:
    low, high = figure.range
    sides = [f"{value:.3g} {figure.of}" if value is not None else "" for value in (figure.ours, figure.peer)]
    asked = "" if figure.asked is None else f"{number(figure.asked, figure.unit)}{'!' if figure.short else ''}"
    return (
        f"{name:<32}{key:<12}{number(figure.value, figure.unit):>9}{f'{low:.2f} - {high:.2f}':>16}"
        f"{sides[0]:>11}{sides[1]:>11}{asked:>9}   {compared(figure, last, alike)}"
    )
