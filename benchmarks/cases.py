"""Every benchmark by its name: a function that prepares both sides' work, ours first."""

from . import attacks, eigenvalue, training

CASES = {**training.CASES, **attacks.CASES, **eigenvalue.CASES}
