"""How a trained run is measured: the choices that need no training. Free of torch.

The paper leaves most of this open; the defaults are our first reading and stand here, each with its reason. Alternative
readings of the same trained run are measured on request and stored beside it; a report says which verdicts they flip.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any, Final, Literal

from ..errors import SettingError
from .datasets import Dataset

# 40 steps of 0.01 at epsilon 0.3 are Madry et al.'s for MNIST: together 4/3 of epsilon. Other epsilons and numbers of
# steps keep that proportion, so a start anywhere in the ball can reach any side of it.
REACH: Final = 4 / 3

Part = str  # one of those below, "transfer", or a measure of a next author's own (see ``own``)
# "transfer" is measured apart, since it takes a second network
ALL_PARTS: Final[tuple[Part, ...]] = ("accuracy", "attacks", "curvature", "instruments")


Unit = Literal["network", "pixels"]
UNITS: Final[dict[Unit, str]] = {"network": "in the network's input units", "pixels": "of a pixel's range"}


@dataclass(frozen=True)
class Epsilon:
    """An attack size with its unit, which a user sets in place of the paper's; the same for all data sets."""

    size: float
    unit: Unit

    def __str__(self) -> str:
        return f"{self.size:g}{self.unit}"


@dataclass(frozen=True)
class Reading:
    """How many images each measure is taken on, and how hard PGD tries.

    ``test_images``: clean accuracy. ``attacked_images``: FGSM and PGD accuracy, the first of the test images.
    ``hessian_images``: the first of the training (or test) images, without augmentation; lambda1 is that of their mean
    loss in evaluation mode. None is all of the split. ``epsilon_unit``: whether the paper's epsilon is meant in the
    network's input units or as a share of a pixel's range; ``given_epsilon``: what a user sets in its place.
    ``parts``: what is measured at all; "instruments" are what is measured of the attacks and of the eigenvalue
    themselves, before they are believed.
    """

    test_images: int | None
    attacked_images: int | None
    pgd_steps: int
    hessian_images: int | None
    pgd_restarts: int = 1
    epsilon_unit: Unit = "network"
    curvature_of: Literal["train", "test"] = "train"
    parts: tuple[Part, ...] = ALL_PARTS
    given_epsilon: Epsilon | None = None

    def pgd_step_size(self, epsilon: float) -> float:
        """The size of a PGD step, in epsilon's unit."""
        return REACH * epsilon / self.pgd_steps

    def epsilon(self, dataset: Dataset) -> float:
        """The attack size as a share of a pixel's range."""
        if (given := self.given_epsilon) is not None:
            return given.size if given.unit == "pixels" else given.size * dataset.std
        return dataset.epsilon if self.epsilon_unit == "pixels" else dataset.epsilon_pixels

    def epsilon_text(self, dataset: Dataset) -> str:
        """The attack size in words, in both units where they differ."""
        if self.given_epsilon is None and self.epsilon_unit == "network":
            return dataset.epsilon_text
        pixels = self.epsilon(dataset)
        network = f" ({pixels / dataset.std:.4g} in standardised units)" if dataset.std != 1 else ""
        return f"epsilon {pixels:.4g} of a pixel's range{network}"

    @property
    def departs(self) -> list[str]:
        """In what it is not the first reading of the paper, in phrases; sizes are told where they are of use."""
        given = self.given_epsilon
        found = [f"epsilon {given.size:g} {UNITS[given.unit]}"] if given else []
        found += ["epsilon as a share of a pixel's range"] if not given and self.epsilon_unit == "pixels" else []
        found += [f"PGD with {self.pgd_restarts} restarts"] if self.pgd_restarts != 1 else []
        return found + (["lambda1 of the test loss"] if self.curvature_of == "test" else [])

    def spec(self, table: dict[str, Any]) -> dict[str, Any]:
        """Its fields without one that nobody set: what was stored before there was such a field keeps its key."""
        return {name: value for name, value in table.items() if name != "given_epsilon" or value is not None}


def require_within_pixels(task: str, reading: Reading, dataset: Dataset) -> None:
    """SettingError: an attack of this reading may change a pixel by more than its whole range."""
    if reading.epsilon(dataset) > 1:
        raise SettingError(
            f"{task}: {reading.epsilon_text(dataset)} is more than all of it; "
            "--epsilon, or the data set's own epsilon, must be at most 1 of a pixel's range"
        )


