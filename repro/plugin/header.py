"""What a session says before it starts: its regime, data, devices and store, in lines."""

from collections.abc import Sequence

from ..experiment import precisions
from ..experiment.devices import CPU, told
from ..experiment.trained_as import SAYS
from ..runs.conditions import Conditions
from ..verdicts.claim import Case
from ..verdicts.plan import Plan
from .options import STORE
from .settings import Settings


def header(settings: Settings, conditions: Conditions, cases: Sequence[Case], plan: Plan) -> list[str]:
    """The conditions in words, and what speaks against them."""
    regime = settings.regime
    note = " (reduced: says nothing of the paper's own scale)" if regime.reduced else ""
    lines = [f"regime: {regime.title}{note}"]
    if settings.until_decided:
        looks = {" ".join(map(str, conditions.looks(task))): None for case in cases for task in case.tasks}
        lines.append(f"seeds: until decided, looking at {' or '.join(looks)}")
    lines += [f"trained as: {name} ({SAYS[name]})" for name in settings.trained_as]
    if settings.precision != precisions.FLOAT32:
        lines.append(f"precision: {settings.precision} ({precisions.SAYS[settings.precision]})")
    lines += [f"reading: {words}" for words in regime.reads]
    lines += [f"data: {source.text}" for source in conditions.sources.values()]
    lines.append(f"device: {told(conditions.device)}, store: {settings.store}")
    if settings.store_found:
        lines.append(f"NOTE: runs are kept in {settings.store}, as earlier versions did; move that folder to {STORE}")
    if not regime.reduced and any(run.device == CPU for run in plan.lacking):
        lines.append(
            "WARNING: the paper's scale without --gpu is a matter of CPU-weeks: --quick takes minutes, "
            "--plan says what would be trained"
        )
    return lines
