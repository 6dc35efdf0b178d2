"""The verdicts of a session taken together: which would stand if not one of all might be wrong."""

from collections.abc import Collection

from msgspec.structs import replace

from ..statistics.estimands import ERROR, Outcome
from ..statistics.families import family, wrong_by_chance
from ..verdicts.entry import Entry


def taken_together(entries: Collection[Entry]) -> list[Entry]:
    """The entries with whether each holds and survives Holm's correction over all of them (``family_wise``)."""
    survives = family([(entry.p, entry.outcome) for entry in entries]).survives
    return [replace(entry, family_wise=together) for entry, together in zip(entries, survives, strict=True)]


def in_words(entries: Collection[Entry]) -> str:
    """How far so many verdicts can be trusted together."""
    holding = sum(entry.outcome is Outcome.HOLDS for entry in entries)
    surviving = sum(bool(entry.family_wise) for entry in entries)
    return (
        f"Each verdict is wrong with a probability of at most {ERROR:.0%}: of {len(entries)} at most "
        f"{wrong_by_chance(len(entries)):.1f} in expectation. Of the {holding} that hold, {surviving} would if not "
        f"one of all might be wrong with more than {ERROR:.0%} (Holm)."
    )
