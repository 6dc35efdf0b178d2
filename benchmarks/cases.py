"""Every benchmark by its name."""

from .sessions import cached, cluster, fleet, precision, scheduling, whole
from .sides import Measured, Timed
from .speed import attacks, eigenvalue, training

CASES: dict[str, Timed | Measured] = {
    **training.CASES,
    **attacks.CASES,
    **eigenvalue.CASES,
    **scheduling.CASES,
    **cached.CASES,
    **fleet.CASES,
    **cluster.CASES,
    **precision.CASES,
    **whole.CASES,
}
APART = (
    "scheduling",
    "fleet",
    "cluster",
    "cluster-session",
    "precision",
    "whole",
)  # take minutes each, and are measured only when they are named
