"""What a run is, and the key it is stored under. Free of torch."""

import hashlib
import json
import math
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import Any, Final, Literal, NamedTuple

from ..errors import SettingError
from ..experiment.datasets import PAPERS
from ..experiment.precisions import FLOAT32
from ..experiment.readings import Reading
from ..experiment.recipes import SGD, steps_to
from ..experiment.tasks import TASKS, Task
from ..science.data.sources import SURROGATE_VERSION, Kind, training_images
from ..science.training.settings import TrainingSettings

# Part of every key, as the version of the network is. Raise it when a change of code changes the numbers that are read
# off a run's weights by more than rounding, which differs between processors, too.
MEASURING_VERSION: Final = 7


@dataclass(frozen=True)
class Run:
    """All that decides the weights a training ends with; equal runs are trained once, whatever figures ask for them.

    ``data`` is "published" or "surrogate"; ``device`` is "cpu" or "cuda", whose rounding differs. ``train_images`` None
    is the whole training split. ``width`` is that of ResNet18 (64 for the other networks). ``steps`` ends the training
    after so many steps (None: it runs all its epochs); such a run is a checkpoint of the one that goes on, unless it is
    ``compressed``: then it goes through the learning rates of all its epochs in those steps, in a training of its own.
    ``trained_as``: in what its training departs from the first reading of the paper. ``precision``: of the training's
    products.
    """

    task: Task
    sgd: SGD
    batch_size: int
    seed: int
    epochs: int
    train_images: int | None
    data: Kind
    device: str
    width: int = 64
    steps: int | None = None
    trained_as: tuple[str, ...] = ()
    precision: str = FLOAT32
    compressed: bool = False

    def __hash__(self) -> int:
        """A hash of what tells a session's runs apart; that of all fields would take four times as long."""
        return hash((self.task.architecture, self.task.dataset.name, self.sgd, self.batch_size, self.seed, self.steps))

    @property
    def spec(self) -> dict[str, Any]:
        """The run as plain JSON, with the versions of the code that trains it and of the surrogate, if it is on that.

        Also what a data set says of itself, unless it is one of the paper's. Defaults that came later (float32, a
        schedule that is not compressed) are left out, so that older keys stay.
        """
        values = {name: getattr(self, name) for name in _FIELDS}
        values |= {"task": str(self.task), "sgd": asdict(self.sgd), "trained_as": [*self.trained_as]}
        if self.precision == FLOAT32:
            del values["precision"]
        if not self.compressed:
            del values["compressed"]
        if self.data == "surrogate":
            values["surrogate"] = SURROGATE_VERSION
        if self.task.dataset.name not in PAPERS:
            values["dataset"] = self.task.dataset.spec
        return {**values, "version": self.version}

    @property
    def version(self) -> int:
        """The version of the code that trains its network."""
        return self.task.network.version

    @property
    def key(self) -> str:
        """The content key: the hash of the canonical JSON of ``spec``."""
        return _key(self, self.version, SURROGATE_VERSION)

    @property
    def settings(self) -> TrainingSettings:
        """What its training is told beside the network and the images. ValueError: nothing can be trained so."""
        return TrainingSettings(
            sgd=self.sgd,
            batch_size=self.batch_size,
            epochs=self.epochs,
            seed=self.seed,
            augmented=self.task.dataset.augmented,
            steps=self.steps,
            precision=self.precision,
            compressed=self.compressed,
        )

    @property
    def on_the_way(self) -> bool:
        """Whether it is a checkpoint: a state that the whole run goes through."""
        return self.steps is not None and not self.compressed

    @property
    def whole(self) -> "Run":
        """The run of all epochs, of which this is a checkpoint or a shorter form."""
        return self if self.steps is None else self._going_on

    @cached_property
    def _going_on(self) -> "Run":
        return replace(self, steps=None, compressed=False)

    @property
    def sibling(self) -> "Run":
        """The same run of another seed: the next one for seed 0, for others the one before."""
        return replace(self, seed=self.seed - 1 if self.seed else 1)

    def alike(self, other: "Run") -> bool:
        """Whether they are trained side by side where that is faster: they differ in seed and recipe at most."""
        return replace(other, seed=self.seed, sgd=self.sgd) == self

    @property
    def images(self) -> int:
        """The training images."""
        available = training_images(self.task.dataset, self.data)
        return min(self.train_images or available, available)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of an epoch, the last one perhaps smaller."""
        return math.ceil(self.images / self.batch_size)

    @property
    def last_step(self) -> int:
        """How many steps it takes unless it diverges."""
        every = self.epochs * self.steps_per_epoch
        return every if self.steps is None else min(self.steps, every)

    @property
    def last_epoch(self) -> int:
        """The epoch that it ends in, perhaps not a whole one, unless it diverges."""
        return math.ceil(self.last_step / self.steps_per_epoch)

    @property
    def samples(self) -> int:
        """Images shown to the network in all of training."""
        epochs, rest = divmod(self.last_step, self.steps_per_epoch)
        return epochs * self.images + rest * self.batch_size

    @cached_property
    def amount(self) -> float:
        """T, the training amount that the run comes to unless it diverges."""
        return self.settings.amount(self.last_step, self.steps_per_epoch)

    def at(self, amount: float) -> "Run":
        """The run with so much less training, to the nearest step; itself where that is its last one.

        With a constant learning rate that is its state on the way. Where the rate decays the state would have been left
        at the full rate: there it is a training of its own, with the whole schedule compressed to that amount.
        """
        return self if amount >= self.amount else _shorter(self.whole, amount) or self.whole

    def __str__(self) -> str:
        decay = f" halved every {self.sgd.half_life}" if self.sgd.half_life else ""
        end = "" if self.steps is None else f" {'compressed to' if self.compressed else 'to step'} {self.steps}"
        end += " steps" if self.compressed else ""
        named = [*self.trained_as, *([] if self.precision == FLOAT32 else [self.precision])]
        departures = f" ({', '.join(named)})" if named else ""
        return (
            f"{self.task} lr={self.sgd.learning_rate:g}{decay} m={self.sgd.momentum:g} "
            f"batch size {self.batch_size} seed {self.seed}{end}{departures}"
        )


_FIELDS: Final = tuple(field.name for field in fields(Run))


def of_record(record: dict[str, Any]) -> Run | None:
    """The run that a stored record is of; None where it is another version's, or of a task that is unknown here."""
    with suppress(AttributeError, KeyError, TypeError, ValueError, SettingError):
        return from_spec(record["run"])
    return None


