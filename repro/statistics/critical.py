"""How far a verdict is from another one: the margin at which it would flip."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from .estimands import Decision, Estimand, Outcome
from .units import Margin

WIDEST: Final = 64.0  # times the declared margin, or a share of it: beyond that nothing is looked for
STEPS: Final = 24  # on the way there: an outcome may come and go, as where a larger margin reaches down to the floor
PRECISION: Final = 0.01  # relative, of the margin that is found

Rule = Callable[..., Estimand]  # of the margins of its curves' measures


def scaled(margins: Sequence[Margin], times: float) -> tuple[Margin, ...]:
    """Margins that are so many times as large."""
    return tuple(Margin(margin.size * times, margin.unit) for margin in margins)


def critical(rule: Rule, margins: Sequence[Margin], decide: Callable[[Estimand], Decision]) -> float | None:
    """By how much all margins would have to be multiplied for another outcome: the number nearest to 1, or None.

    ``decide`` decides by an estimand. None: no number within ``WIDEST`` would bring another outcome, as where nothing
    can be decided at all.
    """

    def outcome(logarithm: float) -> Outcome:
        return decide(rule(*scaled(margins, math.exp(logarithm)))).outcome

    here = outcome(0.0)
    for step in range(1, STEPS + 1):
        for side in (1, -1):
            same, other = (side * math.log(WIDEST) * of / STEPS for of in (step - 1, step))
            if outcome(other) is not here:
                return math.exp(_flip(outcome, here, same, other))
    return None


def _flip(outcome: Callable[[float], Outcome], here: Outcome, same: float, other: float) -> float:
    """The logarithm between one with this outcome and one with another at which it changes, by bisection."""
    while abs(other - same) > PRECISION:
        middle = (same + other) / 2
        same, other = (middle, other) if outcome(middle) is here else (same, middle)
    return other
