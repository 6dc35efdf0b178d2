"""Every benchmark by its name."""

from . import attacks, cached, eigenvalue, scheduling, training

CASES = {**training.CASES, **attacks.CASES, **eigenvalue.CASES, **scheduling.CASES, **cached.CASES}
APART: tuple[str, ...] = ()  # take minutes, and are measured only when they are named
