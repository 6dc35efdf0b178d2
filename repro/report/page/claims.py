"""The claims of a session as sentences, each with its verdicts; and the filters that choose among them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from ...experiment.papers import THIS, Paper
from ...experiment.tasks import ALL_TASKS, TASKS
from ...verdicts.entry import Entry
from ..text import slug, unique
from .answer import counts
from .cases import STANDINGS, Case
from .trust import Tally, tally


@dataclass(frozen=True)
class Sentence:
    """A sentence of the paper with the verdicts on it."""

    id: str
    says: str
    section: str
    slug: str
    cases: tuple[Case, ...]

    @property
    def tally(self) -> Tally:
        """What the verdicts came to that are on what the paper says itself."""
        return tally([case.entry for case in self.cases if case.entry.own])

    @property
    def beyond(self) -> Tally:
        """What the others came to: of tasks that the paper does not say it of, and of parts of what it says of all."""
        return tally([case.entry for case in self.cases if not case.entry.own])

    @property
    def told(self) -> str:
        """Both in words."""
        beyond = f"beyond the paper's text {self.beyond.short}" if self.beyond.all else ""
        return "; ".join(filter(None, (counts(self.tally) if self.tally.all else "", beyond)))

    @property
    def figures(self) -> list[int]:
        """The paper's figures that show it."""
        return sorted({number for case in self.cases for number in case.entry.figures})


def sentences(entries: Sequence[Entry], paper: Paper = THIS) -> list[Sentence]:
    """The sentences with all their verdicts, the paper's central claim first, then in the order in which they come."""
    cases = [
        Case(entry, name)
        for entry, name in zip(entries, unique([slug(entry.id, entry.case) for entry in entries]), strict=True)
    ]
    found: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        found.setdefault((case.entry.id, case.entry.says), []).append(case)
    found = dict(sorted(found.items(), key=lambda item: item[0][0] != paper.central))
    names = unique([slug("claim", id) for id, _ in found])
    return [
        Sentence(id, says, of[0].entry.section, name, tuple(of))
        for ((id, says), of), name in zip(found.items(), names, strict=True)
    ]


@dataclass(frozen=True)
class Row:
    """A row of a scorecard: on each task a verdict, or none."""

    variant: str
    cells: tuple[Case | None, ...]


@dataclass(frozen=True)
class Card:
    """A scorecard of verdicts of one kind: what the paper states, or what goes beyond it."""

    title: str
    tasks: tuple[str, ...]
    groups: tuple[tuple[Sentence, tuple[Row, ...]], ...]


TITLES: Final = ("What the paper states", "Beyond the paper's text")


def cards(found: Iterable[Sentence]) -> list[Card]:
    """The scorecards, without those that would be empty: the paper's own statements, then all else."""
    found = list(found)
    both = [_card(found, title, own) for title, own in zip(TITLES, (True, False), strict=True)]
    return [card for card in both if card.groups]


def _card(found: Sequence[Sentence], title: str, own: bool) -> Card:
    kept = [(s, [c for c in s.cases if c.entry.own is own]) for s in found]
    shown = {case.entry.task for _, cases in kept for case in cases}
    tasks = tuple(task for task in (ALL_TASKS, *TASKS) if task in shown)
    return Card(title, tasks, tuple((sentence, _rows(cases, tasks)) for sentence, cases in kept if cases))


def _rows(cases: Sequence[Case], tasks: Sequence[str]) -> tuple[Row, ...]:
    by_variant = groupby(sorted(cases, key=lambda case: case.variant), key=lambda case: case.variant)
    rows = []
    for variant, group in by_variant:
        on = {case.entry.task: case for case in group}
        rows.append(Row(variant, tuple(on.get(task) for task in tasks)))
    return tuple(rows)


@dataclass(frozen=True)
class Filter:
    """A choice among verdicts: the attribute that it looks at, how it is called, and what there is to choose."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]


def filters(found: Iterable[Sentence]) -> list[Filter]:
    """The filters, each with what there is to choose; one that has a single choice is left out."""
    cases = [(sentence, case) for sentence in found for case in sentence.cases]
    sections = dict.fromkeys(part.strip() for sentence, _ in cases for part in sentence.section.split(","))
    measures = dict.fromkeys(measure for _, case in cases for measure in case.measures)
    standings = dict.fromkeys(case.entry.standing for _, case in cases)
    words: dict[str, dict[str, None]] = {}  # an outcome has two of them where some tasks are at the paper's own scale
    for _, case in cases:
        words.setdefault(str(case.entry.outcome), {})[case.entry.verdict.partition(" (")[0]] = None
    every = [
        Filter("verdict", "Verdict", tuple((outcome, " or ".join(of)) for outcome, of in words.items())),
        Filter("section", "Section", tuple((name, name) for name in sections)),
        Filter("task", "Task", tuple((task, task) for task in dict.fromkeys(c.entry.task for _, c in cases))),
        Filter("measure", "Measure", tuple((name, name) for name in measures)),
        Filter("standing", "Whose statement", tuple((str(name), STANDINGS[name]) for name in standings)),
    ]
    return [one for one in every if len(one.options) > 1]
