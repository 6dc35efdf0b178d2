"""Every benchmark by its name."""

from . import attacks, cached, eigenvalue, precision, scheduling, training, whole

CASES = {
    **training.CASES,
    **attacks.CASES,
    **eigenvalue.CASES,
    **scheduling.CASES,
    **cached.CASES,
    **precision.CASES,
    **whole.CASES,
}
APART = ("scheduling", "precision", "whole")  # take minutes each, and are measured only when they are named