@lru_cache(maxsize=64)  # asked for every run
def of_checkpoints(first: Reading) -> Reading:
    """How checkpoints are measured: like finished runs, but without the checks of the instruments."""
    return replace(first, parts=tuple(part for part in first.parts if part != "instruments"))


def alone(first: Reading, part: Part) -> Reading:
    """One part, measured apart from all others."""
    return replace(first, parts=(part,))


def transfer(first: Reading) -> Reading:
    """What is measured of a run together with the same run of another seed."""
    return replace(first, parts=("transfer",))


@dataclass(frozen=True)
class Alternative:
    """Another reading of the same trained runs, which changes the measures of one part.

    ``free``: its values are measured with the first reading anyway. ``strongest``: they are those of the strongest
    attack on each image, which every reading that attacks measures.
    """

    name: str
    says: str
    reading: Reading
    part: Part
    free: bool = False
    strongest: bool = False


SOUND: Final = "sound-attack"
PIXELS: Final = "epsilon-in-pixels"
SOUND_PIXELS: Final = "sound-attack-in-pixels"
TEST_LOSS: Final = "lambda1-test"
# These stand beside every verdict: an attack that saturation does not blind, what the paper's Section 1 says of
# epsilon, both at once (the larger epsilon is where saturation matters most), and what the drivers of Yao et al. take
# lambda1 of.
BY_DEFAULT: Final = (SOUND, PIXELS, SOUND_PIXELS, TEST_LOSS)
FEWER: Final = 4  # all but the first take one in so many of the first reading's images; see docs/performance.md


def _sound(first: Reading, _: Dataset) -> tuple[str, Reading]:
    return (
        "by the strongest attack on each image, on cross-entropy and on the margin form, which does not saturate",
        first,
    )


def _in_pixels(first: Reading, dataset: Dataset) -> tuple[str, Reading]:
    count = _fewer(first.attacked_images, dataset)
    says = f"epsilon is a share of a pixel's range; on {count:,} images"
    return says, replace(alone(first, "attacks"), epsilon_unit="pixels", attacked_images=count)


def _sound_in_pixels(first: Reading, dataset: Dataset) -> tuple[str, Reading]:
    (of_sound, _), (in_pixels, reading) = _sound(first, dataset), _in_pixels(first, dataset)
    return f"{of_sound}; {in_pixels}", reading


def _restarted(first: Reading, _: Dataset) -> tuple[str, Reading]:
    return "PGD with 10 steps and 3 restarts", replace(alone(first, "attacks"), pgd_steps=10, pgd_restarts=3)


def _of_test_images(first: Reading, dataset: Dataset) -> tuple[str, Reading]:
    count = _fewer(first.hessian_images, dataset)
    says = f"lambda1 of the loss on {count:,} test images"
    return says, replace(alone(first, "curvature"), curvature_of="test", hessian_images=count)


def _of_training_images(count: int | None, first: Reading, _: Dataset) -> tuple[str, Reading]:
    which = f"{count:,} training images, as far as the run has them" if count else "all training images of the run"
    return f"lambda1 on {which}", replace(alone(first, "curvature"), curvature_of="train", hessian_images=count)


MAKERS: Final[Mapping[str, Callable[[Reading, Dataset], tuple[str, Reading]]]] = {
    SOUND: _sound,
    PIXELS: _in_pixels,
    SOUND_PIXELS: _sound_in_pixels,
    TEST_LOSS: _of_test_images,
    "pgd-10-restarts-3": _restarted,
    "lambda1-1024": partial(_of_training_images, 1024),
    "lambda1-4096": partial(_of_training_images, 4096),
    "lambda1-all": partial(_of_training_images, None),
}
NAMES: Final = tuple(MAKERS)


def alternative(name: str, first: Reading, dataset: Dataset) -> Alternative:
    """An alternative by its name, derived from the first reading of runs on a data set; KeyError for an unknown one."""
    says, reading = MAKERS[name](first, dataset)
    free = reading is first
    part = "attacks" if free else reading.parts[0]
    return Alternative(name, says, reading, part, free, strongest=name in (SOUND, SOUND_PIXELS))


def _fewer(images: int | None, dataset: Dataset) -> int:
    """One in so many of the images that the first reading takes (None: all), and at least one."""
    return max(1, min(images or dataset.test, dataset.test) // FEWER)
