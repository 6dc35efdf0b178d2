"""Readings of the paper that need other training: named, chosen for a session, and part of a run's key. Free of torch.

Each departs from the first reading in one point that the paper leaves open. The attack's size stays what it is in the
first reading, as a share of a pixel's range, so that one thing is varied at a time.
"""

from collections.abc import Iterable
from typing import Final

from .tasks import Task

POOL_LAST: Final = "c1-pool-last"
HE: Final = "he-initialisation"
UNSTANDARDISED: Final = "unstandardised-input"

SAYS: Final = {
    POOL_LAST: "C1 applies ReLU, batch norm and pooling in this order, as the code of Yao et al. does; the first "
    "reading follows the paper's table, where batch norm comes after pooling",
    HE: "initial weights are He et al.'s (2015), normal with variance 2 / fan-in and biases of zero; the first "
    "reading takes PyTorch's defaults",
    UNSTANDARDISED: "MNIST and Fashion-MNIST are fed as pixels in [0, 1]; the first reading standardises them",
}


def departures(names: Iterable[str]) -> str:
    """What every heading adds to the scale; empty if training follows the first reading."""
    named = " and ".join(names)
    return f", trained with {named}" if named else ""


def concerning(task: Task, names: Iterable[str]) -> tuple[str, ...]:
    """The names, of those given, that change a task's training, in a fixed order: runs that are equal stay one run."""
    concerned = {*task.network.departures, HE, *([UNSTANDARDISED] if task.dataset.std != 1.0 else [])}
    return tuple(name for name in SAYS if name in {*names} & concerned)
