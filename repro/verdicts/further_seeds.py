"""What would decide an undecided claim: how many further seeds, and what they would cost. Free of torch."""

from collections.abc import Sequence
from typing import Final

from ..experiment.devices import CPU, CUDA, device_of
from ..runs.conditions import Conditions
from ..runs.store import Store
from ..statistics.estimands import Sample
from ..statistics.prediction import CAP, PROBABLE, further_seeds
from ..words import counted, span
from .claim import Case
from .entry import Further
from .looks import percent

WORDS: Final = {CPU: "of one core", CUDA: "of a GPU"}


def more_seeds(
    case: Case, samples: Sequence[Sample], store: Store, conditions: Conditions, alpha: float
) -> Further | None:
    """What would decide a case at an error of ``alpha``, a next look's; None where seeds are not what is lacking."""
    if (
        min(len(sample.values) for sample in samples) < 2
        or max(float(sample.values.std(0).max()) for sample in samples) == 0
    ):
        return None  # nothing is known of the spread
    further = further_seeds(case.holds_if, *samples, alpha=alpha)
    look = f"(a further look decides at {percent(alpha)})"
    if further is None and case.holds_if.asks(*samples).limited:
        return None  # it lacks room, which seeds do not make
    if further is None:
        text = f"not even {CAP} seeds would probably decide it {look}: as far as these tell, it may lie at the margin"
        return Further(seeds=None, seconds=0.0, text=text, level=alpha)
    seconds = further * _seconds_a_seed(case, store, conditions)
    text = f"{counted(further, 'further seed')} would decide it with a chance of {PROBABLE:.0%} {look}"
    devices = dict.fromkeys(WORDS[device_of(conditions.device, str(task))] for task in case.tasks)
    cost = f"at about {span(seconds)} {' or '.join(devices)}"
    return Further(seeds=further, seconds=seconds, text=f"{text}, {cost}", level=alpha)


def _seconds_a_seed(case: Case, store: Store, conditions: Conditions) -> float:
    """What a seed of the case took, training and measuring, on average over those that are stored."""
    jobs = case.jobs(conditions)
    kept = [store.measures(*job) for job in jobs] + [store.record(run) for run in dict.fromkeys(run for run, _ in jobs)]
    total = sum((found or {}).get("seconds") or 0.0 for found in kept)
    return total / conditions.regime.scale(case.tasks[0]).seeds
