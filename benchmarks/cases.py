"""Every benchmark by its name."""

from . import attacks, cached, eigenvalue, scheduling, training, whole

CASES = {
    **training.CASES,
    **attacks.CASES,
    **eigenvalue.CASES,
    **scheduling.CASES,
    **cached.CASES,
    **whole.CASES,
}
APART = ("whole",)  # takes minutes, and is measured only when it is named
