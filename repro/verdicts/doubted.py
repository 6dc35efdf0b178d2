"""Eigenvalues in doubt: right, and too imprecise to decide anything, or of a search that did not end. Free of torch.

Where hardly a seed is without one, they decide nothing. Otherwise a claim is decided twice, on all seeds and on those
without any, and only what both come to counts. Where cells are counted, they stay, and are counted against what is
decided instead: it is so whatever those eigenvalues are. So one network of sixty does not void what is asked of all,
and no verdict rests on it. As all seeds have to say the same, such a verdict is wrong no more often than theirs is,
whichever seeds are in doubt.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from ..statistics.estimands import Decision, Outcome
from ..statistics.reasons import Reason, lacking
from .curves import Cell, Measured

FEWEST: Final = 2  # seeds without a doubt: one has no interval

Doubts = Mapping[str, str]  # why an eigenvalue is in doubt, by the key of its run


def in_words(curves: Sequence[Measured], doubts: Doubts) -> str:
    """Why some eigenvalues of curves that are compared are in doubt, and how many; empty where none is."""
    runs = {cell.run for curve in _of_lambda1(curves) for row in curve.cells for cell in row}
    found = [why for run, why in doubts.items() if run in runs]
    return Reason(f"{found[0]} in {len(found)} of {len(runs)} runs", lacking(found[0])) if found else ""


def without_doubted(curves: Sequence[Measured], doubts: Doubts) -> tuple[Measured, ...]:
    """The curves without the seeds of which any eigenvalue is in doubt; none of them where too few seeds are left.

    All curves lose a seed that one of them loses, since they are compared seed by seed.
    """
    doubted = {
        seed
        for curve in _of_lambda1(curves)
        for seed, row in enumerate(curve.cells)
        if any(cell.run in doubts for cell in row)
    }
    kept = [seed for seed in range(min(len(curve.cells) for curve in curves)) if seed not in doubted]
    if len(kept) < FEWEST and doubted:
        return ()
    return tuple(replace(curve, cells=tuple(curve.cells[seed] for seed in kept)) for curve in curves)


def with_gaps(curves: Sequence[Measured], doubts: Doubts) -> tuple[Measured, ...]:
    """The curves with nothing in the place of eigenvalues that are in doubt."""

    def known(curve: Measured, cell: Cell) -> Cell:
        return replace(cell, value=math.nan) if _is_of_lambda1(curve) and cell.run in doubts else cell

    return tuple(
        replace(curve, cells=tuple(tuple(known(curve, cell) for cell in row) for row in curve.cells))
        for curve in curves
    )


def agreed(whole: Decision, rest: Decision) -> Decision:
    """What two decisions both come to; undecided, with the numbers of the one that is, where they differ."""
    p = max(whole.p, rest.p)
    if whole.outcome is rest.outcome:
        return replace(whole, p=p)
    undecided = next((one for one in (whole, rest) if one.outcome is Outcome.UNDECIDED), whole)
    return replace(undecided, outcome=Outcome.UNDECIDED, p=p)


def _of_lambda1(curves: Sequence[Measured]) -> list[Measured]:
    return [*filter(_is_of_lambda1, curves)]


def _is_of_lambda1(curve: Measured) -> bool:
    return curve.curve.measure.part == "curvature"
