"""Curves: one measure of one task and recipe against batch size, and how stored runs are read back as one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np

from ..errors import ReproError
from ..experiment.own import PREFIX
from ..experiment.readings import Alternative, Part, Reading, alone, transfer
from ..experiment.recipes import Recipe
from ..experiment.regimes import TRAINED, Scale
from ..experiment.registry import Registry
from ..experiment.tasks import Task
from ..runs.conditions import Conditions
from ..runs.run import Job, Run
from ..runs.store import Store
from ..statistics.estimands import Sample
from ..statistics.units import FACTOR, Array, Margin, Unit, factor, points

TRAINED_ON: Final = "train_images"  # the field of a scale that says how many these are
CHANCE: Final = 0.1  # accuracy of a network that gives every image the same one of ten classes


@dataclass(frozen=True)
class Measure:
    """A number read off a run: its field in the stored measures, how it is called and the scale it is compared on.

    ``matters`` is the smallest difference of it that matters: what is larger is a change, what is smaller is none, for
    every claim on the measure; ``because`` says why. ``floor`` is the value at and below which it cannot fall further:
    chance, for clean accuracy, and nothing right for an attacked one; ``ceiling`` is the largest that it can have.
    ``diverged``: what a run that diverged counts as, if anything. Its NaNs give every image one class, so its test
    accuracy is chance. Under attack the same would look like robustness, and it has no eigenvalue: both are None.
    ``images`` names the field of a reading that says of how many images it is a share, if it is one, or ``TRAINED_ON``.
    ``part``: of a reading, in which it is taken. ``sound``: the field of the same accuracy by the strongest attack on
    each image, if it is of attacked images. ``axis``: what stands beside its axis, if not the label.
    """

    field: str
    label: str
    matters: Margin
    because: str
    floor: float | None
    diverged: float | None
    images: str | None = None
    part: Part = "accuracy"
    sound: str | None = None
    axis: str = ""
    ceiling: float | None = None

    @property
    def unit(self) -> Unit:
        """The scale that its differences are formed on."""
        return self.matters.unit

    @property
    def attacked(self) -> bool:
        """Whether it is of attacked images."""
        return self.part == "attacks"

    @property
    def own(self) -> bool:
        """Whether it is a next author's own, and taken apart from all others."""
        return self.part.startswith(PREFIX)

    def share_of(self, reading: Reading, scale: Scale, task: Task) -> int | None:
        """Of how many images it is a share; None: of none."""
        if self.images is None:
            return None
        if self.images == TRAINED_ON:
            return scale.train_images or task.dataset.train
        images: int | None = getattr(reading, self.images)
        return images or task.dataset.test

    @property
    def logarithmic(self) -> bool:
        """Whether its differences are factors."""
        return self.unit is FACTOR

    def __str__(self) -> str:
        return self.label


# What we chose, once for each measure: the paper names no difference that would count. Spreads are those between seeds
# of networks that have learnt, at reduced scale.
TEST_ACCURACY: Final = Measure(
    field="test_accuracy",
    label="test accuracy",
    matters=points(2),
    because="equal runs differ by about one point; two are a fiftieth of the paper's axis, the width of its lines",
    floor=CHANCE,
    diverged=CHANCE,
    images="test_images",
    ceiling=1.0,
)
FGSM: Final = Measure(
    field="fgsm_accuracy",
    label="FGSM accuracy",
    matters=points(5),
    because="equal runs differ by 2 to 3 points under attack where they have learnt, and by 7 where not all have: less "
    "than five no number of seeds that a sweep can afford would show",
    floor=0.0,
    diverged=None,  # it is right on a class of images under any attack: more than a sound network may be
    images="attacked_images",
    part="attacks",
    sound="fgsm_sound_accuracy",
    ceiling=1.0,
)
PGD: Final = replace(FGSM, field="pgd_accuracy", label="PGD accuracy", sound="pgd_sound_accuracy")
LAMBDA1: Final = Measure(
    field="lambda1",
    label="lambda1",
    matters=factor(2),
    because="equal runs differ by a factor of about 1.4; two is a quarter of the 16-fold range that the stability "
    "ceiling, 2 / learning rate, moves through over the grid",
    floor=None,
    diverged=None,
    part="curvature",
    axis="lambda1: top eigenvalue of the Hessian",
)
MEASURES: Final = Registry[Measure]("measure")
for _measure in (TEST_ACCURACY, FGSM, PGD, LAMBDA1):
    MEASURES.enter(_measure.field, _measure)


@dataclass(frozen=True)
class Theirs:
    """What others printed of the same curve: raw values by batch size, and in words where they stand."""

    values: Mapping[int, float]
    source: str


@dataclass(frozen=True)
class Curve:
    """A line of one of the paper's figures; ``theirs``: others' numbers beside it, where it is compared with some."""

    task: Task
    recipe: Recipe
    measure: Measure
    theirs: Theirs | None = field(default=None, compare=False)

    def runs(self, conditions: Conditions) -> list[Run]:
        """The runs behind the curve: every batch size of the grid, every seed."""
        return conditions.runs(self.task, self.recipe, conditions.regime.scale(self.task).batch_sizes)

    def jobs(self, conditions: Conditions) -> list[Job]:
        """The runs with every reading of them that the session wants of this curve's measure, the first one first."""
        wanted = [conditions.reading(self.task)]
        if self.measure.attacked and conditions.regime.scale(self.task).seeds > 1:
            wanted.append(transfer(wanted[0]))
        if self.measure.own:
            wanted.append(alone(wanted[0], self.measure.part))
        for other in conditions.alternatives(self.task):
            if self.measure.part == other.part and not other.free:
                wanted.append(other.reading)
        return [Job(run, reading) for reading in dict.fromkeys(wanted) for run in self.runs(conditions)]

    def __str__(self) -> str:
        return f"{self.measure} of {self.recipe} on {self.task}"


