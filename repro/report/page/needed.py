"""What would decide a verdict, or turn it, in one sentence."""

from typing import Final

from ...statistics import equivalence, estimands, pairs
from ...statistics.estimands import Outcome
from ...verdicts.entry import Entry
from ...verdicts.instrument_checks import DOUBTS

NO_ROOM: Final = "It takes values further from the {}; more seeds make no room."
OF_FEW: Final = "It takes lambda1 of more images, or networks whose training loss is not that of a few."
PRINTED: Final = "It takes others' numbers: reference.toml beside the claims has none of this curve."
UNLEARNT: Final = "More training, or more training images, until the networks fit their training data."
OTHERWISE: Final = {  # what it would take, by what a reason says
    DOUBTS["lambda1-not-of-one-image"]: OF_FEW,
    equivalence.NO_NUMBERS: PRINTED,
    equivalence.ON_THE_FLOOR: NO_ROOM.format("floor, as under a weaker attack"),
    equivalence.BOTH_ON_THE_FLOOR: NO_ROOM.format("floor, as under a weaker attack"),
    pairs.SECOND_ON_THE_FLOOR: NO_ROOM.format("floor, as under a weaker attack"),
    estimands.ON_THE_FLOOR: NO_ROOM.format("floor, as under a weaker attack"),
    estimands.AT_THE_CEILING: NO_ROOM.format("ceiling"),
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
    if entry.outcome is Outcome.UNDECIDED:
        return next((says for reason, says in OTHERWISE.items() if reason in entry.reason), "")
    return ""
