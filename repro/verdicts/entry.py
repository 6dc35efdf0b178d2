"""What a report holds of a claim test: a verdict as data, written and read back as JSON. Free of torch.

The fields are those of ``report.json``. What an older report lacks has a default, and what a later one has beyond them
is passed over. Numbers that are not finite are None. Intervals are (low, high) on the scale of the entry's ``unit``.
"""

import json
from enum import StrEnum
from typing import Any, ClassVar, Final

import msgspec

from ..statistics.estimands import Compares, Outcome, Side
from ..statistics.reasons import Lack

Interval = tuple[float | None, float | None]
ERROR: Final = "error"  # the verdict, and the outcome, of a test that broke


class Standing(StrEnum):
    """Whose sentence a case decides."""

    PAPER = "paper"  # the paper says it of this task, or of all that it shows
    EXTENSION = "extension"  # the paper says it of other tasks, or not in these words: it is ours
    DETAIL = "detail"  # the part, of one task, of a sentence that the paper says of all that it shows


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """All seeds of a curve at one batch size.

    ``values``: of each seed, on the scale of the curve's unit, None where it has none; ``runs``: their keys. Shares and
    the median margin are means over the seeds, None where all diverged. ``undertrained`` and ``diverged`` count seeds.
    ``amount``: T.
    """

    batch_size: int
    values: tuple[float | None, ...]
    runs: tuple[str, ...] = ()
    train_accuracy: float | None = None
    steps: int = 0
    amount: float = 0.0
    median_margin: float | None = None
    saturated: float | None = None
    undertrained: int = 0
    diverged: int = 0
    theirs: float | None = None


class PlainCurve(msgspec.Struct, frozen=True, kw_only=True):
    """A curve as it was measured. ``chance``: the value of a network that guesses; ``images``: see ``Measured``."""

    task: str
    recipe: str
    measure: str
    label: str
    unit: str
    chance: float | None = None
    images: int | None = None
    theirs: str = ""  # where others' numbers stand
    points: tuple[Point, ...]


Curves = tuple[PlainCurve | str, ...]  # by its hash, where a report holds a curve once for all that speak of it


class NumberLine(msgspec.Struct, frozen=True, kw_only=True):
    """Where an estimate has to lie for its claim to hold, on the scale of a unit.

    ``critical``: the margin nearest to the declared one at which the outcome would be another, if there is one.
    """

    side: Side
    unit: str
    margin: float
    critical: float | None = None


class OtherReading(msgspec.Struct, frozen=True, kw_only=True):
    """What another reading of the same runs decides."""

    name: str
    says: str
    verdict: str
    outcome: Outcome
    shown: str
    lacks: Lack | None = None