def from_spec(spec: dict[str, Any]) -> Run:
    """The run that a stored spec describes. SettingError, KeyError, TypeError, ValueError: nothing here fits it."""
    values = {name: value for name, value in spec.items() if name not in ("version", "surrogate", "dataset")}
    trained_as = tuple(spec["trained_as"])
    run = Run(**{**values, "task": TASKS.known(spec["task"]), "sgd": SGD(**spec["sgd"]), "trained_as": trained_as})
    if spec.get("dataset") != run.spec.get("dataset"):
        raise ValueError(f"{run.task.dataset.name} said something else of itself when this run was made")
    return run


@lru_cache(maxsize=1 << 16)  # every claim on a line asks for the same ones
def _shorter(run: Run, amount: float) -> Run | None:
    decays = run.sgd.half_life is not None and run.sgd.half_life < run.epochs
    share = round(run.last_step * amount / run.amount)
    steps = max(1, share) if decays else steps_to(run.sgd, run.steps_per_epoch, amount)
    return None if steps >= run.last_step else replace(run, steps=steps, compressed=decays)


@lru_cache(maxsize=1 << 16)  # equal runs are made anew for every curve they are a point of
def _key(run: Run, *_versions: int) -> str:  # of which the spec has the present ones; kept keys are of their own
    return hash_of(run.spec)


def reading_key(reading: Reading) -> str:
    """The key of one way of measuring, within a run."""
    return _reading_key(reading, MEASURING_VERSION)


@lru_cache(maxsize=1 << 10)
def _reading_key(reading: Reading, version: int) -> str:
    return hash_of({**reading.spec(asdict(reading)), "version": version})


def hash_of(value: Any) -> str:
    """The hash of the canonical JSON of a value, as keys are."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


class Job(NamedTuple):
    """A run, and how it is to be measured."""

    run: Run
    reading: Reading

    @property
    def kind(self) -> Literal["train", "measure", "transfer"]:
        """What it is.

        "train": a run's first reading, before which it is trained unless it is stored; "measure": a further reading of
        a run that is trained; "transfer": one that takes the network of another seed, too.
        """
        if "transfer" in self.reading.parts:
            return "transfer"
        return "train" if "accuracy" in self.reading.parts else "measure"

    @property
    def networks(self) -> tuple[Run, ...]:
        """The runs whose weights it takes."""
        return (self.run, self.run.sibling) if self.kind == "transfer" else (self.run,)
