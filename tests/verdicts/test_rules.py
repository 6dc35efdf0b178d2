"""The decisions of the present rules, so that a change of what decides cannot pass for the same rules.

Where a decision changes on purpose, raise ``RULES`` in ``repro.verdicts.terms`` and put what
``python tests/verdicts/test_rules.py`` prints in the place of ``GOLDEN``. An estimand that is added needs a line in
``ESTIMANDS`` and a new hash, but no other version: nothing was decided by it before.
"""

import hashlib
import inspect
import json
import pkgutil
from importlib import import_module
from typing import Any, Final

import numpy as np

import repro.statistics
from repro.statistics.equivalence import Differs, Flat, Matches, NotWorse, Same
from repro.statistics.estimands import ERROR, Estimand, Outcome, Sample
from repro.statistics.joint import Exists, Jointly
from repro.statistics.pairs import ChangesLess, HigherOnAverage, LowerOnAverage, Mostly, SmallerChange
from repro.statistics.ranks import RanksDisagree
from repro.statistics.trends import Drops, Higher, Lower, Rises
from repro.statistics.units import POINTS, points
from repro.verdicts.terms import RULES

GOLDEN: Final = (6, "69eb1e6a84b2ffd2")  # the version of the rules, and the hash of what they decide

# Each estimand with the number of curves that it takes.
ESTIMANDS: Final[dict[Estimand, int]] = {
    Flat(points(2)): 1,
    NotWorse(points(2)): 1,
    Same(points(2)): 2,
    Matches(points(2)): 1,
    Differs(points(2)): 1,
    Rises(points(2)): 1,
    Drops(points(2)): 1,
    Higher(points(2)): 2,
    Lower(points(2)): 2,
    HigherOnAverage(points(2)): 2,
    LowerOnAverage(points(2)): 2,
    Mostly("higher"): 2,
    Mostly("lower"): 3,
    SmallerChange(points(2)): 4,
    ChangesLess(points(2)): 2,
    Jointly((Rises(points(2)), Flat(points(2)))): 2,
    Exists(points(2), points(2)): 2,
    RanksDisagree(0.8): 2,
}
SIZES: Final = (64, 256, 1024)
SHAPES: Final = {
    "falling": (61, 49, 38),
    "rising": (40, 51, 63),
    "rising as well": (41, 52, 60),
    "flat": (50, 50.3, 49.9),
    "flat as well": (50.4, 50.1, 50.2),
    "bent": (50, 58, 51.2),
    "near the margin": (50, 51.1, 52),
    "steep": (30, 45, 70),
    "on the floor": (11, 10.4, 10.1),
}
SPREADS: Final = (0.0, 0.3, 4.0)
SEEDS: Final = (1, 2, 3, 5, 8)


def sample(place: int, spread: float, seeds: int) -> Sample:
    """The curve of this place among ``SHAPES``; its values differ by seed, and not as those of the next one do."""
    i, j = np.arange(seeds)[:, None], np.arange(len(SIZES))[None, :]
    luck = ((37 * i + 11 * i * j + 3 * i * place + 23 * j * j + 5 * j) % 17 - 8) / 4
    return Sample(
        np.array([*SHAPES.values()][place]) + spread * luck, SIZES, POINTS, floor=10.0, step=0.1, theirs=(50, 50, 50)
    )


def decided() -> dict[str, list[Any]]:
    """What every estimand decides of curves of every shape, spread and number of seeds."""
    return {
        f"{estimand} on {shape}, spread {spread}, {seeds} seeds": _decision(
            estimand, [sample((first + k) % len(SHAPES), spread, seeds) for k in range(count)]
        )
        for estimand, count in ESTIMANDS.items()
        for first, shape in enumerate(SHAPES)
        for spread in SPREADS
        for seeds in SEEDS
    }


def _decision(estimand: Estimand, samples: list[Sample]) -> list[Any]:
    """Outcome, estimate and p-value, to six digits after the point: the last ones differ between processors."""
    found = estimand.decide(*samples)
    return [found.outcome, *(f"{round(number, 6) + 0.0:g}" for number in (found.estimate, found.p))]


def golden() -> str:
    """The hash of all decisions."""
    return hashlib.sha256(json.dumps(decided(), sort_keys=True).encode()).hexdigest()[:16]


def test_the_same_version_of_the_rules_decides_the_same() -> None:
    assert golden() == GOLDEN[1], "what is decided has changed: raise RULES, and see the first lines of this file"


def test_the_version_is_the_one_that_these_decisions_are_of() -> None:
    assert GOLDEN[0] == RULES, "RULES was raised: see the first lines of this file"


def test_every_estimand_is_asked_and_comes_to_every_outcome() -> None:
    modules = [
        import_module(f"repro.statistics.{found.name}") for found in pkgutil.iter_modules(repro.statistics.__path__)
    ]
    kinds = {
        kind
        for module in modules
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Estimand) and not kind.__subclasses__()
    }
    assert kinds == {type(estimand) for estimand in ESTIMANDS}
    found = decided()
    for estimand in ESTIMANDS:
        outcomes = {decision[0] for name, decision in found.items() if name.startswith(f"{estimand} on ")}
        assert outcomes == {"holds", "fails", "undecided"}


def test_seeds_that_could_decide_nothing_decide_nothing() -> None:
    for estimand, count in ESTIMANDS.items():
        wanting = [seeds for seeds in SEEDS if not estimand.decides(seeds, ERROR)]
        assert 1 in wanting
        for seeds in wanting:
            for first in range(len(SHAPES)):
                samples = [sample((first + k) % len(SHAPES), 0.3, seeds) for k in range(count)]
                assert estimand.decide(*samples).outcome is Outcome.UNDECIDED


if __name__ == "__main__":
    print(f'GOLDEN: Final = ({RULES}, "{golden()}")')
