"""The conditions of a session: its regime, what its data sets are, and on which devices. Free of torch.

From these a figure's point (task, recipe, batch size, seed) becomes a run.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from ..experiment.devices import device_of
from ..experiment.networks import PAPERS_WIDTH
from ..experiment.precisions import FLOAT32
from ..experiment.readings import (
    PIXELS,
    SOUND,
    SOUND_PIXELS,
    TEST_LOSS,
    Alternative,
    Reading,
    alternative,
    of_checkpoints,
)
from ..experiment.recipes import Recipe
from ..experiment.regimes import Regime
from ..experiment.tasks import Task
from ..experiment.trained_as import concerning
from ..science.data.sources import Source
from .run import Run

GROWTH: Final = 1.5  # of the number of seeds from one look to the next


@dataclass(frozen=True)
class Conditions:
    """What a session has decided before it starts."""

    regime: Regime
    sources: Mapping[str, Source]
    device: str  # of all tasks, with exceptions (see ``devices``)
    readings: tuple[str, ...] = (SOUND,)  # the alternatives that verdicts are decided under as well
    until_decided: int | None = None  # seeds are added to a claim until it is decided, up to so many
    trained_as: tuple[str, ...] = ()  # in what training departs from the first reading of the paper
    precision: str = FLOAT32  # of the training; everything is measured in float32

    def run(self, task: Task, recipe: Recipe, batch_size: int, seed: int) -> Run:
        """The run behind one point of a curve."""
        scale = self.regime.scale(task)
        return Run(
            task=task,
            sgd=scale.sgd(recipe, batch_size),
            batch_size=batch_size,
            seed=seed,
            epochs=scale.epochs,
            train_images=scale.train_images,
            data=self.sources[task.dataset.name].kind,
            device=device_of(self.device, str(task)),
            width=scale.width if task.network.scalable else PAPERS_WIDTH,
            trained_as=concerning(task, self.trained_as),
            precision=self.precision,
        )

    def runs(self, task: Task, recipe: Recipe, batch_sizes: tuple[int, ...]) -> list[Run]:
        """The runs behind a line: seed by seed, each at these batch sizes.

        Made once, since every claim and figure that speaks of the line asks for them.
        """
        line = task, recipe, batch_sizes
        if line not in self._lines:
            seeds = range(self.regime.scale(task).seeds)
            self._lines[line] = [self.run(task, recipe, size, seed) for seed in seeds for size in batch_sizes]
        return [*self._lines[line]]

    @cached_property
    def _lines(self) -> dict[tuple[Task, Recipe, tuple[int, ...]], list[Run]]:
        return {}

    def reading(self, task: Task) -> Reading:
        """How the task's runs are measured."""
        return self.regime.scale(task).reading

    def reading_of(self, run: Run) -> Reading:
        """How a run or a checkpoint is measured."""
        reading = self.reading(run.task)
        return reading if run is run.whole else of_checkpoints(reading)

    def looks(self, *tasks: Task) -> tuple[int, ...]:
        """The numbers of seeds at which a claim is decided, ascending: one, unless seeds are added.

        They are added to claims on one task; what is said of several tasks is decided on the seeds that these have.
        """
        seeds = min(self.regime.scale(task).seeds for task in tasks)
        if self.until_decided is None or len(tasks) > 1:
            return (seeds,)
        cap, found = max(seeds, self.until_decided), [seeds]
        while found[-1] < cap:  # by halves: few looks, so that each may spend more of the error
            found.append(min(cap, math.ceil(found[-1] * GROWTH)))
        return tuple(found)

    def with_seeds(self, seeds: int) -> "Conditions":
        """The same session with another number of seeds."""
        return replace(self, regime=self.regime.overridden(seeds=seeds))

    def with_seeds_of(self, seeds: Mapping[Task, int]) -> "Conditions":
        """The same session with other numbers of seeds of some tasks."""
        scales = {str(task): replace(self.regime.scale(task), seeds=number) for task, number in seeds.items()}
        if all(self.regime.scales[task] == scale for task, scale in scales.items()):
            return self
        return replace(self, regime=replace(self.regime, scales={**self.regime.scales, **scales}))

    def alternatives(self, task: Task) -> list[Alternative]:
        """The other readings that its verdicts are decided under, but for one that is the first reading already."""
        first = self.reading(task)
        one_unit = first.given_epsilon is not None or first.epsilon(task.dataset) == task.dataset.epsilon
        same = {PIXELS: one_unit, SOUND_PIXELS: one_unit, TEST_LOSS: first.curvature_of == "test"}
        return [alternative(name, first, task.dataset) for name in self.readings if not same.get(name)]

    def surrogate(self, task: Task) -> bool:
        """Whether the task's data set is the surrogate."""
        return self.sources[task.dataset.name].kind == "surrogate"

    def departs(self, task: Task) -> list[str]:
        """In what a task's runs depart from what the paper speaks of: no word on them goes without it."""
        own = [*concerning(task, self.trained_as), *([self.precision] if self.precision != FLOAT32 else [])]
        return [*(["surrogate"] if self.surrogate(task) else []), *own]
