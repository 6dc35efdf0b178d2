"""Others' numbers, from a TOML file: claims that ours match them, or do not, compare the two. Free of torch.

[sources.yao-2018]
authors = "Yao, Gholami, Lei, Keutzer and Mahoney (2018)"
title = "Hessian-based Analysis of Large Batch Training and Robustness to Adversaries"
address = "https://arxiv.org/abs/1802.08241"

[[numbers]]
source = "yao-2018"
place = "Table 1, page 7"
task = "C1-CIFAR10"
recipe = "Benchmark"           # as tables of evidence name it: "LR m=0.9", say
measure = "test_accuracy"      # a field of the stored measures; accuracies are shares, from 0 to 1
batch_size = 64
value = 0.5
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from ..errors import SettingError
from ..experiment.recipes import Recipe
from ..experiment.tasks import TASKS, Task
from ..statistics.units import POINTS
from .curves import MEASURES, Measure, Theirs

SHARES: Final = "a share from 0 to 1"


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where numbers were printed."""

    authors: str
    title: str
    address: str


class Number(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of them."""

    source: str
    place: str  # page and table
    task: str
    recipe: str
    measure: str
    batch_size: int
    value: float

    @property
    def of(self) -> tuple[str, ...]:
        """What it is the number of: no other may be of the same."""
        return self.source, self.task, self.recipe, self.measure, str(self.batch_size)


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that the file holds."""

    sources: dict[str, Source] = msgspec.field(default_factory=dict)
    numbers: tuple[Number, ...] = ()


@dataclass(frozen=True)
class References:
    """A table of others' numbers, and the file that it is from."""

    table: Table
    path: Path

    def of(self, source: str, task: Task, recipe: Recipe, measure: Measure) -> Theirs:
        """What a source printed of a curve, which may be nothing. SettingError: the table has no such source."""
        if source not in self.table.sources:
            known = ", ".join(self.table.sources) or "none"
            raise SettingError(f"{self.path}: source {source!r} is unknown; known are {known}")
        curve = (source, str(task), str(recipe), measure.field)
        found = [number for number in self.table.numbers if number.of[:-1] == curve]
        told = self.table.sources[source]
        places = "; ".join(dict.fromkeys(number.place for number in found))
        words = f"{told.authors}, {told.title}, {places} ({told.address})"
        return Theirs({number.batch_size: number.value for number in found}, words)


def references(path: Path) -> References:
    """The table in a TOML file. SettingError: it is none, or a row of it is of nothing known or holds no number."""
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Table)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path}: is not TOML ({error})") from None
    except OSError as error:
        raise SettingError(f"{path}: cannot be read ({error.strerror})") from None
    except msgspec.ValidationError as error:
        raise SettingError(f"{path}: {str(error).replace('`$.', '`')}") from None
    seen: set[tuple[str, ...]] = set()
    for place, number in enumerate(table.numbers, start=1):
        wrong = _wrong(number, table.sources)
        if not wrong and number.of in seen:
            wrong = f"there is another one of {', '.join(number.of[1:])}"
        if wrong:
            raise SettingError(f"{path}: number {place}: {wrong}")
        seen.add(number.of)
    return References(table, path)


def _wrong(number: Number, sources: Mapping[str, Any]) -> str:
    """What a row has that cannot be, and what would be right; empty if it is sound."""
    known: Mapping[str, Mapping[str, Any]] = {"source": sources, "task": TASKS, "measure": MEASURES}
    for name, names in known.items():
        if getattr(number, name) not in names:
            return f"{name} = {getattr(number, name)!r} is unknown; known are {', '.join(names) or 'none'}"
    if number.batch_size < 1:
        return f"batch_size = {number.batch_size} must be a whole number of at least 1"
    share = MEASURES[number.measure].unit is POINTS
    if not (0 <= number.value <= 1 if share else 0 < number.value < math.inf):
        return f"value = {number.value:g} must be {SHARES if share else 'a positive number'} for {number.measure}"
    return ""
