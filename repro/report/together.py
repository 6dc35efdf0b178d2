"""The verdicts of a session taken together: which would stand if not one of all might be wrong."""

from collections.abc import Collection
from typing import Any

from ..statistics.estimands import ERROR, Outcome
from ..statistics.families import family, wrong_by_chance

Entry = dict[str, Any]


def take_together(entries: Collection[Entry]) -> None:
    """Add to each entry whether it holds and survives Holm's correction over all of them (``family_wise``)."""
    together = family([(entry["p"], Outcome(entry["outcome"])) for entry in entries])
    for entry, survives in zip(entries, together.survives, strict=True):
        entry["family_wise"] = survives


def in_words(entries: Collection[Entry]) -> str:
    """How far so many verdicts can be trusted together."""
    holding = sum(entry["outcome"] == Outcome.HOLDS for entry in entries)
    surviving = sum(entry["family_wise"] for entry in entries)
    return (
        f"Each verdict is wrong with a probability of at most {ERROR:.0%}: of {len(entries)} at most "
        f"{wrong_by_chance(len(entries)):.1f} in expectation. Of the {holding} that hold, {surviving} would if not "
        f"one of all might be wrong with more than {ERROR:.0%} (Holm)."
    )
