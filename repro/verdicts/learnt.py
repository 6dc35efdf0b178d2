"""Whether the networks that a claim compares have learnt: what has not fitted its training data decides nothing.

In a reduced regime every run has to have a training accuracy of 85%. What has not come there tells nothing of minima,
and cells in transition, where one seed in ten to one in two stands at 10% and the others at 95%, are so skew that
Student's t errs in 13 to 72% of worlds at three seeds and in 4 to 44% at eight. At the paper's own scale how far a
network gets is part of what the paper shows: cells below 85% are flagged there, and only networks at chance decide
nothing. A run that diverged there counts as chance, for test accuracy; its batch size is left out of a comparison of
eigenvalues and of accuracies under attack, of which it has none. What holds without that batch size alone is undecided.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from ..experiment.regimes import TRAINED
from .curves import CHANCE, Cell, Measured

AT_CHANCE: Final = 2 * CHANCE  # training accuracy up to which a network is no better than chance, with room for noise


def not_learnt(curves: Iterable[Measured], papers: bool) -> str:
    """Why the networks behind some curves decide nothing, in words; empty if they do. ``papers``: the paper's scale."""
    cells = {cell.run: cell for curve in curves for row in curve.cells for cell in row}
    wanting = [cell for cell in cells.values() if (_at_chance(cell) if papers else cell.undertrained or cell.diverged)]
    if not wanting:
        return ""
    needed = f"no more than {AT_CHANCE:.0%}" if papers else f"less than {TRAINED:.0%}"
    known, diverged = [c.train_accuracy for c in wanting if not c.diverged], sum(c.diverged for c in wanting)
    how = [f"the least {min(known):.0%}"] if known else []
    how += [f"{diverged} diverged"] if diverged else []
    return f"{len(wanting)} of {len(cells)} networks have {needed} training accuracy ({', '.join(how)})"


def _at_chance(cell: Cell) -> bool:
    return not cell.diverged and not cell.train_accuracy > AT_CHANCE


def without_diverged(curves: Sequence[Measured]) -> tuple[tuple[Measured, ...], str]:
    """Curves that are compared with each other, without the batch sizes at which a value is lacking.

    That is where a run diverged and has none of this measure; all curves lose the batch size, since they are compared
    there. Also says in words which were left out. None is if that would leave no batch size.
    """
    without_value = [curve for curve in curves if curve.curve.measure.diverged is None]
    gone = {
        size
        for curve in without_value
        for j, size in enumerate(curve.batch_sizes)
        if any(c.diverged for c in curve.column(j))
    }
    kept = [size for size in curves[0].batch_sizes if size not in gone]
    if not gone or not kept:
        return tuple(curves), ""
    note = f"without batch size {', '.join(map(str, sorted(gone)))}, where a run diverged and has no value"
    return tuple(at_sizes(curve, kept) for curve in curves), note


def at_sizes(curve: Measured, sizes: Sequence[int]) -> Measured:
    """A curve at some of its batch sizes."""
    columns = [curve.batch_sizes.index(size) for size in sizes]
    return replace(curve, batch_sizes=tuple(sizes), cells=tuple(tuple(row[j] for j in columns) for row in curve.cells))
