"""The terms that a case is decided under, beside its own estimand and curves: they are hashed with it. Free of torch.

That is: by which rules, how the runs of its tasks are made and measured, how its recipes set SGD at every batch size,
and what of its measures matters, with the checks of their instruments. What a session adds and does not decide by is
left out: its seeds, its device, where its data lie, under which other readings its verdicts are shown.
"""

from typing import Any, Final

from ..experiment import readings, regimes
from ..experiment.tasks import Task
from ..experiment.trained_as import concerning
from ..runs import run
from ..runs.conditions import Conditions
from ..science.measuring import checks
from ..statistics import estimands, ranks, sequential
from . import curves, doubted, equal_training, instrument_checks, learnt
from .claim import Case
from .curves import Measure
from .plain import described, plain

# The version of the code that decides. Raise it when the same values come to another decision, which a test notices.
RULES: Final = 6

# Where each number stands that decides in every claim; it is looked up there whenever something is declared.
NUMBERS: Final = {
    "error": (estimands, "ERROR"),
    "error_of_further_looks": (sequential, "REST"),
    "trained": (regimes, "TRAINED"),
    "chance": (curves, "CHANCE"),
    "at_chance": (learnt, "AT_CHANCE"),
    "equally_trained": (equal_training, "NEAR"),
    "fewest_seeds_without_doubt": (doubted, "FEWEST"),
    "ranks_fewest_seeds": (ranks, "FEWEST"),
    "ranks_reproduced": (ranks, "REPRODUCED"),
    "checks_alpha": (instrument_checks, "ALPHA"),
    "checks_images": (checks, "IMAGES"),
    "checks_steps": (checks, "STEPS"),
    "checks_curved_images": (checks, "CURVED_IMAGES"),
    "checks_second_products": (checks, "SECOND_PRODUCTS"),
    "measuring_version": (run, "MEASURING_VERSION"),
}


def terms(case: Case, conditions: Conditions) -> dict[str, Any]:
    """The terms of a case as plain JSON, by what they are of: all claims, a task, a recipe on it, a measure."""
    found: dict[str, Any] = {"rules": _rules()}
    for curve in case.curves:
        scale = conditions.regime.scale(curve.task)
        rates = {str(size): str(scale.sgd(curve.recipe, size)) for size in scale.batch_sizes}
        found[str(curve.task)] = _task(curve.task, conditions)
        found[f"{curve.recipe} on {curve.task}"] = rates
        found[curve.measure.field] = _measure(curve.measure)
    return found


def _rules() -> dict[str, Any]:
    return {"version": RULES, **{name: float(getattr(*place)) for name, place in NUMBERS.items()}}


def _task(task: Task, conditions: Conditions) -> dict[str, Any]:
    """How the runs of a task are trained and measured."""
    scale = conditions.regime.scale(task)
    return {  # the factor of schedules is in the rates that it sets
        **described(scale, without=("seeds", "reading", "schedule_factor")),
        "trained_as": [*concerning(task, conditions.trained_as)],
        "precision": conditions.precision,
        "network_version": task.network.version,
        "data": conditions.sources[task.dataset.name].kind,
        "dataset": described(task.dataset),
        "reading": {**scale.reading.spec(described(scale.reading)), "pgd_reach": readings.REACH},
    }


def _measure(measure: Measure) -> dict[str, Any]:
    """What a measure is and which difference of it matters, with the checks of its instrument."""
    guards = [c for c in instrument_checks.CHECKS if measure.field in {guarded.field for guarded in c.guards}]
    return {
        **described(measure, without=("label", "because", "axis")),
        "checks": {check.name: described(check, without=("name", "says", "guards")) for check in guards},
        "doubts": plain(sorted({check.name for check in guards} & instrument_checks.DOUBTS.keys())),
    }
