"""A worker whose GPU failed ends, and pytest-xdist starts another in its place.

After a fault such as an illegal memory access CUDA answers every further call of the process with an error, so all that
it would be asked to train would break. What was being made is not tried again in the session, for it may have been the
cause; the test that the worker was at is an error of the machine, and the session says why.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ..errors import ReproError, named_line
from ..experiment.readings import Reading
from ..runs.conditions import Conditions
from ..runs.run import Run
from ..runs.store import Store
from ..runs.workshop import Makers, cohort_size, make_here, together_here
from .shared import Process

STATUS: Final = 70  # of a process that ended so; sysexits.h calls it an internal software error
COHORTS: Final = "cohorts"  # what is not tried again where several runs were trained together


def makers(process: Process) -> Makers:
    """Who makes runs on a GPU: this process, until the GPU fails; the process of a session without workers goes on."""
    if process.name == "main":
        return Makers()
    shared = process.shared

    def make(
        run: Run, reading: Reading, store: Store, conditions: Conditions, states: Sequence[Run], broke: str | None
    ) -> None:
        if shared.given_up(run.whole.key):
            raise ReproError(f"{run}: a GPU failed over it, and it is not tried again in this session")
        try:
            make_here(run, reading, store, conditions, states, broke)
        except Exception as error:
            _leave(process, error, run.whole.key, str(run))
            raise

    def together(
        members: Sequence[tuple[Run, Sequence[Run]]], store: Store, conditions: Conditions
    ) -> Mapping[Run, str]:
        try:
            return together_here(members, store, conditions)
        except Exception as error:
            _leave(
                process, error, COHORTS, f"{len(members)} runs side by side, which are trained one by one from now on"
            )
            raise

    return Makers(make, together, lambda run: 1 if shared.given_up(COHORTS) else cohort_size(run))


def _leave(process: Process, error: Exception, what: str, named: str) -> None:
    """End the process if it was the GPU that failed."""
    if not failed(error):
        return
    process.shared.give_up(what)
    why = f"its GPU failed over {named}: {named_line(error)}"
    process.shared.remark(f"worker {process.name} ended and was replaced, since {why}")
    os._exit(STATUS)  # nothing of CUDA can be put in order any more, not even by ending well


def failed(error: BaseException) -> bool:
    """Whether CUDA itself failed; that it had too little memory for something is no such failure."""
    return any(
        type(one).__name__ == "AcceleratorError" or (isinstance(one, RuntimeError) and "CUDA error" in str(one))
        for one in _chain(error)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
