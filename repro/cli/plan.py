"""``repro plan``: what `pytest claims --plan` says."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from ..errors import ReproError
from .group import Answer


def plan(options: Sequence[str], claims: str) -> Answer:
    """Plan a session of the claims in a folder, with options as `pytest claims` takes them.

    Without such a folder the claims of the installed package are planned. ReproError: pytest ended in another way.
    """
    where = [claims] if Path(claims).exists() else ["--pyargs", claims]
    status = pytest.main([*where, "--plan", "-p", "repro.plugin", *options])
    if status != pytest.ExitCode.OK:
        raise ReproError(f"pytest ended with status {int(status)}, and has said why")
    return Answer("")
