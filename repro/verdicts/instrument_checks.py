"""Whether the instruments can be believed: decided from plain numbers, before any verdict rests on them.

A check that fails makes a verdict an error, never "not reproduced". Its ``tolerated`` is what a sound instrument may
show, and no count of images fails it that such an instrument reaches by chance more than once in ten thousand. The
numbers are those that ``measuring.instruments`` takes; where ``Measures`` has them too, a check may be put to those
with their own number of ``images``, which are more.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from scipy.special import bdtrc

Numbers = Mapping[str, float]

ALPHA: Final = 1e-4  # a session of the paper's scale puts ten checks to 850 runs
FGSM: Final = "fgsm_accuracy"  # the measures that a check speaks of, by their fields
PGD: Final = "pgd_accuracy"
LAMBDA1: Final = "lambda1"
CHANCE: Final = 0.1  # accuracy of a network that gives every image the same one of ten classes


@dataclass(frozen=True)
class Check:
    """One thing that a sound instrument shows.

    ``says``: what that is. ``of``: the measures whose verdicts fall with it. ``needs``: the numbers it looks at.
    ``excess``: how far they are from it, which on a sound instrument is at most ``tolerated``. Where the numbers are
    shares of images (``counted``), that is meant of all images, and the chance of drawing these few is added.
    """

    name: str
    says: str
    of: tuple[str, ...]
    needs: tuple[str, ...]
    excess: Callable[[Numbers], float]
    tolerated: float
    counted: bool = True

    def allowed(self, numbers: Numbers) -> float:
        """The largest excess that does not fail."""
        return allowance(round(numbers["images"]), self.tolerated) if self.counted else self.tolerated

    def failure(self, numbers: Numbers) -> str:
        """Why the check fails, as a sentence; empty where it does not. A number that is not finite fails it."""
        if not all(math.isfinite(numbers[name]) for name in self.needs):
            return f"{self.says}; {self._shown(numbers)}"
        excess, allowed = self.excess(numbers), self.allowed(numbers)
        if excess <= allowed + 1e-6:  # shares of images come in float32
            return ""
        images = f" on {numbers['images']:.0f} images" if self.counted else ""
        return f"{self.says}; {self._shown(numbers)}: off by {excess:.3g}{images}, where {allowed:.3g} may be chance"

    def _shown(self, numbers: Numbers) -> str:
        return ", ".join(f"{name} is {numbers[name]:.4g}" for name in self.needs)

    def decidable(self, numbers: Numbers) -> bool:
        """Whether every number that it looks at is there."""
        return None not in map(numbers.get, self._wanted)

    @cached_property
    def _wanted(self) -> tuple[str, ...]:
        return (*self.needs, "images") if self.counted else self.needs


class Failure(NamedTuple):
    """A check that failed, and what was found."""

    name: str
    sentence: str


def failed(numbers: Numbers, of: str | None = None) -> list[Failure]:
    """The checks that fail, of those that speak of a measure (of any, without one) and whose numbers are all there.

    Those whose numbers are not there are named by ``unchecked``. ValueError: a count of images below 1.
    """
    checks = [check for check in speaking_of(of) if check.decidable(numbers)]
    return [Failure(check.name, sentence) for check in checks if (sentence := check.failure(numbers))]


def unchecked(numbers: Numbers, of: str | None = None) -> list[str]:
    """The names of the checks that could not be decided, for a number that is not there."""
    return [check.name for check in speaking_of(of) if not check.decidable(numbers)]


@lru_cache(maxsize=16)
def speaking_of(of: str | None) -> tuple[Check, ...]:
    """The checks that speak of a measure, named by its field; all of them without one."""
    return tuple(check for check in CHECKS if of is None or of in check.of)


@lru_cache(maxsize=256)
def allowance(images: int, tolerated: float) -> float:
    """The share of so many images that is exceeded with a probability of at most ``ALPHA``.

    Where each image breaks an order with a probability of at most ``tolerated``, the number that do is at most
    binomial, and so is, the other way round counting against it, the difference of two accuracies on the same images.
    ValueError: fewer than one image.
    """
    if images < 1:
        raise ValueError(f"images={images}: a share needs at least one image")
    counts = np.arange(images + 1)
    return float(np.argmax(bdtrc(counts, images, tolerated) <= ALPHA)) / images


def _over(higher: str, *lower: str) -> Callable[[Numbers], float]:
    """How far the largest difference goes the wrong way along accuracies that must not rise from left to right."""
    names = (higher, *lower)
    return lambda numbers: max(numbers[b] - numbers[a] for a, b in pairwise(names))


def _alone(name: str) -> Callable[[Numbers], float]:
    return lambda numbers: numbers[name]


def _unless_at_chance(name: str) -> Callable[[Numbers], float]:
    """A share, but none where the accuracy may be chance.

    A network that gives all images one class is right on some, has no gradient and truly cannot be attacked.
    """

    def share(numbers: Numbers) -> float:
        learnt = numbers["clean_accuracy"] > allowance(round(numbers["images"]), CHANCE)
        return numbers[name] if learnt else 0.0

    return share


def _of_lambda1(amount: Callable[[Numbers], float]) -> Callable[[Numbers], float]:
    """An amount as a share of lambda1, but for what float32 rounds off the whole spectrum."""

    def share(numbers: Numbers) -> float:
        value = abs(numbers["lambda1"])
        beyond = amount(numbers) - 1e-5 * max(value, abs(numbers["lambda1_smallest"]))
        if beyond <= 0:
            return 0.0
        return beyond / value if value else math.inf

    return share


# Sound networks, here and below: 30 of the quick regime on the published data, from chance to 98% right, 64 images
# each. Two accuracies may be in the wrong order by two images in a hundred where both attacks follow the same gradients
# (none was), and by five where they search differently (they were by up to three). No gradient was zero, and none was
# right at a large epsilon.
SAME: Final = 0.02
SEARCH: Final = 0.05

CHECKS: Final = (
    Check(
        "same-logits",
        "an image gets the same logits every time and whatever is beside it (nothing is random, or in training mode)",
        (FGSM, PGD, LAMBDA1),
        ("disagreement",),
        _alone("disagreement"),
        1e-2,  # rounding on another path through the arithmetic is below 1e-3; a hundredth of a logit changes nothing
        counted=False,
    ),
    Check(
        "gradient-not-zero",
        "few images are classified rightly and have an input gradient of zeros, which no attack can climb",
        (FGSM, PGD),
        ("right_without_gradient", "clean_accuracy"),
        _unless_at_chance("right_without_gradient"),
        SAME,
    ),
    Check(
        "large-epsilon-leaves-nothing",
        "PGD over half of a pixel's range, which can make any image grey, leaves next to nothing right",
        (FGSM, PGD),  # FGSM climbs the same gradients
        ("pgd_large_accuracy", "clean_accuracy"),
        _unless_at_chance("pgd_large_accuracy"),
        SAME,
    ),
    Check(
        "fgsm-not-saturated",
        "FGSM on cross-entropy leaves no more right than on the margin form (cross-entropy does not saturate)",
        (FGSM,),
        ("fgsm_accuracy", "fgsm_margin_accuracy"),
        _over("fgsm_margin_accuracy", "fgsm_accuracy"),
        SAME,
    ),
    Check(
        "pgd-not-saturated",
        "PGD on cross-entropy leaves no more right than on the margin form (cross-entropy does not saturate)",
        (PGD,),
        ("pgd_accuracy", "pgd_margin_accuracy"),
        _over("pgd_margin_accuracy", "pgd_accuracy"),
        SAME,
    ),
    Check(
        "pgd-beats-fgsm",
        "PGD leaves no more right than FGSM",
        (PGD,),
        ("pgd_accuracy", "fgsm_accuracy"),
        _over("fgsm_accuracy", "pgd_accuracy"),
        SEARCH,
    ),
    Check(
        "pgd-falls-with-epsilon",
        "PGD leaves no more right at a larger epsilon",
        (PGD,),
        ("pgd_half_accuracy", "pgd_accuracy", "pgd_double_accuracy"),
        _over("pgd_half_accuracy", "pgd_accuracy", "pgd_double_accuracy"),
        SEARCH,
    ),
    Check(
        "fgsm-beats-noise",
        "FGSM leaves no more right than random signs of the same size",
        (FGSM,),
        ("fgsm_accuracy", "noise_accuracy"),
        _over("noise_accuracy", "fgsm_accuracy"),
        SEARCH,
    ),
    Check(
        "pgd-beats-noise",
        "PGD at half of epsilon leaves no more right than random signs of all of it: noise is far weaker",
        (PGD,),
        ("pgd_half_accuracy", "noise_accuracy"),
        _over("noise_accuracy", "pgd_half_accuracy"),
        SEARCH,
    ),
    Check(
        "fgsm-beats-transfer",
        "FGSM leaves no more right than images made on another seed's network",
        (FGSM,),
        ("fgsm_accuracy", "transfer_accuracy"),
        _over("transfer_accuracy", "fgsm_accuracy"),
        SEARCH,
    ),
    Check(
        "pgd-beats-transfer",
        "PGD leaves no more right than images made on another seed's network",
        (PGD,),
        ("pgd_accuracy", "transfer_accuracy"),
        _over("transfer_accuracy", "pgd_accuracy"),
        SEARCH,
    ),
    Check(
        "lambda1-converged",
        "lambda1's residual is at most a hundredth of it",
        (LAMBDA1,),
        ("lambda1", "lambda1_residual", "lambda1_smallest"),
        _of_lambda1(lambda numbers: numbers["lambda1_residual"]),
        1e-2,  # where Lanczos stops
        counted=False,
    ),
    Check(
        "lambda1-is-the-top",
        "a second start finds no larger eigenvalue than lambda1",
        (LAMBDA1,),
        ("lambda1", "lambda1_elsewhere", "lambda1_smallest"),
        _of_lambda1(lambda numbers: numbers["lambda1_elsewhere"] - numbers["lambda1"]),
        0.1,  # a Ritz value is a proof, so this is no noise: a miss by less matters to no claim, which ask for 1.25
        counted=False,
    ),
    Check(
        "lambda1-not-of-one-image",
        "lambda1's standard error for the choice of images is of its own size at most",
        (LAMBDA1,),
        ("lambda1", "lambda1_error", "lambda1_smallest"),
        _of_lambda1(lambda numbers: numbers["lambda1_error"]),
        # If k of N images carry lambda1, the error is 1 / sqrt(k) of it; taken on n of them, at most sqrt(N / n) times
        # that: on 64 of 256 it is above 1.5 only if k < 2. It was up to 0.95 (well-trained StdCNN). A smaller error
        # is imprecise but no fault of the instrument: every cell is measured on the same images.
        1.5,
        counted=False,
    ),
)
