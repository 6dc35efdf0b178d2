"""The report as a short page of Markdown, for the summary of a CI's job: answer, claims, scorecard, limits."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from ..experiment.regimes import Regime
from ..verdicts.entry import Broken
from ..words import counted, span
from .bundle import Report, Session
from .page.answer import answer
from .page.claims import Sentence, sentences
from .page.readings import EQUAL, STRONGEST
from .page.session import banners
from .scorecard import Scorecard, scorecard
from .text import clean

MOST: Final = 150  # lines
ERRORS, CLAIMS = 8, 30  # that are named
HOW: Final = {EQUAL: "at", STRONGEST: "by the"}  # verdicts come out under these readings


def markdown(report: Report, regime: Regime) -> str:
    """The page; the scorecard takes what the other parts leave of its lines."""
    paper = report.session.paper
    found, of = answer(report.claims, report.errors, paper), sentences(report.claims, paper)
    before = [
        *(f"# {paper.title}: reproducibility report", ""),
        *(f"**{banner.word}**: {banner.says}" for banner in banners(report.session, regime)),
        *("", f"## The answer: {found.word.lower()}", "", " ".join(found.sentences), "", _otherwise(of), ""),
        *("## The claims", "", *_claims(of), ""),
        *_errors(report.errors),
    ]
    after = ["", *_conditions(report.session), "", *_further()]
    room = MOST - len(before) - len(after) - 4
    card = _scorecard(scorecard(report.told), room)
    lines = (clean(line).replace("\n", " ") for line in (*before, "## Scorecard", "", *card, *after))
    return "\n".join(lines) + "\n"


def _otherwise(found: Sequence[Sentence]) -> str:
    """How many verdicts come out otherwise when the same networks are read in another way."""
    turned: dict[str, list[bool]] = {name: [] for name in HOW}
    for reading in (reading for sentence in found for case in sentence.cases for reading in case.readings):
        turned.setdefault(reading.name, []).append(reading.turns)
    said = [f"{HOW.get(name, 'under')} {name} {sum(of)} of {len(of)}" for name, of in turned.items() if of]
    return f"Verdicts that come out otherwise: {'; '.join(said)}." if said else ""


def _claims(found: Sequence[Sentence]) -> list[str]:
    rows = []
    for sentence in found[:CLAIMS]:
        of = sentence.tally
        decided = of.holds + of.fails
        sure = f"{of.sure} of {decided}" if decided else "-"
        numbers = (of.holds, of.fails, of.undecided, of.unlearnt, sure)
        rows.append((sentence.says or sentence.id, sentence.section, *numbers, sentence.beyond.short or "-"))
    heads = ("claim", "section", "holds", "fails", "undecided", "not learnt", "can be relied on", "beyond its text")
    more = [f"and {len(found) - CLAIMS} more claims"] if len(found) > CLAIMS else []
    return [*_table(heads, rows), *more] if rows else ["None was decided."]


def _errors(errors: Sequence[Broken]) -> list[str]:
    if not errors:
        return []
    lines = [f"- {_code(clean(error.test))}: {error.error}"[:400] for error in errors[:ERRORS]]
    more = [f"- and {len(errors) - ERRORS} more"] if len(errors) > ERRORS else []
    return [f"## {counted(len(errors), 'test')} broke", "", "That says nothing of the paper.", "", *lines, *more, ""]


def _scorecard(card: Scorecard, room: int) -> list[str]:
    """As many of its rows as there is room for."""
    if not card.rows:
        return ["There is no verdict."]
    legend = card.legend(short=False)
    fit = max(1, room - len(legend) - 4)
    more = len(card.rows) - fit
    rows = [(row.name, *row.words) for row in card.rows[:fit]]
    told = [f"and {counted(more, 'row')} more, in report.html"] if more > 0 else []
    return [*_table(("claim", *card.tasks), rows), *told, *([""] if legend else []), *legend]


def _conditions(session: Session) -> list[str]:
    changed = " with uncommitted changes" if session.dirty else ""
    return [
        "## Conditions",
        "",
        f"- command: {_code(clean(session.command))}, {span(session.seconds)} beside what was stored before",
        *(f"- merged into that: {_code(clean(command))}" for command in session.merged),
        f"- commit: {session.commit or 'none'}{changed}",
        f"- device: {clean(session.devices)}; {session.hardware.processor}, {session.hardware.cores} cores",
        *([f"- trained on mixed hardware or versions: {'; '.join(session.trained_on)}"] if session.trained_on else []),
        *(f"- data: {data.text}" for data in session.data.values()),
    ]


def _further() -> list[str]:
    return [
        "## Read further",
        "",
        "`report.html` has every verdict with its plots, its evidence and its rerun command, all measured values,",
        "the figures, what the paper leaves open and how that was read, and when what was made. `measured.csv` has a",
        "line for each network, `report.json` has everything as data. `python -m repro verify` with the folder's name",
        "decides every verdict again.",
    ]


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = (columns, ["---"] * len(columns), *rows)
    return [f"| {' | '.join(_cell(clean(str(cell))) for cell in row)} |" for row in lines]


def _cell(text: str) -> str:
    """A text that ends no cell of a table and begins no tag."""
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def _code(text: str) -> str:
    """Text to be copied as it is, whatever backquotes it has."""
    marks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{marks} {text} {marks}" if len(marks) > 1 else f"`{text}`"
