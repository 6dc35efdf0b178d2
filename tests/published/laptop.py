"""What the laptop regime decided: tables by task and by sentence for docs/findings.md, a paragraph for the README."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from repro.experiment.papers import THIS
from repro.experiment.readings import PIXELS, SOUND_PIXELS
from repro.experiment.regimes import GRID, Scale
from repro.experiment.tasks import ALL_TASKS, TASKS
from repro.report.bundle import Loaded, load
from repro.report.page.answer import answer
from repro.report.page.ways import way
from repro.statistics.estimands import DECIDED, Outcome
from repro.verdicts.entry import Entry, OtherReading, Standing
from repro.words import listed

from .findings import ROOT, by_sentence, equal_amount, estimate
from .tables import table

LAPTOP: Final = ROOT / "artifacts" / "published-laptop"
PAGE: Final = "artifacts/published-laptop/report.html"
WORDS: Final = {  # in the order in which they are told
    Outcome.HOLDS: "seen",
    Outcome.FAILS: "not seen",
    Outcome.UNDECIDED: "inconclusive",
    Outcome.NOT_LEARNT: "not learnt",
}
SHORT: Final = {
    frozenset({Outcome.HOLDS}): "**Seen wherever it is decided**",
    frozenset({Outcome.FAILS}): "**Not seen wherever it is decided**",
    frozenset(DECIDED): "**Seen in some of its tests, not in others**",
    frozenset[Outcome](): "**Decided nowhere**",
}
OTHERS: Final = {  # the same of what is not decided, as a sentence has them
    Outcome.UNDECIDED: "are inconclusive",
    Outcome.NOT_LEARNT: "were asked of networks that have not learnt",
}
NOT_SEEN: Final = ("what the paper says", "on", "estimate", "in which way not", "at equal training amount")
SCALE: Final = ("task", "training images", "epochs", "batch sizes", "seeds", "least training accuracy", "decided")
FALLING: Final = "benchmark-robustness-drops"  # the claim that adversarial accuracy falls under Benchmark


def laptop() -> Loaded:
    """The published report of the laptop regime."""
    return load(LAPTOP)


def paragraph(loaded: Loaded) -> str:
    """What the README says of it."""
    found = loaded.report
    own = [entry for entry in found.claims if entry.own]
    there = {entry.task for entry in found.claims}
    tasks = [name for name in TASKS if name in there]
    of = "" if len(tasks) == len(TASKS) else f" of {listed(tasks)}"
    central, *_ = answer(found.claims).sentences
    central = f"{central} {in_pixels(found.claims)}"
    return (
        f"With less training, on a laptop ([`--regime laptop`]({PAGE})), {_decided(found.claims)} tests{of} are "
        f"decided, on networks that have learnt: {_parts(found.claims)}. Of the tests of what the paper says itself "
        f"{_decided(own)} are decided: {_parts(own)}. Trends are seen there, and nothing is called reproduced. "
        f"{central} {caution(loaded)}"
    )


def caution(loaded: Loaded) -> str:
    """Why a level is kept more easily there than at the paper's scale, and how often another recipe keeps it, too."""
    found = loaded.report.claims
    scales = [loaded.conditions.regime.scale(TASKS[name]) for name in {*TASKS} & {entry.task for entry in found}]
    apart = sorted({max(scale.batch_sizes) // min(scale.batch_sizes) for scale in scales})
    asked = [entry for entry in found if entry.id == FALLING and entry.outcome is not Outcome.NOT_LEARNT]
    kept = sum(entry.outcome is Outcome.FAILS for entry in asked)
    return (
        f"A level is kept more easily there than in the paper: the largest batch is {' or '.join(map(str, apart))} "
        f"times the smallest, and not {max(GRID) // min(GRID)} times. Under Benchmark, too, adversarial accuracy is "
        f"shown not to fall by as much as the margin in {kept} of the {len(asked)} tests on networks that have learnt."
    )


def in_pixels(entries: Iterable[Entry]) -> str:
    """How the tests of the central claim that hold come out with epsilon as a share of a pixel's range."""
    holding = [entry for entry in entries if (entry.id, entry.outcome) == (THIS.central, Outcome.HOLDS)]
    read = _read(holding, PIXELS)
    kept, undecided = (sum(other.outcome is said for other in read) for said in (Outcome.HOLDS, Outcome.UNDECIDED))
    strongest = sum(other.outcome is Outcome.HOLDS for other in _read(holding, SOUND_PIXELS))
    return (
        f"Of the central claim's tests that hold, {len(read)} are on grey images: with epsilon as a share of a pixel's "
        f"range, as Section 1 has it, {kept} of these hold and {undecided} are inconclusive, for it leaves most "
        f"networks nothing; by the strongest attack {strongest} of them {'holds' if strongest == 1 else 'hold'}."
    )


def _read(entries: Iterable[Entry], name: str) -> list[OtherReading]:
    return [other for entry in entries for other in entry.readings if other.name == name]


def section(loaded: Loaded) -> dict[str, Any]:
    """What docs/findings.md says of it."""
    entries = loaded.report.claims
    tasks = {entry.task for entry in entries}
    lacking = [name for name in loaded.conditions.regime.scales if name not in tasks]
    return {
        "decided": sum(entry.outcome in DECIDED for entry in entries),
        "tests": len(entries),
        "lacking": f"; {', '.join(lacking)} have not been run there yet" if lacking else "",
        "by_task": by_task(loaded),
        "in_full": in_full(entries),
        "in_short": in_short(entries),
        "not_seen": not_seen(entries),
        "caution": caution(loaded),
        "in_pixels": in_pixels(entries),
    }


def by_task(loaded: Loaded) -> str:
    """A row for each task: at what scale it was studied, and how many of its tests that decided."""
    rows = []
    for task in TASKS.values():
        if entries := [entry for entry in loaded.report.claims if entry.task == str(task)]:
            rows.append(_task(str(task), loaded.conditions.regime.scale(task), entries))
    return table(SCALE, rows)


def in_short(entries: Sequence[Entry]) -> str:
    """What is seen wherever it is decided, what nowhere, and what here and not there: a line for each sentence.

    Of what the paper says itself: other tasks neither confirm nor refute a sentence about its own.
    """
    lines: dict[frozenset[Outcome], list[str]] = {outcomes: [] for outcomes in SHORT}
    for says, told in by_sentence(entries).items():
        if own := [entry for entry in told if entry.own]:
            parts = _told(entry for entry in told if entry.standing is Standing.DETAIL)
            by_task = f" [by task {parts}]" if parts else ""
            lines[frozenset(entry.outcome for entry in own) & set(DECIDED)].append(f"- {says} ({_told(own)}){by_task}")
    return "\n\n".join("\n".join((f"{head}:", "", *lines[key])) for key, head in SHORT.items() if lines[key])


def in_full(entries: Iterable[Entry]) -> str:
    """A row for each sentence, a column for each task: how many of its tests came to what."""
    entries = [*entries]
    there = {entry.task for entry in entries}
    tasks = [name for name in (*TASKS, ALL_TASKS) if name in there]
    rows = [
        (says, *(_cell([entry for entry in told if entry.task == task]) for task in tasks))
        for says, told in by_sentence(entries).items()
    ]
    return table(("what the paper says", *tasks), rows)


def not_seen(entries: Iterable[Entry]) -> str:
    """A row for each test of what the paper says itself that came to "not seen"."""
    own = (entry for entry in entries if entry.own and entry.outcome is Outcome.FAILS)
    return table(NOT_SEEN, ((one.says, one.case, estimate(one), way(one), equal_amount(one)) for one in own))


def _task(name: str, scale: Scale, entries: Sequence[Entry]) -> tuple[str, ...]:
    accuracies = [
        point.train_accuracy
        for entry in entries
        for curve in entry.curves
        if not isinstance(curve, str)
        for point in curve.points
        if point.train_accuracy is not None
    ]
    sizes = " and ".join(map(str, scale.batch_sizes))
    least = f"{100 * min(accuracies):.0f}%"
    return name, f"{scale.train_images:,}", str(scale.epochs), sizes, str(scale.seeds), least, _decided(entries)


def _cell(entries: Sequence[Entry]) -> str:
    """In brackets where the paper says it of other tasks alone, as everywhere."""
    told = _told(entries)
    return told if not told or any(entry.own for entry in entries) else f"[{told}]"


def _told(entries: Iterable[Entry]) -> str:
    found = Counter(entry.outcome for entry in entries)
    return ", ".join(f"{found[outcome]} {word}" for outcome, word in WORDS.items() if found[outcome])


def _parts(entries: Sequence[Entry]) -> str:
    """What the decided ones came to, and then the others."""
    others = [entry for entry in entries if entry.outcome not in DECIDED]
    found = Counter(entry.outcome for entry in others)
    rest = [f"{found[outcome]} {words}" for outcome, words in OTHERS.items() if found[outcome]]
    told = _told(entry for entry in entries if entry.outcome in DECIDED).replace(",", " and")
    return "; ".join(filter(None, (told, " and ".join(rest))))


def _decided(entries: Sequence[Entry]) -> str:
    return f"{sum(entry.outcome in DECIDED for entry in entries)} of {len(entries)}"
