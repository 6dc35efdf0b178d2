"""A verdict: a case's decision in the words of its regime, with the evidence a reader needs to check it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..statistics.estimands import Decision, Outcome
from ..statistics.reasons import lacking
from ..words import counted
from .claim import Case
from .curves import Measured
from .declaration import digest
from .entry import Entry, EqualAmount, Further, Look, NumberLine, OtherReading, Standing
from .looks import in_words
from .measured import plain_curve
from .soundness import Soundness
from .tables import interval, number, shown, table, undertrained

# A verdict of the paper's claims is only spoken at the paper's scale; at any other a trend was seen or was not.
WORDS = {
    "paper": {
        Outcome.HOLDS: "reproduced",
        Outcome.FAILS: "not reproduced",
        Outcome.UNDECIDED: "inconclusive",
        Outcome.NOT_LEARNT: "not learnt",
    },
    "reduced": {
        Outcome.HOLDS: "trend seen",
        Outcome.FAILS: "trend not seen",
        Outcome.UNDECIDED: "inconclusive",
        Outcome.NOT_LEARNT: "not learnt",
    },
}


STANDS = {
    Standing.PAPER: "the paper says so in",
    Standing.DETAIL: "one task's part of what the paper says in",
    Standing.EXTENSION: "beyond what the paper says in",
}


@dataclass(frozen=True)
class Matched:
    """The same case decided on its curves at equal training amount; see ``equal_amount``."""

    curves: tuple[Measured, ...]
    decision: Decision
    entry: EqualAmount

    @property
    def evidence(self) -> list[str]:
        """How it was decided, and the cells that were cut short for it."""
        begins = f"  at equal training amount ({self.entry.amount}): "
        if not self.entry.trained_less:
            return [f"{begins}the same, since every cell had come to that"]
        cells = [f"  {line}" for curve in self.curves for line in table(curve)]
        notes = [f"    note: {note}" for note in self.entry.notes]
        return [f"{begins}{self.entry.verdict}, {self.entry.shown}", *notes, *cells]


@dataclass(frozen=True)
class Verdict:
    """What a claim test asserts, prints and reports."""

    case: Case
    decision: Decision
    curves: tuple[Measured, ...]
    word: str
    declaration: dict[str, Any]
    rerun: str
    strongest: OtherReading | None  # what the strongest of several attacks decides, where one is claimed of
    others: tuple[OtherReading, ...]
    matched: Matched | None
    soundness: Soundness
    further: Further | None
    flips_at: str
    number_line: NumberLine | None
    notes: tuple[str, ...]
    looks: tuple[Look, ...]
    withheld: bool
    compared: tuple[Measured, ...]

    @property
    def reproduced(self) -> bool:
        """Whether the claim holds (in a reduced regime: whether its trend is seen)."""
        return self.decision.outcome is Outcome.HOLDS

    @property
    def inconclusive(self) -> bool:
        """Whether the data decide nothing."""
        return self.decision.outcome in (Outcome.UNDECIDED, Outcome.NOT_LEARNT)

    @property
    def hopeless(self) -> bool:
        """Whether further seeds are not what it lacks: a claim without values, or one that waits for something."""
        return self.withheld or not np.isfinite(self.decision.estimate)

    @property
    def effect(self) -> str:
        """The estimate and its interval, for a line of a summary."""
        return shown(self.decision)

    @property
    def seeds(self) -> int:
        """How many seeds the decision rests on; of several tasks, how many each has at least."""
        return min(len(curve.cells) for curve in self.curves)

    @property
    def compared_seeds(self) -> int:
        """The same of the tasks that were not left out."""
        return min(len(curve.cells) for curve in self.compared)

    @property
    def evidence(self) -> str:
        """The table the claim was decided on, and how."""
        claim, decision, figures = self.case.claim, self.decision, self.case.figures
        numbers = f", figure{'s' if len(figures) > 1 else ''} {', '.join(map(str, figures))}" if figures else ""
        certainty = f"{100 * decision.level:.3g}% interval, {counted(self.compared_seeds, 'seed')}"
        return "\n".join(
            [
                f"{self.word}: {claim.says}",
                f"  {self.case.id}; {STANDS[self.case.standing]} section {claim.section}{numbers}",
                *(line for curve in self.curves for line in table(curve)),
                f"  {decision.effect}: {self.effect} ({certainty})",
                f"  asked for: {decision.asked} ({self.case.because})",
                *([f"  as the paper measures: {self.word}; {self._at_strongest}"] if self.strongest else ()),
                *([f"  it would flip at {self.flips_at}"] if self.flips_at else ()),
                *(f"  note: {note}" for note in self.notes),
                *(f"  {line}" for line in [in_words(self.looks, self.seeds)] if line),
                *([f"  {self.further.text}"] if self.further else ()),
                *self.soundness.evidence,
                *(self.matched.evidence if self.matched else ()),
            ]
        )

    @property
    def _at_strongest(self) -> str:
        """What the strongest attack on each image decides."""
        assert self.strongest is not None
        return f"{self.strongest.says}: {self.strongest.verdict}, {self.strongest.shown}"

    def entry(self) -> Entry:
        """What the report holds of it."""
        claim, decision = self.case.claim, self.decision
        estimand = self.case.holds_if
        return Entry(
            id=claim.id,
            case=self.case.id,
            section=claim.section,
            says=claim.says,
            task=self.case.where,
            standing=self.case.standing,
            figures=tuple(self.case.figures),
            verdict=self.word,
            outcome=decision.outcome,
            effect=decision.effect,
            asked=decision.asked,
            shown=self.effect,
            estimate=number(decision.estimate),
            interval=interval(decision),
            level=float(decision.level),
            p=float(decision.p),
            further=self.further,
            margin=float(estimand.margin.size),
            margins=tuple(map(str, estimand.margins)),
            flips_at=self.flips_at,
            number_line=self.number_line,
            notes=self.notes,
            unit=decision.unit.meaning,
            because=self.case.because,
            declared=digest(self.declaration),
            declaration=self.declaration,
            reason=str(decision.reason),
            lacks=lacking(decision.reason),
            compares=estimand.compares,
            seeds=self.seeds,
            compared_seeds=self.compared_seeds if self.compared_seeds != self.seeds else None,
            looks=self.looks,
            undertrained=tuple(note for curve in self.compared for note in undertrained(curve)),
            runs=tuple(sorted({cell.run for curve in self.curves for row in curve.cells for cell in row})),
            evidence=self.evidence,
            curves=tuple(map(plain_curve, self.curves)),
            instruments=self.soundness.instruments,
            equal_amount=self.matched.entry if self.matched else None,
            sound=self.strongest,
            readings=self.others,
            rerun=self.rerun,
        )
