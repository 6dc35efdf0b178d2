"""In which order claims take their turns: that in which their runs are made, so that verdicts come one by one."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ..errors import ReproError
from ..science.data.sources import Source
from ..verdicts.claim import Case
from ..verdicts.finishing import in_turn as cases_in_turn
from .session import conditions_of
from .settings import Settings


def in_turn(cases: Mapping[pytest.Item, Case], settings: Settings) -> list[pytest.Item]:
    """Claim tests in that order; as they were collected where the regime says too little to tell.

    It is that of the published data, wherever the session's come from: they are looked for, and perhaps fetched, only
    once -k and the like have left claims out.
    """
    names = {task.dataset.name for case in cases.values() for task in case.tasks}
    conditions = conditions_of(settings, {name: Source(name, "published", Path()) for name in names})
    try:
        place = {case: number for number, case in enumerate(cases_in_turn(cases.values(), conditions))}
    except ReproError:  # which the session says of what is left
        return [*cases]
    return sorted(cases, key=lambda item: place[cases[item]])
