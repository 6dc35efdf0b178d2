"""What a reader of a verdict has to know of the networks that it compares, beside the decision itself."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from .curves import Measured

FAR_APART: Final = 10.0  # times: an order of magnitude


def remarks(curves: Sequence[Measured]) -> tuple[str, ...]:
    """Sentences on the curves as they are compared; none where there is nothing to say."""
    tasks = dict.fromkeys(curve.curve.task for curve in curves)
    found = {task: _losses([curve for curve in curves if curve.curve.task == task]) for task in tasks}
    return tuple(f"on {task} {said}" if len(tasks) > 1 else said for task, said in found.items() if said)


def _losses(curves: Sequence[Measured]) -> str:
    """Whether networks of one task whose eigenvalues are compared differ in training loss by an order of magnitude.

    The Hessian of cross-entropy goes to zero with the loss itself: where it does, a smaller lambda1 tells of a smaller
    loss before it tells of a flatter minimum.
    """
    of_lambda1 = [curve for curve in curves if curve.curve.measure.part == "curvature"]
    means = [
        np.mean([c.train_loss for c in curve.column(j)]) for curve in of_lambda1 for j in range(len(curve.batch_sizes))
    ]
    finite = [float(mean) for mean in means if np.isfinite(mean)]
    if not finite or max(finite) < FAR_APART * min(finite):
        return ""
    return (
        f"the networks compared differ in training loss from {min(finite):.2g} to {max(finite):.2g}: lambda1 falls "
        "with the loss itself"
    )
