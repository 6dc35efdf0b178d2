"""What would decide a verdict, or turn it, in one sentence."""

from typing import Final

from ...statistics.estimands import Outcome
from ...statistics.reasons import Lack
from ...verdicts.entry import Entry

UNLEARNT: Final = "More training, or more training images, until the networks fit their training data."
LACKING: Final = {
    Lack.ROOM_BELOW: "It takes values further from the floor, as under a weaker attack; more seeds make no room.",
    Lack.ROOM_ABOVE: "It takes values further from the ceiling; more seeds make no room.",
    Lack.NUMBERS: "It takes others' numbers: reference.toml beside the claims has none of this curve.",
    Lack.IMAGES: "It takes lambda1 of more images, or networks whose training loss is not that of a few.",
}


def needed(entry: Entry) -> str:
    """What would decide it, or turn it; empty where nothing is known that would."""
    if entry.further:
        return entry.further.text[0].upper() + entry.further.text[1:] + "."
    if entry.flips_at and entry.outcome is not Outcome.UNDECIDED:
        return f"The verdict would be another one at a margin of {entry.flips_at}."
    if entry.flips_at:
        return f"It would be decided at a margin of {entry.flips_at}."
    if entry.outcome is Outcome.NOT_LEARNT:
        return UNLEARNT
    return LACKING[entry.lacks] if entry.lacks and entry.outcome is Outcome.UNDECIDED else ""
