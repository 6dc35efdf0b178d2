"""The lines that a report's claims speak of, each a recipe on a task with its runs, from the report alone.

A report names a recipe and says how it sets SGD at each batch size; so no claim has to be collected to find its runs.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import ReproError
from ..experiment.own import OWN
from ..experiment.readings import Reading, alone
from ..experiment.recipes import BENCHMARK, LR, LR_BS, PAPERS_ANCHOR, SGD, Recipe
from ..experiment.regimes import Scale
from ..experiment.tasks import TASKS, Task
from ..runs.run import Run
from .bundle import Loaded

PAPERS: Final = {"LR": LR, "LR/BS": LR_BS, BENCHMARK.name: lambda _: BENCHMARK}
SET: Final = re.compile(r"SGD\(learning_rate=(\S+), momentum=(\S+), half_life=(\w+)\)")  # as a declaration tells it


@dataclass(frozen=True)
class Line:
    """A recipe on a task: its runs, batch size by batch size, and the readings they are measured under."""

    task: Task
    recipe: Recipe
    runs: tuple[Run, ...]
    readings: tuple[Reading, ...]


def lines_of(loaded: Loaded) -> list[Line]:
    """The lines of a report, in the order of its claims. ReproError: one is of a task that nobody has entered here."""
    found: dict[tuple[str, str, float], dict[str, Any]] = {}
    for entry in loaded.report.claims:
        for curve in entry.declaration.get("curves", ()):
            key = curve["task"], curve["recipe"][0], curve["recipe"][1]
            line = found.setdefault(key, {"seeds": 0, "measures": {}, "under": entry.declaration.get("under", {})})
            line["seeds"] = max(line["seeds"], entry.seeds)
            line["measures"][curve["measure"]] = None
    return [_line(loaded, *key, **about) for key, about in found.items()]


def _line(
    loaded: Loaded, name: str, recipe: str, momentum: float, seeds: int, measures: Mapping[str, None], under: Any
) -> Line:
    if name not in TASKS:
        raise ReproError(
            f"{loaded.path}: speaks of {name}, which is no task of this paper's: import the module that enters it "
            "(the conftest.py beside its claims) before"
        )
    task, conditions = TASKS[name], loaded.conditions
    scale = conditions.regime.scale(task)
    made = _recipe(recipe, momentum, under, task, scale)
    more = range(max(seeds, scale.seeds))
    runs = tuple(conditions.run(task, made, size, seed) for size in scale.batch_sizes for seed in more)
    own = [alone(scale.reading, OWN[measure].part) for measure in measures if measure in OWN]
    return Line(task, made, runs, (scale.reading, *own))


def _recipe(name: str, momentum: float, under: Mapping[str, Any], task: Task, scale: Scale) -> Recipe:
    """One of the paper's by its name, another by what the report says that it sets."""
    if name in PAPERS:
        return PAPERS[name](momentum)
    varied = f"{name} m={momentum:g} on {task}" in under
    told = under.get(f"{name} m={momentum:g} on {task}" if varied else f"{name} on {task}", {})
    table = {float(size) * PAPERS_ANCHOR / scale.anchor: _sgd(text, scale) for size, text in told.items()}
    return Recipe(name, momentum, lambda size, _: table[size], varied)


def _sgd(text: str, scale: Scale) -> SGD:
    """What a recipe sets by itself, of which the scale's factor made what is told."""
    told = SET.fullmatch(text)
    if told is None:
        raise ReproError(f"{text!r}: is not how a recipe sets SGD")
    return SGD(float(told[1]), float(told[2]), None if told[3] == "None" else int(told[3]) * scale.schedule_factor)
