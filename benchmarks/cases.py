"""Every benchmark by its name."""

from . import attacks, cached, eigenvalue, precision, scheduling, starts, training, whole

CASES = {
    **training.CASES,
    **attacks.CASES,
    **eigenvalue.CASES,
    **starts.CASES,
    **scheduling.CASES,
    **cached.CASES,
    **precision.CASES,
    **whole.CASES,
}
APART = ("starts", "scheduling", "precision", "whole")  # take minutes each, and are measured only when they are named
