"""A verdict: a case's decision in the words of its regime, with the evidence a reader needs to check it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..statistics.estimands import Decision, Outcome
from ..words import counted
from .claim import Case
from .curves import Measured
from .declaration import declaration, digest
from .further_seeds import MoreSeeds
from .soundness import Soundness
from .tables import number, shown, table, undertrained

# A verdict of the paper's claims is only spoken at the paper's scale; at any other a trend was seen or was not.
WORDS = {
    "paper": {Outcome.HOLDS: "reproduced", Outcome.FAILS: "not reproduced", Outcome.UNDECIDED: "inconclusive"},
    "reduced": {Outcome.HOLDS: "trend seen", Outcome.FAILS: "trend not seen", Outcome.UNDECIDED: "inconclusive"},
}


@dataclass(frozen=True)
class Other:
    """The same case decided under another reading of the same runs."""

    name: str
    says: str
    decision: Decision
    word: str

    def entry(self) -> dict[str, Any]:
        """As plain JSON for the report."""
        return {
            "name": self.name,
            "says": self.says,
            "verdict": self.word,
            "outcome": str(self.decision.outcome),
            "shown": shown(self.decision),
        }


@dataclass(frozen=True)
class Matched:
    """The same case decided on its curves at equal training amount; see ``equal_amount``."""

    amounts: tuple[float, ...]  # T of each curve
    curves: tuple[Measured, ...]
    decision: Decision
    word: str
    trained_less: bool  # whether any cell had to be cut short: without, all cells had come to the same T anyway

    @property
    def amount(self) -> str:
        """T in words; where several recipes are matched each within itself, the range of theirs."""
        low, high = min(self.amounts), max(self.amounts)
        return f"T = {low:g}" if low == high else f"T = {low:g} to {high:g}, equal within each recipe"

    @property
    def evidence(self) -> list[str]:
        """How it was decided, and the cells that were cut short for it."""
        if not self.trained_less:
            return [f"  at equal training amount ({self.amount}): the same, since every cell had come to that"]
        return [
            f"  at equal training amount ({self.amount}): {self.word}, {shown(self.decision)}",
            *(f"  {line}" for curve in self.curves for line in table(curve)),
        ]

    def entry(self) -> dict[str, Any]:
        """As plain JSON for the report."""
        return {
            "amount": self.amount,
            "verdict": self.word,
            "outcome": str(self.decision.outcome),
            "shown": shown(self.decision),
            "estimate": number(self.decision.estimate),
            "interval": [number(self.decision.low), number(self.decision.high)],
            "trained_less": self.trained_less,
        }


@dataclass(frozen=True)
class Verdict:
    """What a claim test asserts, prints and reports."""

    case: Case
    decision: Decision
    curves: tuple[Measured, ...]
    word: str
    rerun: str = ""
    others: tuple["Other", ...] = ()
    matched: "Matched | None" = None
    sound: Soundness | None = None
    further: MoreSeeds | None = None

    @property
    def reproduced(self) -> bool:
        """Whether the claim holds (in a reduced regime: whether its trend is seen)."""
        return self.decision.outcome is Outcome.HOLDS

    @property
    def inconclusive(self) -> bool:
        """Whether the data decide nothing."""
        return self.decision.outcome is Outcome.UNDECIDED

    @property
    def hopeless(self) -> bool:
        """Whether further seeds are not what it lacks: a claim without values, or one that waits for something."""
        return not np.isfinite(self.decision.estimate)

    @property
    def effect(self) -> str:
        """The estimate and its interval, for a line of a summary."""
        return shown(self.decision)

    @property
    def seeds(self) -> int:
        """How many seeds the decision rests on."""
        return len(self.curves[0].cells)

    @property
    def evidence(self) -> str:
        """The table the claim was decided on, and how."""
        claim, decision = self.case.claim, self.decision
        return "\n".join(
            [
                f"{self.word}: {claim.says}",
                f"  {self.case.id}; paper: section {claim.section}, {self._figures}",
                *(line for curve in self.curves for line in table(curve)),
                f"  {decision.effect}: {self.effect} ({self._certainty})",
                f"  asked for: {decision.asked} ({claim.because})",
                *([f"  {self.further.text}"] if self.further else ()),
                *(self.sound.evidence if self.sound else ()),
                *(self.matched.evidence if self.matched else ()),
            ]
        )

    @property
    def _certainty(self) -> str:
        return f"{100 * self.decision.level:.3g}% interval, {counted(self.seeds, 'seed')}"

    @property
    def _figures(self) -> str:
        numbers = self.case.figures
        return f"figure{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"

    def entry(self) -> dict[str, Any]:
        """The verdict as plain JSON for the report."""
        claim, decision, declared = self.case.claim, self.decision, declaration(self.case)
        return {
            "id": claim.id,
            "case": self.case.id,
            "section": claim.section,
            "says": claim.says,
            "task": str(self.case.task),
            "figures": self.case.figures,
            "verdict": self.word,
            "outcome": str(decision.outcome),
            "effect": decision.effect,
            "asked": decision.asked,
            "shown": self.effect,
            "estimate": number(decision.estimate),
            "interval": [number(decision.low), number(decision.high)],
            "level": decision.level,
            "p": decision.p,
            "further": self.further.entry() if self.further else None,
            "margin": claim.holds_if.margin.size,
            "unit": decision.unit.meaning,
            "because": claim.because,
            "declared": digest(declared),
            "declaration": declared,
            "reason": decision.reason,
            "seeds": self.seeds,
            "undertrained": [note for curve in self.curves for note in undertrained(curve)],
            "runs": sorted({cell.run for curve in self.curves for row in curve.cells for cell in row}),
            "evidence": self.evidence,
            "instruments": self.sound.entry() if self.sound else None,
            "equal_amount": self.matched.entry() if self.matched else None,
            "readings": [other.entry() for other in self.others],
            "rerun": self.rerun,
        }
