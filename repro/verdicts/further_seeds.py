"""What would decide an undecided claim: how many further seeds, and what they would cost. Free of torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..runs.conditions import Conditions
from ..runs.store import Store
from ..statistics.estimands import Sample
from ..statistics.sequential import CAP, PROBABLY, further_seeds
from ..words import counted, span
from .claim import Case

WORDS: Final = {"cpu": "of one core", "cuda": "of a GPU"}


@dataclass(frozen=True)
class MoreSeeds:
    """Further seeds that would probably bring a decision (None: no number up to the cap would), with their cost."""

    seeds: int | None
    seconds: float  # as measured on the runs that are there
    device: str

    @property
    def text(self) -> str:
        """In words."""
        if self.seeds is None:
            return f"not even {CAP} seeds would probably decide it: the estimate is too near to the margin"
        cost = f"about {span(self.seconds)} {WORDS[self.device]}"
        return f"{counted(self.seeds, 'further seed')} would decide it with a chance of {PROBABLY:.0%}, at {cost}"

    def entry(self) -> dict[str, Any]:
        """As plain JSON for the report."""
        return {"seeds": self.seeds, "seconds": self.seconds, "text": self.text}


def more_seeds(
    case: Case, samples: Sequence[Sample], store: Store, conditions: Conditions, alpha: float
) -> MoreSeeds | None:
    """What would decide a case at an error of ``alpha``; None where seeds are not what is lacking."""
    count = len(samples[0].values)
    if count < 2 or max(float(sample.values.std(0).max()) for sample in samples) == 0:
        return None  # nothing is known of the spread
    further = further_seeds(case.claim.holds_if, *samples, alpha=alpha)
    return MoreSeeds(further, (further or 0) * _seconds_a_seed(case, store, conditions), conditions.device)


def _seconds_a_seed(case: Case, store: Store, conditions: Conditions) -> float:
    """What a seed of the case took, training and measuring, on average over those that are stored."""
    total = 0.0
    for run, reading in dict.fromkeys(job for curve in case.curves for job in curve.jobs(conditions)):
        stored = store.measures(run, reading)
        total += (stored or {}).get("seconds") or 0.0
        if reading == conditions.reading(run.task):
            total += (store.record(run) or {}).get("seconds") or 0.0
    return total / conditions.regime.scale(case.task).seeds
