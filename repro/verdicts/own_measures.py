"""Enters a measure of a next author's own, which claims can then speak of. Free of torch."""

from collections.abc import Callable
from typing import Any, Literal

from ..experiment.own import OWN, Taken
from ..statistics.units import Margin
from .curves import MEASURES, TRAINED_ON, Measure


def measure(
    name: str,
    take: str | Callable[..., Any],
    *,
    matters: Margin,
    because: str,
    label: str = "",
    of: Literal["test", "train"] = "test",
    version: int = 1,
    floor: float | None = None,
    diverged: float | None = None,
    share: bool = False,
) -> Measure:
    """Enter a measure of one's own; see ``Taken`` and ``Measure``. SettingError: its name stands for another.

    It is one number of a trained network, which is not attacked. A number that is not finite is an error of the claim.
    ``share``: it is a share of the images that it is taken of, and so comes in steps of one of them.
    """
    taken = Taken(name, take, of, version)
    images = {"test": "test_images", "train": TRAINED_ON}[of] if share else None
    own = Measure(name, label or name, matters, because, floor, diverged, images, part=taken.part)
    MEASURES.enter(name, own)
    OWN.enter(name, taken)
    return own
