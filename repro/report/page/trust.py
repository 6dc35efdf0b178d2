"""What speaks against relying on a verdict, and how verdicts are counted."""

from collections.abc import Collection
from dataclasses import dataclass

from ...experiment.regimes import TRAINED
from ...statistics.estimands import DECIDED, Outcome
from ...verdicts.entry import Entry

UNLEARNT = (
    f"networks below {TRAINED:.0%} of their training data"  # at the paper's scale alone: elsewhere these decide nothing
)
UNEQUAL = "another verdict at equal training"
ATTACK = "another verdict by the strongest attack"
ALONE = "not sure enough among so many"


def doubts(entry: Entry) -> list[str]:
    """Why a decided verdict should not be relied on, in words; none where nothing speaks against it."""
    found = {
        UNLEARNT: bool(entry.undertrained),
        UNEQUAL: entry.turned_by(entry.equal_amount),
        ATTACK: entry.turned_by(entry.sound),
        ALONE: entry.outcome is Outcome.HOLDS and entry.family_wise is False,
    }
    return [words for words, there in found.items() if there]


@dataclass(frozen=True)
class Tally:
    """How many verdicts came to what; ``sure``: how many of those that hold or fail have nothing against them.

    ``broke``: how many tests have no verdict, since they broke.
    """

    holds: int
    fails: int
    undecided: int
    unlearnt: int
    sure: int
    broke: int = 0

    @property
    def all(self) -> int:
        """All tests."""
        return self.holds + self.fails + self.undecided + self.unlearnt + self.broke

    @property
    def short(self) -> str:
        """How many hold and fail, of how many, for a cell of a table; empty where there are none."""
        return f"{self.holds} hold, {self.fails} fail of {self.all}" if self.all else ""


def tally(entries: Collection[Entry], broke: int = 0) -> Tally:
    """Count verdicts, and tests that ``broke``."""
    outcomes = [entry.outcome for entry in entries]
    sure = [entry.outcome for entry in entries if entry.outcome in DECIDED and not doubts(entry)]
    return Tally(
        holds=outcomes.count(Outcome.HOLDS),
        fails=outcomes.count(Outcome.FAILS),
        undecided=outcomes.count(Outcome.UNDECIDED),
        unlearnt=outcomes.count(Outcome.NOT_LEARNT),
        sure=len(sure),
        broke=broke,
    )
