"""Whether one measure explains the order of another: a rank correlation over cells, free of single runs' noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .estimands import Estimand, Question, Sample, Side, all_of, each_once, groups
from .hypotheses import AllOf, AnyOf, Effect, Evidence, Mean, Nothing
from .units import CORRELATION, Array, Margin

FEWEST: Final = 3  # seeds: of two, one left out leaves none to compare the other with
LARGEST: Final = 0.9999  # correlation, whose z would be infinite at 1
REPRODUCED: Final = 0.5  # share of a measure's variance over cells that has to come again with another seed


@dataclass(frozen=True)
class RanksDisagree(Estimand):
    """Over all cells, the rank correlation of two measures stays away from -1: one does not explain the other.

    Curves come in pairs (first measure, second measure), one pair for each recipe. What is decided on is the
    correlation over these cells of the mean ranks that each measure gives them. A seed's noise weakens what is
    seen in that seed, so that measures which agree exactly look as if they did not. It is therefore estimated from
    covariances between different seeds, which share no noise: c(A, L) / sqrt(c(A, A) c(L, L)), Spearman's (1904)
    correction for attenuation. Its spread is the jackknife's over seeds, on Fisher's scale. Ranks come in steps: seeds
    that order the cells alike show no spread, and the next may swap two cells that all but tie. So half of what such a
    swap changes is added in square, as half an image is for accuracies (see ``spread``).

    Holds if it is shown to be above -``explains``, fails if below. Undecided with fewer than three seeds, and where
    less than half of either measure's variance over the cells comes again with another seed.
    """

    side = Side.NOT_BELOW
    existential = True
    takes = "an even number of curves"

    explains: float

    @property
    def margins(self) -> tuple[Margin, ...]:
        """The strength of correlation that would count as explaining, on Fisher's scale."""
        return (Margin(float(np.arctanh(self.explains)), CORRELATION),)

    def decides(self, seeds: int, alpha: float) -> bool:  # noqa: ARG002  # as many seeds at any error
        """The jackknife: see ``FEWEST``."""
        return seeds >= FEWEST

    def question(self, *samples: Sample) -> Question:
        """What is asked of an even number of curves; of several groups, whether it is so in one of them at least."""
        asked = f"above -{self.explains:g}"
        parts = [self._of_one(group) for group in groups(samples)]
        return Question(AnyOf(tuple(h for h, _ in parts)), AllOf(tuple(f for _, f in parts)), asked)

    def _of_one(self, samples: Sequence[Sample]) -> tuple[Evidence, Evidence]:
        """What speaks for the sentence in one group of curves, and what against it."""
        first, second = map(_ranked, each_once(zip(samples[::2], samples[1::2], strict=True)))
        seeds, cells = first.shape[-2:]
        if seeds < FEWEST:
            return _nothing(f"a correlation between seeds needs {FEWEST} at least, of which there are {seeds}")
        correlation, known = _correlation(first, second)
        by_seed, known_without = _by_seed(first, second, correlation)
        known = known & known_without
        if not known.any():
            return _nothing("less than half of what tells the cells apart comes again with another seed")
        where = f" on {samples[0].group}" if samples[0].group else ""
        name = f"rank correlation over {cells} cells{where}"
        effect = Effect(by_seed, CORRELATION, name, _step(first, second, correlation))
        bound = self.margins[0].size
        return Known(effect, 1, -bound, known), Known(effect, -1, bound, known)


@dataclass(frozen=True)
class Known(Mean):
    """A mean that is only asked for in the worlds where it is known."""

    known: NDArray[np.bool_]

    def _computed(self) -> Array:
        return np.where(self.known, super()._computed(), 1.0)


def _nothing(reason: str) -> tuple[Evidence, Evidence]:
    nothing = Nothing(CORRELATION, reason)
    return nothing, nothing


def _ranked(values: Array) -> Array:
    """Ranks over the last axis, less their mean."""
    from scipy.stats import rankdata  # takes half a second to import, which a plan and most claims do without

    ranks = rankdata(values, axis=-1)
    return np.asarray(ranks - ranks.mean(-1, keepdims=True))


def _correlation(first: Array, second: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Fisher's z of the correlation between seeds, and whether enough of both measures comes again to know it."""
    own, other, both = _between(first, first), _between(second, second), _between(first, second)
    known = (own > REPRODUCED * (first**2).sum(-1).mean(-1)) & (other > REPRODUCED * (second**2).sum(-1).mean(-1))
    norm = np.sqrt(np.where(known, own * other, 1.0))
    return np.arctanh(np.clip(np.where(known, both / norm, 0.0), -LARGEST, LARGEST)), known


def _between(first: Array, second: Array) -> Array:
    """The sum over cells of the product of two measures, in the mean over all pairs of different seeds."""
    seeds = first.shape[-2]
    together = (first.sum(-2) * second.sum(-2)).sum(-1) - (first * second).sum((-1, -2))
    return np.asarray(together / (seeds * (seeds - 1)))


def _by_seed(first: Array, second: Array, correlation: Array) -> tuple[Array, NDArray[np.bool_]]:
    """One number a seed, as the jackknife has it: their mean is the correlation, their spread what a seed changes.

    Also whether the correlation is known without each of the seeds, too.
    """
    seeds = first.shape[-2]
    without = [_correlation(*(np.delete(m, seed, -2) for m in (first, second))) for seed in range(seeds)]
    change, known = np.stack([z for z, _ in without], -1), all_of([known for _, known in without])
    # the jackknife's own factor, seeds - 1, let it hold wrongly in 6.2% of the worlds at the edge with ten seeds
    spread = (seeds * (seeds - 1)) ** 0.5 * (change - change.mean(-1, keepdims=True))
    return np.asarray(correlation[..., None] - spread), known


def _step(first: Array, second: Array, correlation: Array) -> Array:
    """The most that z changes where two cells that are next to each other in one measure swap their ranks there.

    By a swap of ranks that are one apart the sum of products changes by the other measure's difference between the two.
    """
    a, b = first.mean(-2), second.mean(-2)
    apart = np.maximum(_between_neighbours(a, b), _between_neighbours(b, a))
    change = apart / np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    known = np.tanh(correlation)
    swapped = (np.clip(known + way * change, -LARGEST, LARGEST) for way in (1, -1))
    return np.asarray(np.maximum(*(np.abs(np.arctanh(other) - correlation) for other in swapped)))


def _between_neighbours(measure: Array, other: Array) -> Array:
    """The largest difference in ``other`` between two cells that are next to each other in ``measure``."""
    ordered = np.take_along_axis(other, np.argsort(measure, axis=-1), axis=-1)
    return np.asarray(np.abs(np.diff(ordered, axis=-1)).max(-1))
