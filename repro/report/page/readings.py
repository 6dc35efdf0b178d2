"""The readings that matter: what the paper leaves open, how it is read, and what another reading would turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...experiment.readings import PIXELS, SOUND_PIXELS, TEST_LOSS
from ...experiment.tasks import TASKS
from ...runs.conditions import Conditions
from .cases import Case, Reading

STRONGEST: Final = "strongest attack"
EQUAL: Final = "equal training"
FIRST: Final = {
    STRONGEST: "the attacks climb cross-entropy, as the paper says, which vanishes where a network is sure of itself",
    EQUAL: "every network is trained for the same number of epochs, so a larger batch takes fewer steps",
    TEST_LOSS: "lambda1 is that of the training loss",
}
ORDER: Final = (PIXELS, SOUND_PIXELS, EQUAL, STRONGEST, TEST_LOSS)


@dataclass(frozen=True)
class Open:
    """An open point: the reading that decides, the other one, and the verdicts that it would turn."""

    name: str
    first: str
    other: str
    asked: int
    turned: tuple[tuple[Case, Reading], ...]


def open_points(cases: Sequence[Case], conditions: Conditions) -> list[Open]:
    """The open points that a session looked at from both sides, epsilon first."""
    found: dict[str, list[tuple[Case, Reading]]] = {}
    for case in cases:
        for reading in case.readings:
            found.setdefault(reading.name, []).append((case, reading))
    names = [*(name for name in ORDER if name in found), *(name for name in found if name not in ORDER)]
    return [_open(name, found[name], conditions) for name in names]


def _open(name: str, of: Sequence[tuple[Case, Reading]], conditions: Conditions) -> Open:
    first = epsilon(of, conditions) if name in (PIXELS, SOUND_PIXELS) else FIRST.get(name, "as this page has it")
    says = " or ".join(dict.fromkeys(reading.says for _, reading in of))
    other = "every network is trained to the same amount T" if name == EQUAL else says
    return Open(name, first, other, len(of), tuple((case, reading) for case, reading in of if reading.turns))


def epsilon(of: Sequence[tuple[Case, Reading]], conditions: Conditions) -> str:
    """How the size of the attack is read on the tasks of these verdicts."""
    tasks = dict.fromkeys(curve.task for case, _ in of for curve in case.tables)
    read = {
        (TASKS[task].dataset.epsilon, conditions.regime.scale(TASKS[task]).reading.epsilon(TASKS[task].dataset)): None
        for task in tasks
        if task in TASKS
    }
    said = [f"{size:g} is read as {share:.3g} of a pixel's range" for size, share in sorted(read) if size != share]
    return "; ".join(said)
