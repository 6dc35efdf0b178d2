"""Whether a run that was made again is the published one: its measures, each with what it may differ by.

On the same kind of processor training ends in the same weights to the last bit, and measures are then the same but for
a rounding. On another kind the rounding of every step differs, and after some thousand of them the weights have little
in common: the run is then one more draw of the same recipe, from the same start. Such a draw differs from the published
one by no more than two seeds do: that is what it is held against, with the spread over seeds pooled over all that was
published of the task and, since recipes scatter differently, over the run's own line; the larger counts. None of the
runs that are audited enters, for an altered one would make room for itself. Where so much room is left that hardly any
fault would show, that is said.

Measured on three states of StdCNN on Fashion-MNIST at the paper's scale, of 337 and 5,400 steps, trained anew with the
instructions of AVX-512 and with those of AVX2 alone: two came to the published bits with the first, none with the
second. Other weights differed from the published ones by up to 1.5 points of clean accuracy, 7.6 of FGSM's, 10.6 of
PGD's, and a factor of 1.09 in lambda1. With the drawn runs left out 2.9 to 8.8 points of clean accuracy are allowed
there, 12 to 30 of FGSM's and a factor of 1.9 to 9 in lambda1: of pairs of published seeds one in 138 differs by more,
and 18 of 1,898 in the laptop regime. Twelve runs of StdCNN on MNIST that a GPU trained, made again on a processor, were
off by up to 0.2 points of clean accuracy, 1.4 of FGSM's, 3.9 of PGD's and a factor of 1.9 in lambda1, where 0.6 to 1.2,
3.6 to 6.9, 9 to 14 and 3 to 5.9 were allowed. So under attack such an audit sees no fault that is smaller than what
three seeds scatter by; where the bits come out the same it sees all of them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import variance
from typing import Final

from scipy import stats

from ..errors import ReproError

LAMBDA1: Final = "lambda1"
ATTACKED: Final = ("fgsm_accuracy", "pgd_accuracy", "fgsm_sound_accuracy", "pgd_sound_accuracy")
MEASURES: Final = ("train_accuracy", "test_accuracy", *ATTACKED, LAMBDA1)
FALSE_ALARM: Final = 0.01  # of a whole audit, if nothing is wrong
SURE: Final = 0.95  # with what probability an audit would have found as many wrong runs as it says
IMAGES: Final = 5e-4  # of an accuracy: rounding that turns a few images of 10,000
RELATIVE: Final = 1e-2  # of lambda1: the residual that its search stops at
MOST_POINTS: Final = 0.3  # of an accuracy: where more is allowed hardly a fault shows
MOST_FACTOR: Final = math.log(8)  # of lambda1, by its logarithm, likewise
ENOUGH: Final = 4  # degrees of freedom from which on a line's own spread is known well enough to count
NONE: Final = math.nan  # of a run that diverged

Values = Mapping[str, float]
Cells = Sequence[Sequence[Values]]  # each of them all seeds of one recipe at one batch size


@dataclass(frozen=True)
class Difference:
    """A measure of a run as it was published and as it came out anew; ``allowed``: what they may differ by."""

    measure: str
    published: float
    anew: float
    allowed: float

    @property
    def found(self) -> float:
        """The difference: of lambda1 that of its logarithm."""
        return abs(_scaled(self.measure, self.anew) - _scaled(self.measure, self.published))

    @property
    def agrees(self) -> bool:
        """Whether it is within what is allowed."""
        return self.found <= self.allowed

    @property
    def tells(self) -> bool:
        """Whether a fault that matters would show: not where seeds scatter so much that nearly anything is allowed."""
        return self.allowed <= (MOST_FACTOR if self.measure == LAMBDA1 else MOST_POINTS)

    @property
    def word(self) -> str:
        """What it comes to."""
        return ("agrees" if self.tells else "cannot tell") if self.agrees else "DIFFERS"


def differences(
    published: Values, anew: Values, pools: Iterable[Cells], runs: int, *, same_weights: bool
) -> list[Difference]:
    """Each measure of a run beside what it came to anew.

    ``pools``: what was published of the task's other runs, and of those of the run's line, in cells that differ by
    their seed alone. ``runs``: how many are audited, which share the chance of a false alarm. A measure that neither
    has, since it diverged, is left out. ReproError: the weights differ, and no cell has two seeds, so that nothing is
    known of what runs may differ by.
    """
    pools = [*pools]
    alarm = FALSE_ALARM / (runs * len(MEASURES))
    found = []
    for name in MEASURES:
        before, after = (NONE if (value := side.get(name)) is None else value for side in (published, anew))
        if not (math.isnan(before) and math.isnan(after)):
            allowed = _rounding(name) + (0 if same_weights else _drawn(name, pools, alarm))
            found.append(Difference(name, before, after, allowed))
    return found


def _rounding(measure: str) -> float:
    return RELATIVE if measure == LAMBDA1 else IMAGES


def _drawn(measure: str, pools: Sequence[Cells], alarm: float) -> float:
    """By how much two draws of one run differ, but for one in so many: the most of what any pool comes to."""
    found = [_spread(measure, cells) for cells in pools]
    known = [(pooled, freedom) for pooled, freedom in found if freedom]
    if not known:
        raise ReproError(
            "a run came out with other weights, and no batch size of its task has two seeds with measures beside it: "
            "nothing is known of what such runs differ by"
        )
    enough = [one for one in known if one[1] >= ENOUGH] or known
    return max(float(stats.t.isf(alarm / 2, freedom)) * math.sqrt(2 * pooled) for pooled, freedom in enough)


def _spread(measure: str, cells: Cells) -> tuple[float, int]:
    """The variance between seeds, pooled over the cells, and its degrees of freedom."""
    known = [[value for seed in cell if (value := seed.get(measure)) is not None] for cell in cells]
    groups = [[_scaled(measure, value) for value in cell] for cell in known if len(cell) > 1]
    freedom = sum(len(group) - 1 for group in groups)
    pooled = sum((len(group) - 1) * variance(group) for group in groups)
    return pooled / max(freedom, 1), freedom


def _scaled(measure: str, value: float) -> float:
    """lambda1 by its logarithm, as it is compared everywhere."""
    return math.log(max(value, 1e-12)) if measure == LAMBDA1 else value


def would_be_found(total: int, drawn: int) -> int:
    """The least number of wrong runs among ``total`` of which a random ``drawn`` had met one with probability ``SURE``.

    >>> would_be_found(27, 3)
    17
    """
    return next(wrong for wrong in range(1, total + 1) if _missed(total, drawn, wrong) <= 1 - SURE)


def _missed(total: int, drawn: int, wrong: int) -> float:
    return math.comb(total - wrong, drawn) / math.comb(total, drawn)


def lines(found: Iterable[Difference]) -> Iterator[str]:
    """A line for each measure."""
    for one in found:
        shown = [_shown(one.measure, value) for value in (one.published, one.anew)]
        allowed = f"x{math.exp(one.allowed):.3g}" if one.measure == LAMBDA1 else f"{100 * one.allowed:.2f} points"
        yield f"  {one.measure:<19} published {shown[0]:>8}, anew {shown[1]:>8}, may differ by {allowed}: {one.word}"


def _shown(measure: str, value: float) -> str:
    if math.isnan(value):
        return "none"
    return f"{value:.4g}" if measure == LAMBDA1 else f"{value:.2%}"
