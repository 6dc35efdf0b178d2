"""Which claims a session has: each once, and what to say where its words select none."""

import re
from collections.abc import Iterable, Mapping

import pytest

from ..errors import SettingError
from ..words import did_you_mean

WORDS = ("and", "or", "not")  # of an expression behind -k


def require_each_once(collected: Mapping[str, tuple[str, str]]) -> None:
    """SettingError: two tests decide one case of one claim. ``collected``: claim and case, by the id of each test.

    One test may do so several times, with parameters of its own.
    """
    first: dict[tuple[str, str], str] = {}
    for test, (claim, case) in collected.items():
        other = first.setdefault((claim, case), test)
        if other.partition("[")[0] != test.partition("[")[0]:
            raise SettingError(
                f"claim {claim!r} [{case}] is declared twice, by {other} and {test}: "
                "give one of them another id, or an aspect"
            )


def nothing_selected(config: pytest.Config, collected: Iterable[tuple[str, str]]) -> str:
    """A line for a session whose -k selects none of the claims that were collected; empty without -k."""
    asked = config.getoption("keyword")
    if not asked:
        return ""
    claims = sorted({claim for claim, _ in collected})
    known = {*claims, *(case for _, case in collected)}
    words = [word for word in re.split(r"[\s()]+", asked) if word and word not in WORDS]
    meant = next(filter(None, (did_you_mean(word, known) for word in words if word not in known)), "")
    return f"no claim was selected: -k {asked!r} fits none{meant or '; there are ' + ', '.join(claims)}"
