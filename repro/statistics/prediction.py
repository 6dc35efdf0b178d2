"""How many further seeds would probably decide a claim: what was observed is continued, and decided, in many worlds.

The means and spreads that few seeds show are not the true ones. Taken for true, they promise far more than they keep.
So each world draws a truth that the seeds at hand allow (a mean and a variance with their posterior distribution under
the usual prior that knows nothing, which is Student's t), and further seeds of that truth.
"""

from dataclasses import replace
from functools import lru_cache
from typing import Final

import numpy as np

from .estimands import ERROR, Estimand, Sample
from .units import Array

PROBABLE: Final = 0.8
CAP: Final = 50  # seeds in all
WORLDS: Final = 300  # a chance of 80% is then known to two points and a half


def further_seeds(
    estimand: Estimand, *samples: Sample, power: float = PROBABLE, cap: int = CAP, alpha: float = ERROR
) -> int | None:
    """The fewest further seeds with which a decision at error ``alpha`` has a chance of ``power``, or None.

    The seeds at hand and as many further ones of each sample are decided together, by the estimand itself. None:
    ``cap`` seeds in all would not do, as where the estimate lies within noise of the margin; or a single seed tells
    nothing of the spread.
    """
    counts = [len(sample.values) for sample in samples]
    if min(counts) < 2 or max(counts) >= cap:
        return None
    most = cap - max(counts)
    worlds = [replace(sample, values=_continued(sample.values, most)) for sample in samples]

    def enough(further: int) -> bool:
        taken = zip(worlds, counts, strict=True)
        found = estimand.asks(*(replace(world, values=world.values[:, : count + further]) for world, count in taken))
        return float(found.decided(alpha).mean()) >= power

    if not enough(most):
        return None
    short, long = 0, most
    while long - short > 1:  # the more seeds the likelier
        middle = (short + long) // 2
        short, long = (short, middle) if enough(middle) else (middle, long)
    return long


def _continued(values: Array, further: int) -> Array:
    """What (seeds, batch sizes) were observed, with so many further seeds: (worlds, seeds, batch sizes).

    Every number that is formed of a seed's values, in the same way for each seed, is continued by Student's t with the
    mean and spread that it was observed with; and what varies together continues to.
    """
    mean = values.mean(0)
    added = mean + _weights(len(values), further) @ (values - mean)
    return np.concatenate([np.broadcast_to(values, (WORLDS, *values.shape)), added], axis=1)


@lru_cache(maxsize=CAP)
def _weights(seeds: int, further: int) -> Array:
    """The shares of the residuals of the seeds at hand that make up each further seed: (worlds, further, seeds).

    A sum of n residuals, each times a standard normal number, has n - 1 times their variance. The true variance is the
    observed one over a chi-square per degree of freedom; the true mean has a seeds-th of it. The same every time.
    """
    generator = np.random.default_rng(seeds)
    variance = (seeds - 1) / generator.chisquare(seeds - 1, (WORLDS, 1, 1))
    mean = generator.normal(size=(WORLDS, 1, seeds)) / np.sqrt(seeds)
    own = generator.normal(size=(WORLDS, further, seeds))
    return np.asarray(np.sqrt(variance / (seeds - 1)) * (mean + own))
