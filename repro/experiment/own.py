"""Measures of a next author's own: what takes each of them, and on which images. Free of torch.

A measure is entered with the claims that speak of it; see ``repro.verdicts.own_measures.measure``. It is taken of a
trained network in evaluation mode, apart from all others, and stored beside them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..errors import SettingError
from .registry import Registry

PREFIX: Final = "own:"


@dataclass(frozen=True)
class Taken:
    """How a measure is taken.

    ``take`` is a function, or its place as in ``package.module:name``: of the network, images (N, C, H, W) as pixels in
    [0, 1] and labels (N,) it makes one number. ``of``: whether the images are those that accuracies are of, of the test
    split, or those that the network was trained on. Raise ``version`` when a change of code changes the number.
    """

    name: str
    take: str | Callable[..., Any]
    of: Literal["test", "train"] = "test"
    version: int = 1

    @property
    def part(self) -> str:
        """Its part of a reading, by which its stored numbers are found."""
        return f"{PREFIX}{self.name}:{self.version}{'-train' if self.of == 'train' else ''}"


OWN: Final = Registry[Taken]("measure")


def entered(part: str) -> Taken:
    """The measure that is a part of a reading. SettingError: none of this name, version and images was entered."""
    name, _, version = part.removeprefix(PREFIX).rpartition(":")
    found = OWN.known(name)
    if found.part != part:
        entered = found.part.rpartition(":")[2]
        raise SettingError(f"measure {name!r}: version {version} is asked for, and {entered} was entered")
    return found