class EqualAmount(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs decide at equal training amount; ``trained_less``: whether any had to be trained less for that."""

    amount: str
    verdict: str
    outcome: Outcome
    shown: str
    estimate: float | None = None
    interval: Interval = (None, None)
    trained_less: bool
    lacks: Lack | None = None
    notes: tuple[str, ...] = ()
    curves: Curves = ()


class Further(msgspec.Struct, frozen=True, kw_only=True):
    """The seeds that would probably decide a claim (None: no number up to the cap would), and their cost."""

    seeds: int | None
    seconds: float  # as measured on the runs that are there
    text: str
    level: float | None = None  # of the error that a next look decides at


class Instruments(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks of the instruments came to."""

    runs: int
    checks: int  # made, over all runs
    unchecked: tuple[str, ...]  # names of checks that lacked a number on some run
    doubtful: int = 0  # checks that show no instrument broken and a value that is too imprecise
    lambda1_sampling: float | None  # lambda1's largest standard error for the choice of images, as a share of it

    @property
    def came_to(self) -> str:
        """What the checks found, in words: an instrument that is broken would have left no verdict."""
        return f"{self.doubtful} in doubt and no instrument broken" if self.doubtful else "none failed"


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """Another declaration that the same claim and case was decided under, from the same store."""

    declared: str
    asked: str
    verdict: str
    regime: str
    date: str
    changes: tuple[str, ...] = ()  # between that declaration and the entry's own


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A look at a claim, in whichever session: with how many seeds, at which error, and whether that decided it.

    ``by_task``: the seeds of each of its tasks, where they are several.
    """

    seeds: int
    level: float
    decided: bool
    data: str  # a hash of the runs that it was at
    by_task: tuple[int, ...] = ()

    @property
    def by(self) -> tuple[int, ...]:
        """Its seeds by task, of one as of several."""
        return self.by_task or (self.seeds,)

    @property
    def size(self) -> int:
        """All its seeds, by which looks follow each other."""
        return sum(self.by)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A claim test with its verdict. ``family_wise`` is None until all verdicts of a session are there."""

    test: str = ""
    id: str
    case: str
    section: str = ""
    says: str = ""
    task: str  # or "all tasks"
    standing: Standing = Standing.PAPER
    figures: tuple[int, ...] = ()
    verdict: str
    outcome: Outcome
    effect: str = ""
    asked: str = ""
    shown: str
    estimate: float | None
    interval: Interval
    level: float | None = None
    p: float = 1.0
    further: Further | None = None
    margin: float | None = None  # the first of the margins, on the scale of the curve that it is declared for
    margins: tuple[str, ...] = ()  # all of them, in words
    flips_at: str = ""  # the margin at which the outcome would be another
    notes: tuple[str, ...] = ()
    number_line: NumberLine | None = None
    unit: str = ""
    because: str = ""
    declared: str
    declaration: dict[str, Any]
    reason: str = ""
    lacks: Lack | None = None  # what no further seed would bring
    compares: Compares | None = None
    seeds: int = 0  # of each of its tasks, at least
    compared_seeds: int | None = None  # the same of the tasks that it was decided on, where some were left out
    looks: tuple[Look, ...] = ()  # all that were made, the verdict's own last
    undertrained: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    evidence: str = ""
    curves: Curves = ()
    instruments: Instruments | None = None
    equal_amount: EqualAmount | None = None
    sound: OtherReading | None = None  # what the strongest of several attacks decides, where one is claimed of
    readings: tuple[OtherReading, ...] = ()
    rerun: str = ""
    declared_before: tuple[Before, ...] = ()
    family_wise: bool | None = None

    @property
    def claim(self) -> str:
        """The claim's id, under the name that it has in the entry of a test that broke."""
        return self.id

    @property
    def own(self) -> bool:
        """Whether the paper says it itself, of this task or of all."""
        return self.standing is Standing.PAPER

    @property
    def name(self) -> str:
        """What it is known by, wherever its file lies: the claim, its case and further parameters."""
        return name_of(self.id, self.case, self.test)

    @property
    def note(self) -> str:
        """What a line has to say if the store knows another declaration of the claim."""
        return " (declared differently before)" if self.declared_before else ""

    def turned_by(self, other: OtherReading | EqualAmount | None) -> bool:
        """Whether it comes to another outcome there; not where nothing was asked."""
        return other is not None and other.outcome is not self.outcome


class Broken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A test that has no verdict, for it broke; ``claim``, ``case`` and ``task`` are those of a claim test."""

    verdict: ClassVar[str] = ERROR
    outcome: ClassVar[str] = ERROR

    test: str
    claim: str = ""
    case: str = ""
    task: str = ""
    error: str

    @property
    def name(self) -> str:
        """What it is known by: of a claim test as that of a verdict, of another its id."""
        return name_of(self.claim, self.case, self.test) if self.claim else self.test

    @property
    def shown(self) -> str:
        """What stands where an estimate would."""
        return self.error


Told = Entry | Broken  # what a report says of a claim test


def name_of(claim: str, case: str, test: str) -> str:
    """The name of a claim test: its claim and case, with what parameters it has beyond them."""
    return f"{claim} [{case}] {further(test, case)}".rstrip()


def further(test: str, case: str) -> str:
    """The parameters that a claim test's id has beyond its case."""
    told = test.partition("[")[2].partition("]@")[0].removesuffix("]")  # xdist appends a group's name
    before, found, after = told.rpartition(case) if case else ("", "", told)
    return f"{before}{after}".strip("-") if found else told


def json_of(value: object, indent: int | None = None) -> str:
    """As the text of JSON. ValueError: a number in it is not finite."""
    return json.dumps(msgspec.to_builtins(value), indent=indent, allow_nan=False)
