"""The report as a Markdown page: verdicts first, then each claim with its evidence and figures, then the conditions."""

import re
from collections.abc import Sequence
from typing import Any

from ..experiment import precisions
from ..experiment.precisions import departure
from ..experiment.trained_as import SAYS, departures
from ..words import span
from . import hashes
from .drawing.captions import Picture
from .scorecard import Scorecard
from .together import in_words

Bundle = dict[str, Any]


def markdown(bundle: Bundle, card: Scorecard, pictures: Sequence[Picture]) -> str:
    """The page; pictures are linked by their file names, since they lie beside it."""
    parts = [
        _head(bundle),
        _scorecard(card),
        _verdicts(bundle),
        _errors(bundle),
        _equal_amount(bundle),
        _readings(bundle),
        _claims(bundle),
        _figures(pictures),
        _conditions(bundle),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(bundle: Bundle) -> str:
    session = bundle["session"]
    regime = session["regime"]["name"]
    lines = ["# On Adversarial Robustness of Small vs Large Batch Training: reproducibility report", ""]
    if session["regime"]["reduced"]:
        lines.append(
            f"**{regime} regime: reduced data and training. It shows trends, and says nothing of the paper's scale.**"
        )
    lines += [f"**Trained with {name}**: {SAYS[name]}." for name in session["trained_as"]]
    if departure(precision := session["precision"]):
        lines.append(f"**Trained in {precision}**: {precisions.SAYS[precision]}.")
    lines += [f"**{data['text']}**" for data in session["data"].values() if data["kind"] == "surrogate"]
    if session.get("partial"):
        lines.append(f"**A part of the claims** ({'; '.join(session['partial'])}): nothing is said here of the others.")
    counts: dict[str, int] = {}
    for claim in bundle["claims"]:
        counts[claim["verdict"]] = counts.get(claim["verdict"], 0) + 1
    counts |= {"error": len(bundle["errors"])} if bundle["errors"] else {}
    lines.append(f"{len(bundle['claims'])} verdicts: " + ", ".join(f"{n} {word}" for word, n in counts.items()) + ".")
    return "\n\n".join(lines[:1] + lines[2:])


def scale(bundle: Bundle) -> str:
    """The regime and, where it is not the published one, the data: what every heading must carry."""
    name = bundle["session"]["regime"]["name"]
    text = f"{name} regime (reduced)" if bundle["session"]["regime"]["reduced"] else "the paper's scale"
    text += departures(bundle["session"]["trained_as"]) + departure(bundle["session"]["precision"])
    surrogate = any(data["kind"] == "surrogate" for data in bundle["session"]["data"].values())
    return f"{text}, SURROGATE DATA" if surrogate else text


def _scorecard(card: Scorecard) -> str:
    rows = ["## Scorecard", "", f"| claim | {' | '.join(card.tasks)} |", "| --- " * (len(card.tasks) + 1) + "|"]
    rows += [f"| {row.name} | {' | '.join(row.words)} |" for row in card.rows]
    return "\n".join(rows)


def _verdicts(bundle: Bundle) -> str:
    rows = [
        "## Verdicts",
        "",
        f"{in_words(bundle['claims'])} p is the smallest error at which a verdict would hold.",
        "",
        "| claim | case | verdict | effect [interval] | margin | seeds | p | all together |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for claim in bundle["claims"]:
        note = (" (undertrained cells)" if claim["undertrained"] else "") + hashes.mark(claim)
        together = "holds" if claim["family_wise"] else ""
        rows.append(
            f"| {claim['id']} | {claim['case']} | **{claim['verdict']}**{note} | {claim['shown']} "
            f"| {hashes.asked(claim)} | {claim['seeds']} | {claim['p']:.2g} | {together} |"
        )
    return "\n".join(rows)


def _errors(bundle: Bundle) -> str:
    if not bundle["errors"]:
        return ""
    lines = [f"- {_code(error['test'])}: {error['error']}" for error in bundle["errors"]]
    return "\n".join(["## Errors", "", "They say nothing of the paper.", "", *lines])


def _equal_amount(bundle: Bundle) -> str:
    """Which verdicts say something else when batch sizes are compared at the same training amount."""
    found = [(claim, claim["equal_amount"]) for claim in bundle["claims"] if claim.get("equal_amount")]
    if not found:
        return ""
    cut = [(claim, other) for claim, other in found if other["trained_less"]]
    flips = [(claim, other) for claim, other in cut if other["outcome"] != claim["outcome"]]
    lines = [
        "## At equal training amount",
        "",
        "A larger batch takes fewer steps, so it may look different because it was trained less. Claims that compare",
        "batch sizes are decided once more on the same runs as they were when they had come to the same T, the sum of",
        "learning rate / (1 - momentum) over the steps.",
        "",
        f"{len(found)} claims compare batch sizes. The runs of {len(found) - len(cut)} had come to the same T anyway;",
        f"of the other {len(cut)}, {len(flips)} verdicts change.",
    ]
    if flips:
        lines += ["", "| claim | case | after all epochs | at equal T | T |", "| --- | --- | --- | --- | --- |"]
    for claim, other in flips:
        first, second = f"{claim['verdict']}, {claim['shown']}", f"{other['verdict']}, {other['shown']}"
        lines.append(f"| {claim['id']} | {claim['case']} | {first} | {second} | {other['amount']} |")
    return "\n".join(lines)


def _readings(bundle: Bundle) -> str:
    """Which verdicts another reading of the same trained runs would change."""
    read = [(claim, other) for claim in bundle["claims"] for other in claim.get("readings", ())]
    if not read:
        return ""
    says = {other["name"]: other["says"] for _, other in read}
    lines = ["## Other readings", "", "The same trained runs, measured otherwise where the paper leaves it open.", ""]
    for name, text in says.items():
        under = [(claim, other) for claim, other in read if other["name"] == name]
        flips = [(claim, other) for claim, other in under if other["outcome"] != claim["outcome"]]
        lines.append(f"**{name}** ({text}): {len(flips)} of {len(under)} verdicts change.")
        if flips:
            lines += ["", "| claim | case | first reading | under this reading |", "| --- | --- | --- | --- |"]
        for claim, other in flips:
            first, second = f"{claim['verdict']}, {claim['shown']}", f"{other['verdict']}, {other['shown']}"
            lines.append(f"| {claim['id']} | {claim['case']} | {first} | {second} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def _claims(bundle: Bundle) -> str:
    parts = ["## Evidence"]
    for claim in bundle["claims"]:
        figures = ", ".join(f"[figure {n}](fig{n:02d}.png)" for n in claim["figures"])
        before = f"{history}\n\n" if (history := hashes.history(claim)) else ""
        parts.append(
            f"### {claim['id']}: {claim['case']}\n\n{claim['says']} (Section {claim['section']}; {figures})\n\n"
            f"```text\n{claim['evidence']}\n```\n\n{before}Rerun: {_code(claim['rerun'])}"
        )
    return "\n\n".join(parts)


def _figures(pictures: Sequence[Picture]) -> str:
    parts = ["## Figures"]
    parts += [f"![Figure {p.number}]({p.path.name})\n\n*Figure {p.number}. {p.caption}*" for p in pictures]
    return "\n\n".join(parts) if pictures else ""


def _conditions(bundle: Bundle) -> str:
    session = bundle["session"]
    dirty = " with uncommitted changes" if session["dirty"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in session["versions"].items())
    hardware = session["hardware"]
    machine = f"{hardware['processor']}, {hardware['cores']} cores, {hardware['memory_gib']} GiB"
    lines = [
        "## Conditions",
        "",
        f"- command: {_code(session['command'])}, {span(session['seconds'])}",
        f"- commit: {session['commit'] or 'none'}{dirty}",
        f"- device: {session['device']}; {machine}",
        f"- versions: {versions}",
        *(f"- data: {data['text']}" for data in session["data"].values()),
        "",
        "What the paper leaves open, and how it is read here:",
        "",
        "| open | reading | why |",
        "| --- | --- | --- |",
        *(f"| {choice['open']} | {choice['reading']} | {choice['why']} |" for choice in bundle["choices"]),
    ]
    return "\n".join(lines)


def _code(text: str) -> str:
    """Text to be copied as it is, whatever backquotes it has."""
    marks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{marks} {text} {marks}" if len(marks) > 1 else f"`{text}`"
