"""What is known by name: data sets, networks, tasks. This paper's own are entered as the next author's are.

An entry made in the ``conftest.py`` beside the claims is there before the options of a session are read.
"""

from typing import TypeVar

from ..errors import SettingError
from ..words import did_you_mean

T = TypeVar("T")


class Registry(dict[str, T]):
    """Names and what they stand for, in the order in which they were entered."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def enter(self, name: str, value: T) -> T:
        """Add what a name stands for. SettingError: it stands for something else already."""
        if self.setdefault(name, value) != value:
            raise SettingError(f"{self.kind} {name!r}: there is another one of this name; choose a new one")
        return value

    def known(self, name: str) -> T:
        """What a name stands for. SettingError: nothing of this name was entered."""
        if name not in self:
            raise SettingError(
                f"{self.kind} {name!r}: is unknown; known are {', '.join(self)}{did_you_mean(name, self)}"
            )
        return self[name]
