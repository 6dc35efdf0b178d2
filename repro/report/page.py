"""The report as a Markdown page: verdicts first, then each claim with its evidence and figures, then the conditions."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ..experiment import precisions
from ..experiment.trained_as import SAYS
from ..verdicts.entry import PAPER, Broken, Entry, EqualAmount, OtherReading
from ..words import counted, span
from .bundle import Report, Session
from .choices import Choice
from .drawing.captions import Picture
from .scorecard import Scorecard
from .together import in_words

TITLE = "# On Adversarial Robustness of Small vs Large Batch Training: reproducibility report"
SOUNDLY = """\
The paper attacks by the gradient of cross-entropy, which vanishes where a network is sure of itself. Beside that, an
image counts as right under FGSM only if neither of its forms breaks it, on cross-entropy and on the margin form, and
under PGD only if none of the four does."""
AMOUNT = """\
A larger batch takes fewer steps, and a larger momentum makes each of them longer, so they may look different because
they were trained less or more. Claims that compare batch sizes or recipes are decided once more on the same runs as
they were when they had come to the same T, the sum of learning rate / (1 - momentum) over the steps; where the
learning rate decays, on trainings whose whole schedule was compressed to that T."""


def markdown(report: Report, card: Scorecard, pictures: Sequence[Picture]) -> str:
    """The page; pictures are linked by their file names, since they lie beside it."""
    rows = [(row.name, *row.words) for row in card.rows]
    parts = [
        [TITLE, *_limits(report.session), _counts(report)],
        ["## Scorecard", _table(["claim", *card.tasks], rows)],
        ["## Verdicts", f"{in_words(report.claims)} p is the smallest error at which a verdict would hold."],
        [_verdicts(report.claims)],
        _errors(report.errors),
        _soundly(report.claims),
        _equal_amount(report.claims),
        _readings(report.claims),
        ["## Evidence", *(_evidence(entry) for entry in report.claims)],
        ["## Figures", *(_figure(picture) for picture in pictures)] if pictures else [],
        ["## Conditions", _conditions(report.session), *_choices(report.choices)],
    ]
    return "\n\n".join(paragraph for part in parts for paragraph in part) + "\n"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *rows))


def _limits(session: Session) -> Iterable[str]:
    """What has to be known before any verdict is read."""
    if session.regime.reduced:
        what = "reduced data and training. It shows trends, and says nothing of the paper's scale."
        yield f"**{session.regime.name} regime: {what}**"
    for name in session.trained_as:
        yield f"**Trained with {name}**: {SAYS[name]}."
    if session.precision != precisions.FLOAT32:
        yield f"**Trained in {session.precision}**: {precisions.SAYS[session.precision]}."
    for data in session.data.values():
        if data.kind == "surrogate":
            yield f"**{data.text}**"
    if session.partial:
        yield f"**A part of the claims** ({'; '.join(session.partial)}): nothing is said here of the others."


def _counts(report: Report) -> str:
    """How many verdicts came to what: those on the paper's own sentences, and the others apart."""
    own = [entry for entry in report.claims if entry.standing == PAPER]
    others = [entry for entry in report.claims if entry.standing != PAPER]
    parts = [
        f"{counted(len(own), 'verdict')} on what the paper says: {_tally(own)}.",
        f"{counted(len(others), 'verdict')} beyond that, on other tasks or on one task's part of a sentence about all: "
        f"{_tally(others)}.",
        f"{counted(len(report.errors), 'test')} broke." if report.errors else "",
    ]
    return " ".join(part for part, there in zip(parts, (own, others, report.errors), strict=True) if there)


def _tally(entries: Iterable[Entry]) -> str:
    return ", ".join(f"{n} {word}" for word, n in Counter(entry.verdict for entry in entries).items())


def _verdicts(claims: Iterable[Entry]) -> str:
    rows = []
    for entry in claims:
        note = (" (undertrained cells)" if entry.undertrained else "") + entry.note
        asked, together = f"{entry.asked} `{entry.declared}`", "holds" if entry.family_wise else ""
        verdict = f"**{entry.verdict}**{note}"
        p = f"{entry.p:.2g}"
        rows.append((entry.id, entry.case, verdict, entry.shown, asked, str(entry.seeds), p, together))
    return _table(("claim", "case", "verdict", "effect [interval]", "margin", "seeds", "p", "all together"), rows)


def _errors(errors: Sequence[Broken]) -> list[str]:
    lines = [f"- {_code(error.test)}: {error.error}" for error in errors]
    return ["## Errors", "They say nothing of the paper.", "\n".join(lines)] if errors else []


