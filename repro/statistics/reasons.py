"""Why nothing could be decided: words for a reader, with what is lacking as a type for the program that advises him."""

from enum import StrEnum
from typing import Final


class Lack(StrEnum):
    """What is lacking where nothing could be decided, and no further seed would bring it."""

    ROOM_BELOW = "room below"
    ROOM_ABOVE = "room above"
    NUMBERS = "printed numbers"
    IMAGES = "images that carry lambda1"


class Reason(str):
    """Why nothing could be decided: words for a reader, and what is ``lacking`` where that has a name."""

    lacking: Lack | None

    def __new__(cls, words: str, lacking: Lack | None = None) -> "Reason":
        """The words, which alone count where two reasons are compared."""
        made = super().__new__(cls, words)
        made.lacking = lacking
        return made


ON_THE_FLOOR: Final = Reason("every curve is about as low as it can be, where no difference can show", Lack.ROOM_BELOW)
AT_THE_CEILING: Final = Reason(
    "every curve is about as high as it can be, where nothing can be so much higher", Lack.ROOM_ABOVE
)


def lacking(reason: str) -> Lack | None:
    """What a reason names as lacking, if anything."""
    return reason.lacking if isinstance(reason, Reason) else None