@dataclass(frozen=True)
class Cell:
    """One run as a point of a curve: its value (NaN if it has none) and how far it was trained."""

    run: str
    value: float
    train_accuracy: float
    train_loss: float
    median_margin: float
    saturated: float
    steps: int
    training_amount: float
    diverged: bool

    @property
    def undertrained(self) -> bool:
        """Whether the run went to its end and has not fitted its training data: training accuracy below 85%."""
        return not self.diverged and not self.train_accuracy >= TRAINED


@dataclass(frozen=True)
class Measured:
    """A curve as measured: ``cells[i][j]`` is seed i at batch size j."""

    curve: Curve
    batch_sizes: tuple[int, ...]
    cells: tuple[tuple[Cell, ...], ...]
    images: int | None = None  # of which its values are shares; None: of none

    @cached_property
    def values(self) -> Array:
        """Raw values, (seeds, batch sizes); NaN where there is none."""
        return np.array([[cell.value for cell in row] for row in self.cells], dtype=np.float64)

    @cached_property
    def sample(self) -> Sample:
        """The values on the measure's scale, for an estimand."""
        measure, unit = self.curve.measure, self.curve.measure.unit

        def scaled(value: float | None, otherwise: float) -> float:
            return otherwise if value is None else float(unit.scaled(np.array([value]))[0])

        floor, ceiling = scaled(measure.floor, -np.inf), scaled(measure.ceiling, np.inf)
        step = unit.step(1 / self.images, self.values) if self.images else 0.0
        values, matters = unit.scaled(self.values), measure.matters.size
        return Sample(values, self.batch_sizes, unit, floor, step, "", self.theirs, ceiling, matters)

    @property
    def theirs(self) -> tuple[float, ...]:
        """Others' numbers on the measure's scale, NaN where they have none; empty without any."""
        found = self.curve.theirs
        if found is None or not found.values:
            return ()
        raw = np.array([found.values.get(size, np.nan) for size in self.batch_sizes])
        return tuple(map(float, self.curve.measure.unit.scaled(raw)))

    def column(self, index: int) -> list[Cell]:
        """All seeds of one batch size."""
        return [row[index] for row in self.cells]


def read(curve: Curve, store: Store, conditions: Conditions, other: Alternative | None = None) -> Measured:
    """Read a curve whose runs are stored, under another reading if its measure has one. ReproError if one is not."""
    batch_sizes = conditions.regime.scale(curve.task).batch_sizes
    return read_runs(curve, curve.runs(conditions), batch_sizes, store, conditions, other)


def read_runs(
    curve: Curve,
    runs: Sequence[Run],
    batch_sizes: tuple[int, ...],
    store: Store,
    conditions: Conditions,
    other: Alternative | None = None,
) -> Measured:
    """Read a curve's measure off given runs: seed by seed, each at these batch sizes."""
    width = len(batch_sizes)
    measure, further, field = curve.measure, None, curve.measure.field
    if other is not None and other.part == measure.part:
        further, field = other.reading, (measure.sound or field) if other.strongest else field
    elif measure.own:
        further = alone(conditions.reading(curve.task), measure.part)
    cells = [_cell(run, measure, field, *_stored(run, store, conditions, further)) for run in runs]
    rows = tuple(tuple(cells[i : i + width]) for i in range(0, len(cells), width))
    reading = further or conditions.reading(curve.task)
    return Measured(
        curve, batch_sizes, rows, measure.share_of(reading, conditions.regime.scale(curve.task), curve.task)
    )


def _stored(
    run: Run, store: Store, conditions: Conditions, other: Reading | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The run's record, and its measures with those of another reading in place of the first one's."""
    found = [store.measures(run, reading) for reading in (conditions.reading_of(run), other) if reading is not None]
    record = store.record(run)
    if record is None or None in found:
        raise ReproError(f"{run} ({run.key}) is not in {store.root}")
    measures: dict[str, Any] = {}
    if any(stored is not None and not stored["measures"] for stored in found):
        return record, measures  # what one reading could not be taken of has no value under it
    for stored in found:
        measures |= stored["measures"] if stored else {}
    return record, measures


def _cell(run: Run, measure: Measure, field: str, record: dict[str, Any], measures: dict[str, Any]) -> Cell:
    diverged = record["diverged"] or not measures  # on the verge of it, nothing could be measured
    value = measure.diverged if diverged else measures[field]
    return Cell(
        run=run.key,
        value=np.nan if value is None else value,
        train_accuracy=measures.get("train_accuracy", np.nan),
        train_loss=measures.get("train_loss", np.nan),
        median_margin=measures.get("median_margin", np.nan),
        saturated=measures.get("saturated", np.nan),
        steps=record["steps"],
        training_amount=record["training_amount"],
        diverged=diverged,
    )
