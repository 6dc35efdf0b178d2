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
APART = ("scheduling", "whole")  # take minutes each, and are measured only when they are named
