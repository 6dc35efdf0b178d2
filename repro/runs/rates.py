"""How fast a machine is: the seconds of what a run and a session are made of. Free of torch.

``BUILT_IN`` is what there is before a machine was measured (``python -m repro calibrate``, see ``known_rates``).
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Timing:
    """Seconds of one call by the number of images in it, as measured at some numbers, ascending.

    The points are joined by straight lines, the first and the last of which go on beyond them; but beyond the largest
    number the seconds never grow faster than in proportion, and never fall. A single point is taken in proportion.
    """

    points: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        sizes = [size for size, _ in self.points]
        if not sizes or sizes != sorted(set(sizes)) or sizes[0] < 1:
            raise ValueError(f"points={self.points}: must be for ascending numbers of images, of at least 1")
        if not all(math.isfinite(seconds) and seconds >= 0 for _, seconds in self.points):
            raise ValueError(f"points={self.points}: seconds must be numbers of at least 0")

    def at(self, images: int) -> float:
        """The seconds of a call with so many images; of none, 0."""
        sizes = [size for size, _ in self.points]
        size, seconds = self.points[-1]
        if images <= 0:
            return 0.0
        if len(sizes) == 1:
            return seconds * images / size
        right = min(max(1, bisect_left(sizes, images)), len(sizes) - 1)
        (low, less), (high, more) = self.points[right - 1 : right + 1]
        joined = less + (more - less) * (images - low) / (high - low)
        if images > size:
            return min(max(joined, seconds), seconds * images / size)
        return joined if images >= low else max(joined, less * images / low)

    def scaled(self, factor: float) -> "Timing":
        """The same of work that takes ``factor`` times as long."""
        return Timing(tuple((size, seconds * factor) for size, seconds in self.points))


@dataclass(frozen=True)
class Speed:
    """How fast one network is on a device, by what is done to it."""

    step: Timing  # of SGD, on a batch
    forward: Timing
    gradient: Timing  # of the loss in the images: a step of an attack
    product: Timing  # of Lanczos, one product with the Hessian, whose graph is kept
    fixed: float  # of a reading, whatever it reads: the network is built and its weights are found
    kept: float  # of a run that is trained: its weights are stored

    def scaled(self, factor: float) -> "Speed":
        """That of a network with ``factor`` times the arithmetic; what does not depend on it stays."""
        timings = {name: getattr(self, name).scaled(factor) for name in TIMINGS}
        return Speed(**timings, fixed=self.fixed, kept=self.kept)


TIMINGS: Final = ("step", "forward", "gradient", "product")
Measured = Mapping[str, Mapping[int, Speed]]  # of an architecture, by the widths that were measured


@dataclass(frozen=True)
class Rates:
    """How fast a machine is with ``processes`` side by side, and where that is known from.

    ``start``: seconds until a session's first run begins (pytest and torch are imported, the claims collected);
    ``verdict`` and ``figure``: those of a claim test whose runs are stored, and of a figure.
    """

    origin: str
    device: str
    networks: Measured = field(hash=False)
    start: float
    verdict: float
    figure: float
    processes: int = 1

    @property
    def beside(self) -> str:
        """How many processes there were when they were measured."""
        return f"{self.processes} processes side by side" if self.processes > 1 else "one process alone"

    def speed(self, architecture: str, width: int) -> Speed:
        """That of a network; of a width that was not measured, by what lies around it.

        Arithmetic grows as the square of the width, so the nearest width below is scaled by a power of the ratio of
        widths: the power that leads to the nearest one above, or 2 where there is none.
        """
        known = self.networks.get(architecture) or self.networks["M1"]  # of one that nobody timed: a guess
        if width in known:
            return known[width]
        below, above = [w for w in known if w < width], [w for w in known if w > width]
        if not (below and above):
            near = max(below, default=min(above, default=width))
            return known[near].scaled((width / near) ** 2)
        low, high = max(below), min(above)
        images = known[low].step.points[-1][0]
        power = math.log(known[high].step.at(images) / known[low].step.at(images)) / math.log(high / low)
        return known[low].scaled((width / low) ** power)


# Images forward and backward a second, on one core of a 2-core AMD EPYC with AVX-512 in float32. C1's was measured
# without padding (820) and is scaled: with it a step on 64 images took 1.6 times as long.
GRADIENTS_PER_SECOND: Final = {"M1": 1300.0, "StdCNN": 5500.0, "C1": 510.0, "ResNet18": 25.0}
FORWARD: Final = 1 / 3  # of a gradient
PRODUCT: Final = 2.0  # gradients an image of a Hessian-vector product


def proportional(rate: float) -> Speed:
    """A network of so many images forward and backward a second, whatever the batch size."""

    def times(gradients: float) -> Timing:
        return Timing(((1, gradients / rate),))

    whole = times(1)
    return Speed(whole, times(FORWARD), whole, times(PRODUCT), fixed=0.0, kept=0.0)


BUILT_IN: Final = Rates(
    origin="built-in rates of one core of a 2-core AMD EPYC",
    device="cpu",
    networks={name: {64: proportional(rate)} for name, rate in GRADIENTS_PER_SECOND.items()},
    start=6.0,
    verdict=0.02,
    figure=0.14,
)
