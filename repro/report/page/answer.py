"""The answer in three sentences, written from the verdicts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ...experiment.papers import THIS, Paper
from ...verdicts.entry import Broken, Entry
from ...words import counted, listed
from ..together import in_words
from .trust import Tally, tally


@dataclass(frozen=True)
class Answer:
    """What came of the paper's central claim in a word, and three sentences.

    ``outcome``: how the word is coloured, as in ``Outcome``; "mixed" and "" (not asked) besides.
    """

    word: str
    outcome: str
    sentences: tuple[str, ...]


def answer(entries: Sequence[Entry], errors: Collection[Broken] = (), paper: Paper = THIS) -> Answer:
    """The answer that a session's verdicts give to a paper's central claim; ``errors``: the tests that broke."""
    own = [entry for entry in entries if entry.own]
    broke = sum(one.claim == paper.central for one in errors)
    central = tally([entry for entry in entries if entry.id == paper.central], broke)
    others = _others(own, len(entries) - len(own), len(errors))
    return Answer(*_word(central), (_central(central, paper.says), others, in_words(entries)))


def _word(found: Tally) -> tuple[str, str]:
    """What all verdicts on one claim come to."""
    if not found.all:
        return "Not asked", ""
    if found.broke == found.all:
        return "No verdict", ""
    if found.holds and found.fails:
        return "Mixed", "mixed"
    if found.holds:
        return ("Holds", "holds") if found.holds == found.all else ("Holds in part", "mixed")
    if found.fails:
        return ("Fails", "fails") if found.fails == found.all else ("Fails in part", "mixed")
    return ("Not learnt", "not learnt") if found.unlearnt == found.all else ("Undecided", "undecided")


def _central(found: Tally, says: str) -> str:
    """What came of the central claim."""
    begins = f"The paper's central claim, {says},"
    if not found.all:
        return f"{begins} was not asked in this session."
    of = f": of its {found.all} tests, {counts(found)}" if _kinds(found) > 1 else ""
    many = f" in all of its {found.all} tests" if found.all > 1 and not of else ""
    sure = f"; {_relied(found)}" if found.holds + found.fails else ""
    return f"{begins} {_said(found)}{of or many}{sure}."


def _kinds(found: Tally) -> int:
    return sum(number > 0 for number in (found.holds, found.fails, found.undecided, found.unlearnt, found.broke))


def _said(found: Tally) -> str:
    """The verb of a sentence on one claim."""
    word, outcome = _word(found)
    if outcome == "mixed":
        return "holds in some cases and fails in others" if found.holds and found.fails else word.lower()
    if found.broke == found.all:
        return "has no verdict, since what was to decide it broke,"
    phrases = {"holds": "holds", "fails": "fails", "undecided": "is undecided"}
    return phrases.get(outcome, "could not be tested, for its networks have not learnt")


def _relied(found: Tally) -> str:
    decided = found.holds + found.fails
    if not found.sure:
        return "that cannot be relied on" if decided == 1 else "none of the decided ones can be relied on"
    return f"{found.sure} of the {counted(decided, 'decided one')} can be relied on"


def _others(own: Collection[Entry], beyond: int, broke: int) -> str:
    """What came of everything that the paper states."""
    found = tally(own)
    further = f"{counted(beyond, 'further test')} went beyond its text" if beyond else ""
    told = "; ".join(filter(None, (further, f"{counted(broke, 'test')} broke and have no verdict" if broke else "")))
    rest = f" ({told})" if told else ""
    if not found.all:
        return f"Nothing that the paper says itself was tested{rest}."
    return f"Of {counted(found.all, 'test')} of what the paper says itself, {counts(found)}{rest}."


def counts(found: Tally) -> str:
    """The numbers of a tally as part of a sentence, without those that are none."""
    words = (
        (found.holds, "hold"),
        (found.fails, "fail"),
        (found.undecided, "undecided"),
        (found.unlearnt, "not learnt"),
        (found.broke, "broke"),
    )
    parts = [_of(number, word) for number, word in words if number]
    return listed(parts) or "none was decided"


def _of(number: int, word: str) -> str:
    one = number == 1
    match word:
        case "hold" | "fail":
            return f"{number} {word}{'s' if one else ''}"
        case "broke":
            return f"{number} broke"
        case "undecided":
            return f"{number} {'is' if one else 'are'} undecided"
    return f"{number} {'was' if one else 'were'} asked of networks that have not learnt"
