"""The table of the README that says what was found at the paper's own scale, made from the published report."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from repro.report.bundle import Report, load
from repro.report.page.trust import doubts
from repro.statistics.estimands import DECIDED
from repro.statistics.reasons import Lack
from repro.verdicts.entry import Entry, EqualAmount, OtherReading
from repro.words import counted, listed

from .tables import table

ROOT: Final = Path(__file__).parents[2]
PUBLISHED: Final = ROOT / "artifacts" / "published"
BEGIN: Final = "<!-- what was found: written by python -m tests.published -->"
TRUST: Final = "docs/manual.md#how-far-a-verdict-can-be-trusted"
END: Final = "<!-- end of what was found -->"
FLOOR: Final = "(floor) stands where attacks leave too little for a fall, or a difference, to be seen"
HEAD: Final = (
    "what the paper says",
    "on",
    "as the paper measures",
    "by the strongest attack",
    "at equal training amount",
)


def report() -> Report:
    """The published report."""
    return load(PUBLISHED).report


def page(text: str, found: Report, *further: str) -> str:
    """The README with what was found anew, and ``further`` paragraphs under it. ValueError: a marker is lacking."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return "\n\n".join((before + BEGIN, _intro(found), said(found.claims), *further, END)) + after


def _intro(found: Report) -> str:
    own = [entry for entry in found.claims if entry.own]
    tasks = dict.fromkeys(entry.task for entry in found.claims)
    seeds = sorted({entry.seeds for entry in found.claims})
    words = Counter(entry.verdict for entry in own)
    decided = [entry for entry in own if entry.outcome in DECIDED]
    beyond = Counter(entry.verdict for entry in found.claims if not entry.own)
    return (
        f"At the paper's own scale what the paper says of {listed([*tasks])} was put to {counted(len(own), 'test')}, "
        f"with {' or '.join(map(str, seeds))} seeds: {_counts(words)}. {_relied(decided)} "
        f"{counted(beyond.total(), 'further test')} ask the same where the paper does not: {_counts(beyond)}. No other "
        f"task was trained at that scale. Intervals are at the level at which a rule decides, {levels(found)}; {FLOOR}."
    )


def _counts(words: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {word}" for word, number in words.items())


def _relied(decided: Sequence[Entry]) -> str:
    """Which decided verdicts can be relied on, and what speaks against the others."""
    sure = [f"{entry.verdict}: `{entry.id}` [{entry.case}]" for entry in decided if not doubts(entry)]
    against = Counter(words for entry in decided for words in doubts(entry))
    which = f"{len(sure)} of the {len(decided)} that are decided can be [relied on]({TRUST})"
    told = f" ({'; '.join(sure)})" if sure else ""
    weak = "; ".join(f"{words} ({number})" for words, number in against.items())
    asked = " Of those that fail it is not asked whether they would stand among so many." if sure else ""
    return f"{which}{told}.{asked}" + (f" The others have one or more of these weaknesses: {weak}." if weak else "")


def levels(found: Report) -> str:
    """From which level to which the intervals of a report are."""
    shown = sorted({entry.level for entry in found.claims if entry.level is not None})
    return " to ".join(dict.fromkeys(f"{100 * level:.3g}%" for level in (shown[0], shown[-1])))


def said(entries: Iterable[Entry]) -> str:
    """A row for each sentence that is the paper's own, with what became of it."""
    own = by_sentence(entry for entry in entries if entry.own)
    return table(HEAD, map(_row, own.values()))


def by_sentence(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """Verdicts by the sentence that they are of, in the order in which they come."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.says, []).append(entry)
    return found


def _row(entries: Sequence[Entry]) -> tuple[str, ...]:
    """A sentence with its cases, told apart where they differ."""
    names = [entry.case.replace("-over-", "/") for entry in entries]
    shown = [f"**{entry.verdict}**, {estimate(entry)}" for entry in entries]
    sound = [f"{entry.sound.verdict}" if entry.sound else "-" for entry in entries]
    equal = [equal_amount(entry) for entry in entries]
    return entries[0].says, *("<br>".join(cell) for cell in (names, shown, sound, equal))


def estimate(told: Entry | EqualAmount | OtherReading) -> str:
    """An estimate with its interval; of what keeps it from being decided, which the report has, the floor alone."""
    text = told.shown.partition(":")[0]
    return f"{text} (floor)" if told.lacks is Lack.ROOM_BELOW else text


def equal_amount(entry: Entry) -> str:
    """What the runs decide at equal training amount: they are the same ones where none has to be trained less."""
    equal = entry.equal_amount
    if equal is None or not equal.trained_less:
        return "the same runs"
    return f"{equal.verdict}, {estimate(equal)}"