def _both(entry: Entry, other: EqualAmount | OtherReading) -> tuple[str, ...]:
    return entry.id, entry.case, f"{entry.verdict}, {entry.shown}", f"{other.verdict}, {other.shown}"


def _equal_amount(claims: Iterable[Entry]) -> list[str]:
    """Which verdicts say something else when what is compared has the same training amount."""
    found = [(entry, entry.equal_amount) for entry in claims if entry.equal_amount]
    cut = [(entry, other) for entry, other in found if other.trained_less]
    flips = [(entry, other) for entry, other in cut if other.outcome is not entry.outcome]
    text = (
        f"{len(found)} claims compare batch sizes or recipes. The runs of {len(found) - len(cut)} had come to the\n"
        f"same T anyway; of the other {len(cut)}, {len(flips)} verdicts change."
    )
    rows = [(*_both(entry, other), other.amount) for entry, other in flips]
    table = [_table(("claim", "case", "after all epochs", "at equal T", "T"), rows)] if rows else []
    return ["## At equal training amount", AMOUNT, text, *table] if found else []


def _soundly(claims: Iterable[Entry]) -> list[str]:
    """Which verdicts on robustness are another one by an attack that saturation does not blind."""
    found = [(entry, entry.sound) for entry in claims if entry.sound]
    rows = [_both(entry, sound) for entry, sound in found if sound.outcome is not entry.outcome]
    if not found:
        return []
    text = f"{counted(len(found), 'claim')} on robustness: {counted(len(rows), 'verdict')} would be another one."
    table = [_table(("claim", "case", "as the paper measures", "by the strongest attack"), rows)] if rows else []
    return ["## By a sound attack", f"{SOUNDLY} {text}", *table]


def _readings(claims: Iterable[Entry]) -> list[str]:
    """Which verdicts another reading of the same trained runs would change."""
    read = [(entry, other) for entry in claims for other in entry.readings]
    parts = ["## Other readings", "The same trained runs, measured otherwise where the paper leaves it open."]
    for name, says in {other.name: other.says for _, other in read}.items():
        under = [(entry, other) for entry, other in read if other.name == name]
        rows = [_both(entry, other) for entry, other in under if other.outcome is not entry.outcome]
        parts.append(f"**{name}** ({says}): {len(rows)} of {len(under)} verdicts change.")
        parts += [_table(("claim", "case", "first reading", "under this reading"), rows)] if rows else []
    return parts if read else []


def _evidence(entry: Entry) -> str:
    figures = ", ".join(f"[figure {n}](fig{n:02d}.png)" for n in entry.figures)
    parts = [
        f"### {entry.id}: {entry.case}",
        f"{entry.says} (Section {entry.section}; {figures})",
        f"```text\n{entry.evidence}\n```",
        *_declared_before(entry),
        f"Rerun: {_code(entry.rerun)}",
    ]
    return "\n\n".join(parts)


def _declared_before(entry: Entry) -> list[str]:
    """Every other declaration that the claim was decided under from the same store."""
    lines = [
        f"- `{old.declared}`, {old.asked}: {old.verdict} on {old.date[:10]} ({old.regime} regime); "
        f"changed since: {'; '.join(old.changes)}"
        for old in entry.declared_before
    ]
    head = f"**Declared differently before** (now `{entry.declared}`), with results of the same store at hand:"
    return [head, "\n".join(lines)] if lines else []


def _figure(picture: Picture) -> str:
    return f"![Figure {picture.number}]({picture.path.name})\n\n*Figure {picture.number}. {picture.caption}*"


def _conditions(session: Session) -> str:
    machine = session.hardware
    versions = ", ".join(f"{name} {version}" for name, version in session.versions.items())
    lines = [
        f"- command: {_code(session.command)}, {span(session.seconds)}",
        f"- commit: {session.commit or 'none'}{' with uncommitted changes' if session.dirty else ''}",
        f"- device: {session.device}; {machine.processor}, {machine.cores} cores, {machine.memory_gib} GiB",
        *([f"- trained on mixed hardware: {'; '.join(session.trained_on)}"] if session.trained_on else []),
        f"- versions: {versions}",
        *(f"- data: {data.text}" for data in session.data.values()),
    ]
    return "\n".join(lines)


def _choices(found: Iterable[Choice]) -> list[str]:
    rows = [(choice.open, choice.reading, choice.why) for choice in found]
    return ["What the paper leaves open, and how it is read here:", _table(("open", "reading", "why"), rows)]


def _code(text: str) -> str:
    """Text to be copied as it is, whatever backquotes it has."""
    marks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{marks} {text} {marks}" if len(marks) > 1 else f"`{text}`"
