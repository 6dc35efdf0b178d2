"""The paper that claims are of: what a report is headed with, and which of its claims the report's answer is about."""

from dataclasses import dataclass
from typing import Final

from ..errors import SettingError


@dataclass(frozen=True)
class Paper:
    """A paper: its title, the id of its ``central`` claim, and what that ``says``, as in "that lambda1 falls"."""

    title: str
    central: str
    says: str


THIS: Final = Paper(
    "On Adversarial Robustness of Small vs Large Batch Training",
    "ratio-keeps-robustness",  # what the abstract says first
    "that adversarial accuracy keeps its level across batch sizes when learning rate over batch size is constant",
)
_ENTERED: Final[list[Paper]] = []


def paper(title: str, *, central: str, says: str) -> Paper:
    """Say which paper a folder of claims is of, in the ``conftest.py`` beside them; left out, it is this one.

    ``central``: the id of the claim that the report answers first; ``says``: what it says, as a clause.
    SettingError: the session's claims are of two papers, or it says nothing of one.
    """
    found = Paper(title, central, says)
    if not all((title, central, says)):
        raise SettingError(f"paper({title!r}, ...): must have a title, a central claim and what that says")
    if _ENTERED and _ENTERED[0] != found:
        first = _ENTERED[0].title
        raise SettingError(f"paper({title!r}, ...): a session's claims are of one paper, and {first!r} was entered")
    _ENTERED[:] = [found]
    return found


def entered() -> Paper:
    """The paper of this session's claims."""
    return _ENTERED[0] if _ENTERED else THIS
