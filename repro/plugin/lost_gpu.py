"""A worker whose GPU failed ends, and pytest-xdist starts another in its place.

All that it would be asked to train would break. What was being made is not tried again in the session, for it may have
been the cause; the test that the worker was at is an error of the machine, and the session says why.
"""

import os
from collections.abc import Sequence
from typing import Any, Final

from ..errors import ReproError, named_line
from ..runs.run import Run
from ..runs.workshop import Makers, cohort_size, make_here
from ..science.computing.faults import STATUS, lost_gpu
from .shared import GIVEN_UP, Process, Shared

COHORTS: Final = "cohorts"  # what is not tried again where several runs were trained together


def makers(shared: Shared) -> Makers:
    """Who makes runs on a GPU: this process, but for what a GPU failed over in another."""

    def make(run: Run, *further: Any) -> None:
        if shared.marked(GIVEN_UP + run.whole.key):
            raise ReproError(f"{run}: a GPU failed over it, and it is not tried again in this session")
        make_here(run, *further)

    return Makers(make, cohort=lambda run: 1 if shared.marked(GIVEN_UP + COHORTS) else cohort_size(run))


def leave_if_lost(process: Process, runs: Sequence[Run], error: Exception) -> None:
    """End the process if its GPU failed over these runs; that of a session without workers goes on."""
    if process.name == "main" or not lost_gpu(error):
        return
    what, named = runs[0].whole.key, str(runs[0])
    if len(runs) > 1:
        what, named = COHORTS, f"{len(runs)} runs side by side, which are trained one by one from now on"
    process.shared.mark(GIVEN_UP + what)
    why = f"its GPU failed over {named}: {named_line(error)}"
    process.shared.remark(f"worker {process.name} ended and was replaced, since {why}")
    os._exit(STATUS)  # nothing of CUDA can be put in order any more, not even by ending well
