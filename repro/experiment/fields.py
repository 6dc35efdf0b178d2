"""The fields of a regime that a user may set: each stands here once, for the command line and for TOML files alike."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from .readings import Epsilon, Unit


class TooMuchError(ValueError):
    """A value is larger than any that could be worked on; its text says what would be right."""


@dataclass(frozen=True)
class Kind:
    """What a field's value must be: a whole number of at least ``least``, or several of them, each once.

    ``most``: beyond what anyone will train, so that a slip of the hand or a hostile report is told at once, and not
    worked on for hours.
    """

    right: str
    metavar: str = "N"
    least: int = 1
    several: bool = False
    known: tuple[str, ...] = ()
    most: int = 1_000_000

    def read(self, text: str) -> Any:
        """The value that an option's text stands for; ValueError if it is not what it must be."""
        if len(text) > LONGEST or not text.isascii():
            raise ValueError(text[:LONGEST])
        value = [int(part) for part in text.split(",")] if self.several else int(text)
        return self.checked(value)

    def checked(self, value: Any) -> Any:
        """A value as it must be, several of them as a sorted tuple; ValueError if it is anything else."""
        parts = value if self.several else [value]
        whole = isinstance(parts, list) and all(type(part) is int and part >= self.least for part in parts)
        if not whole or not parts or len({*parts}) < len(parts):
            raise ValueError(value)
        if max(parts) > self.most:
            raise TooMuchError(f"at most {self.most:,}")
        if len(parts) > MOST_SIZES:
            raise TooMuchError(f"at most {MOST_SIZES} numbers")
        return tuple(sorted(parts)) if self.several else value


@dataclass(frozen=True)
class Choice:
    """One of several words."""

    known: tuple[str, ...]
    metavar: str = "NAME"
    several: bool = False

    @property
    def right(self) -> str:
        """What it must be."""
        return " or ".join(self.known)

    def checked(self, value: Any) -> str:
        """The word itself; ValueError if it is none of them."""
        if value not in [*self.known]:  # a list, since what TOML holds need not be hashable
            raise ValueError(value)
        return str(value)

    read = checked


@dataclass(frozen=True)
class Sized:
    """An attack size with its unit, such as ``0.3network`` or ``0.1px``; ``8/255`` is a share of a pixel's range."""

    right: str = (
        "a size with its unit: 0.3network (the network's input units), 0.1px (a share of a pixel's range, at most 1), "
        "8/255"
    )
    metavar: str = "SIZE"
    several: bool = False
    known: tuple[str, ...] = ()

    def read(self, text: str) -> Epsilon:
        """The size; ValueError if it is none."""
        if found := re.fullmatch(rf"({NUMBER}) ?(network|pixels|px)", text):
            return _epsilon(float(found[1]), "network" if found[2] == "network" else "pixels")
        if found := re.fullmatch(rf"({NUMBER})/255", text):
            return _epsilon(float(found[1]) / 255, "pixels")
        raise ValueError(text)

    def checked(self, value: Any) -> Epsilon:
        """The size that a text in a file stands for; ValueError if it is none."""
        if not isinstance(value, str):
            raise ValueError(value)
        return self.read(value)


def held(value: Any) -> Any:
    """A checked value as a scale has it, where None stands for the whole of a split."""
    return None if value == 0 else value


def _epsilon(size: float, unit: Unit) -> Epsilon:
    if not 0 < size < float("inf") or (unit == "pixels" and size > 1):
        raise ValueError(size)
    return Epsilon(size, unit)


NUMBER: Final = r"\d+(?:\.\d*)?(?:e-?\d+)?|\.\d+"
LONGEST: Final = 1000  # characters of an option's value
MOST_SIZES: Final = 32  # of one grid
COUNT: Final = Kind("a whole number of at least 1")
SIZE: Final = Kind("a whole number of at least 1, or 0 for the whole split", least=0)
EPOCHS: Final = replace(COUNT, most=10_000)
SEEDS: Final = replace(COUNT, most=200)
RESTARTS: Final = replace(COUNT, most=1_000)
WIDTH: Final = replace(COUNT, most=4_096)
SIZES: Final = Kind("whole numbers of at least 1, each once", "A,B,...", several=True)


@dataclass(frozen=True)
class Field:
    """A field of ``Scale`` or of its ``Reading``: the kind of its values, and what ``--help`` says of it."""

    kind: Kind | Choice | Sized
    help: str


FIELDS: Final[Mapping[str, Field]] = {
    "epochs": Field(EPOCHS, "epochs of training"),
    "seeds": Field(
        SEEDS, "seeds for each run, or until-decided[:N]: seeds are added to a claim until it is decided, up to N"
    ),
    "batch_sizes": Field(SIZES, "the grid, as in 64,256,1024"),
    "anchor": Field(COUNT, "the batch size that stands for the paper's 64, where LR and LR/BS are one"),
    "schedule_factor": Field(COUNT, "the epochs of a recipe's schedule that one epoch stands for, 1 in the paper"),
    "train_images": Field(SIZE, "training images, 0 for the whole split"),
    "width": Field(WIDTH, "width of ResNet18, 64 in the paper"),
    "test_images": Field(SIZE, "test images for clean accuracy, 0 for all"),
    "attacked_images": Field(SIZE, "test images that are attacked, 0 for all"),
    "pgd_steps": Field(COUNT, "steps of PGD"),
    "pgd_restarts": Field(RESTARTS, "random starts of PGD"),
    "epsilon": Field(Sized(), "the attack size with its unit, in place of the paper's: 0.3network, 0.1px or 8/255"),
    "epsilon_unit": Field(Choice(("network", "pixels")), "the unit that the paper's epsilon is read in"),
    "curvature_of": Field(Choice(("train", "test")), "the images whose loss lambda1 is of"),
    "hessian_images": Field(SIZE, "training images that lambda1 is taken on, 0 for all"),
}
