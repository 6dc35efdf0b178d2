"""Ratios against what a user would otherwise write, in one run."""

from . import attacks, eigenvalue, training

CASES = {**training.CASES, **attacks.CASES, **eigenvalue.CASES}
