"""Whether the instruments can be believed: decided from plain numbers, before any verdict rests on them.

A check that fails makes a verdict an error, never "not reproduced". Its ``tolerated`` is what a sound instrument may
show, and no count of images fails it that such an instrument reaches by chance more than once in ten thousand. The
numbers are those that ``measuring.instruments`` takes; where they are among the measures too, a check may be put to
those with their own number of ``images``, which are more.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np
from scipy.special import bdtrc

from .curves import CHANCE, FGSM, LAMBDA1, PGD, Measure

Numbers = Mapping[str, float]

ALPHA: Final = 1e-4  # a session of the paper's scale puts ten checks to 850 runs


class Excess(NamedTuple):
    """How far some numbers are from what a sound instrument shows.

    Where it ``needs`` the number of ``images``, the others are shares of so many.
    """

    needs: tuple[str, ...]
    of: Callable[[Numbers], float]


@dataclass(frozen=True)
class Check:
    """One thing that a sound instrument shows, as a sentence ``says``; the verdicts on what it ``guards`` fall with it.

    On a sound instrument the ``excess`` is at most ``tolerated``. Where the numbers are shares of images (``counted``),
    that is meant of all images, and the chance of drawing these few is added.
    """

    name: str
    guards: tuple[Measure, ...]
    tolerated: float
    excess: Excess
    says: str

    @property
    def counted(self) -> bool:
        """Whether it is put to shares of images."""
        return "images" in self.excess.needs

    def failure(self, numbers: Numbers) -> str:
        """Why the check fails, as a sentence; empty where it does not. A number that is not finite fails it."""
        found = {name: numbers[name] for name in self.excess.needs if name != "images"}
        shown = f"{self.says}; {', '.join(f'{name} is {number:.4g}' for name, number in found.items())}"
        if not all(map(math.isfinite, found.values())):
            return shown
        allowed = allowance(round(numbers["images"]), self.tolerated) if self.counted else self.tolerated
        excess = self.excess.of(numbers)
        if excess <= allowed + 1e-6:  # shares of images come in float32
            return ""
        images = f" on {numbers['images']:.0f} images" if self.counted else ""
        return f"{shown}: off by {excess:.3g}{images}, where {allowed:.3g} may be chance"

    def decidable(self, numbers: Numbers) -> bool:
        """Whether every number that it looks at is there."""
        return None not in map(numbers.get, self.excess.needs)


class Failure(NamedTuple):
    """A check that failed, and what was found."""

    name: str
    sentence: str


def failed(numbers: Numbers, of: Measure | None = None) -> list[Failure]:
    """The checks that fail, of those that guard a measure (of any, without one) and whose numbers are all there.

    Those whose numbers are not there are named by ``unchecked``. ValueError: a count of images below 1.
    """
    checks = [check for check in guarding(of) if check.decidable(numbers)]
    return [Failure(check.name, sentence) for check in checks if (sentence := check.failure(numbers))]


def unchecked(numbers: Numbers, of: Measure | None = None) -> list[str]:
    """The names of the checks that could not be decided, for a number that is not there."""
    return [check.name for check in guarding(of) if not check.decidable(numbers)]


def guarding(of: Measure | None) -> list[Check]:
    """The checks that guard a measure; all of them without one."""
    return [check for check in CHECKS if of is None or of in check.guards]


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


def _rising(*names: str) -> Excess:
    """The largest drop along accuracies that must not fall from left to right."""
    return Excess((*names, "images"), lambda numbers: max(numbers[a] - numbers[b] for a, b in pairwise(names)))


def _unless_at_chance(name: str) -> Excess:
    """A share, but none where the accuracy may be chance.

    A network that gives all images one class is right on some, has no gradient and truly cannot be attacked.
    """

    def share(numbers: Numbers) -> float:
        learnt = numbers["clean_accuracy"] > allowance(round(numbers["images"]), CHANCE)
        return numbers[name] if learnt else 0.0

    return Excess((name, "clean_accuracy", "images"), share)


def _of_lambda1(name: str, above: float = 0) -> Excess:
    """A number, less so many times lambda1, as a share of it, but for what float32 rounds off the whole spectrum."""

    def share(numbers: Numbers) -> float:
        value = abs(numbers["lambda1"])
        rounding = 1e-5 * max(value, abs(numbers["lambda1_smallest"]))
        beyond = numbers[name] - above * numbers["lambda1"] - rounding
        if beyond <= 0:
            return 0.0
        return beyond / value if value else math.inf

    return Excess(("lambda1", name, "lambda1_smallest"), share)


# Sound networks, here and below: 30 of the quick regime on the published data, from chance to 98% right, 64 images
# each. Two accuracies may be in the wrong order by two images in a hundred where both attacks follow the same gradients
# (none was), and by five where they search differently (they were by up to three). No gradient was zero, and none was
# right at a large epsilon.
SAME: Final = 0.02
SEARCH: Final = 0.05

CHECKS: Final = (
    Check(
        "same-logits", (FGSM, PGD, LAMBDA1),
        1e-2,  # rounding on another path through the arithmetic is below 1e-3; a hundredth of a logit changes nothing
        Excess(("disagreement",), itemgetter("disagreement")),
        "an image gets the same logits every time and whatever is beside it (nothing is random, or in training mode)",
    ),
    Check(
        "gradient-not-zero", (FGSM, PGD), SAME, _unless_at_chance("right_without_gradient"),
        "few images are classified rightly and have an input gradient of zeros, which no attack can climb",
    ),
    Check(
        "large-epsilon-leaves-nothing", (FGSM, PGD),  # FGSM climbs the same gradients
        SAME, _unless_at_chance("pgd_large_accuracy"),
        "PGD over half of a pixel's range, which can make any image grey, leaves next to nothing right",
    ),
    Check(
        "fgsm-not-saturated", (FGSM,), SAME, _rising("fgsm_accuracy", "fgsm_margin_accuracy"),
        "FGSM on cross-entropy leaves no more right than on the margin form (cross-entropy does not saturate)",
    ),
    Check(
        "pgd-not-saturated", (PGD,), SAME, _rising("pgd_accuracy", "pgd_margin_accuracy"),
        "PGD on cross-entropy leaves no more right than on the margin form (cross-entropy does not saturate)",
    ),
    Check(
        "pgd-beats-fgsm", (PGD,), SEARCH, _rising("pgd_accuracy", "fgsm_accuracy"),
        "PGD leaves no more right than FGSM",
    ),
    Check(
        "pgd-falls-with-epsilon", (PGD,), SEARCH, _rising("pgd_double_accuracy", "pgd_accuracy", "pgd_half_accuracy"),
        "PGD leaves no more right at a larger epsilon",
    ),
    Check(
        "fgsm-beats-noise", (FGSM,), SEARCH, _rising("fgsm_accuracy", "noise_accuracy"),
        "FGSM leaves no more right than random signs of the same size",
    ),
    Check(
        "pgd-beats-noise", (PGD,), SEARCH, _rising("pgd_half_accuracy", "noise_accuracy"),
        "PGD at half of epsilon leaves no more right than random signs of all of it: noise is far weaker",
    ),
    Check(
        "fgsm-beats-transfer", (FGSM,), SEARCH, _rising("fgsm_accuracy", "transfer_accuracy"),
        "FGSM leaves no more right than images made on another seed's network",
    ),
    Check(
        "pgd-beats-transfer", (PGD,), SEARCH, _rising("pgd_accuracy", "transfer_accuracy"),
        "PGD leaves no more right than images made on another seed's network",
    ),
    Check(
        "lambda1-converged", (LAMBDA1,), 1e-2, _of_lambda1("lambda1_residual"),  # where Lanczos stops
        "lambda1's residual is at most a hundredth of it",
    ),
    Check(
        "lambda1-is-the-top", (LAMBDA1,),
        0.1,  # a Ritz value is a proof, so this is no noise: a miss by less matters to no claim, which ask for 1.25
        _of_lambda1("lambda1_elsewhere", above=1),
        "a second start finds no larger eigenvalue than lambda1",
    ),
    # If k of N images carry lambda1, the error is 1 / sqrt(k) of it; taken on n of them, at most sqrt(N / n) times
    # that: on 64 of 256 it is above 1.5 only if k < 2. It was up to 0.95 (well-trained StdCNN). A smaller error is
    # imprecise but no fault of the instrument: every cell is measured on the same images.
    Check(
        "lambda1-not-of-one-image", (LAMBDA1,), 1.5, _of_lambda1("lambda1_error"),
        "lambda1's standard error for the choice of images is of its own size at most",
    ),
)  # fmt: skip
