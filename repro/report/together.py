"""The verdicts of a session taken together: which would stand if not one of all might be wrong."""

from collections.abc import Collection
from typing import Final

from msgspec.structs import replace

from ..statistics.estimands import ERROR, Outcome
from ..statistics.families import family, wrong_by_chance
from ..verdicts.entry import Entry
from ..verdicts.looks import MOST, ROUNDING, error

MANY: Final = 20  # verdicts, of which one may be expected to be wrong


def taken_together(entries: Collection[Entry]) -> list[Entry]:
    """The entries with whether each holds and survives Holm's correction over all of them (``family_wise``)."""
    survives = family([(entry.p, entry.outcome) for entry in entries])
    return [replace(entry, family_wise=together) for entry, together in zip(entries, survives, strict=True)]


def in_words(entries: Collection[Entry]) -> str:
    """How far so many verdicts can be trusted together."""
    if not entries:
        return "There is no verdict."
    alone = f"Each verdict alone is wrong in at most {ERROR:.0%} of cases"
    if again := sum(error(entry.looks) > ERROR + ROUNDING for entry in entries):
        alone += f" ({again} to which seeds were added after a look in at most {MOST:.2%})"
    if len(entries) >= MANY:
        alone += f", so of {len(entries):,} about {wrong_by_chance(len(entries)):.0f} may be wrong by chance"
    holding = sum(entry.outcome is Outcome.HOLDS for entry in entries)
    surviving = sum(bool(entry.family_wise) for entry in entries)
    return f"{alone}; {_survivors(holding, surviving)}"


def _survivors(holding: int, surviving: int) -> str:
    """How many of those that hold would stand if no verdict at all may be wrong."""
    if not holding:
        return "none of them holds."
    if holding == 1:
        which, verb = ("the one that holds", "is") if surviving else ("the one that holds", "is not")
    else:
        which, verb = f"{surviving:,} of the {holding:,} that hold", "is" if surviving == 1 else "are"
    return f"{which} {verb} clear enough to stand even if all are to be right at once (Holm's correction)."
