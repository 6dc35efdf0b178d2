"""What was run, how that differs from the paper, when it was made and what it cost."""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup

from ...experiment import precisions
from ...experiment.regimes import PAPER, Scale
from ...experiment.tasks import TASKS
from ...experiment.trained_as import SAYS
from ...files.text import read_text
from ...runs.conditions import Conditions
from ...words import counted, span
from ..bundle import Session
from ..text import safe
from .values import Measurements

LANE, WIDE, NAMES = 22, 960, 70  # of the timeline: height of a process, width, and room for names
MOST: Final = 4000  # runs that are drawn on it


@dataclass(frozen=True)
class Banner:
    """What has to be seen whatever part of the page is: a word, and the sentence that explains it."""

    word: str
    says: str


def banners(session: Session) -> list[Banner]:
    """What limits a session's verdicts."""
    found = []
    if session.regime.reduced:
        says = "reduced data and training. It shows trends, and says nothing of the paper's scale."
        found.append(Banner(f"{session.regime.name} regime", says))
    for data in session.data.values():
        if data.kind == "surrogate":
            found.append(Banner("surrogate data", data.text))
    for name in session.trained_as:
        found.append(Banner(f"trained with {name}", f"{SAYS[name]}."))
    if session.precision != precisions.FLOAT32:
        found.append(Banner(f"trained in {session.precision}", f"{precisions.SAYS[session.precision]}."))
    if session.partial:
        says = f"{'; '.join(session.partial)}. Nothing is said here of the other claims."
        found.append(Banner("a part of the claims", says))
    return found


@dataclass(frozen=True)
class Ran:
    """A task as it was studied."""

    task: str
    data: str
    images: str
    epochs: int
    batch_sizes: str
    seeds: str
    recipes: str
    networks: int
    learnt: int
    epsilon: str
    differs: tuple[str, ...]


def ran(conditions: Conditions, found: Measurements) -> list[Ran]:
    """The tasks of a session, in the paper's order."""
    tasks = dict.fromkeys(cell.first.task for cell in found.cells)
    return [_ran(name, conditions, found) for name in TASKS if name in tasks]


def _ran(name: str, conditions: Conditions, found: Measurements) -> Ran:
    task, scale = TASKS[name], conditions.regime.scale(TASKS[name])
    cells = [cell for cell in found.cells if cell.first.task == name]
    networks = {network.run: network for cell in cells for network in cell.networks}
    seeds = sorted({len(cell.networks) for cell in cells})
    return Ran(
        task=name,
        data=conditions.sources[task.dataset.name].kind,
        images="all" if scale.train_images is None else f"{scale.train_images:,}",
        epochs=scale.epochs,
        batch_sizes=", ".join(map(str, scale.batch_sizes)),
        seeds=" to ".join(map(str, dict.fromkeys((seeds[0], seeds[-1])))),
        recipes=", ".join(dict.fromkeys(cell.first.recipe for cell in cells)),
        networks=len(networks),
        learnt=sum(network.learnt for network in networks.values()),
        epsilon=task.dataset.epsilon_text,
        differs=tuple(_differences(scale, PAPER.scale(task), scalable=task.network.scalable)),
    )


def _differences(scale: Scale, papers: Scale, *, scalable: bool) -> Iterable[str]:
    """In what a task's scale is another than the paper's, in words; the paper shows no number of seeds."""
    pairs: list[tuple[str, Any, Any]] = [
        ("epochs", scale.epochs, papers.epochs),
        ("training images", scale.train_images, papers.train_images),
        ("batch sizes", scale.batch_sizes, papers.batch_sizes),
        ("batch size at which LR and LR/BS are one", scale.anchor, papers.anchor),
        ("test images", scale.reading.test_images, papers.reading.test_images),
        ("attacked images", scale.reading.attacked_images, papers.reading.attacked_images),
        ("steps of PGD", scale.reading.pgd_steps, papers.reading.pgd_steps),
        ("images of lambda1", scale.reading.hessian_images, papers.reading.hessian_images),
        *([("width", scale.width, papers.width)] if scalable else []),
    ]
    return (f"{name}: {_plain(one)} instead of {_plain(other)}" for name, one, other in pairs if one != other)


def _plain(value: Any) -> str:
    if value is None:
        return "all"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else f"{value:,}"


@dataclass(frozen=True)
class Cost:
    """What a task's networks took, of all sessions that made them."""

    task: str
    networks: int
    training: str
    measuring: str


def costs(found: Measurements) -> list[Cost]:
    """The cost of each task, and of all."""
    networks = list(found.networks)
    tasks = list(dict.fromkeys(network.task for network in networks))
    every: list[tuple[str, Collection[str]]] = [(task, [task]) for task in tasks]
    every += [("all", tasks)] if len(tasks) > 1 else []
    rows = [(name, [n for n in networks if n.task in of]) for name, of in every]
    return [
        Cost(name, len(of), span(sum(n.seconds for n in of)), span(sum(n.measuring for n in of))) for name, of in rows
    ]


@dataclass(frozen=True)
class Timeline:
    """Which process made which run when, of the session that last made any."""

    svg: Markup
    says: str


def timeline(path: Path) -> Timeline | None:
    """The timeline of a file that a session left; None where there is none, or nothing on it."""
    try:
        events = [json.loads(line) for line in read_text(path).splitlines()]
        made = _made(events)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return _drawn(made) if made else None


def _made(events: Sequence[dict[str, Any]]) -> list[tuple[str, str, float, float]]:
    """Process, name, begin and end of everything that was begun and ended."""
    begun: dict[tuple[str, str], dict[str, Any]] = {}
    made = []
    for event in events:
        key = event["worker"], event["name"]
        if event["event"] == "begin":
            begun[key] = event
        elif event["event"] == "end" and key in begun:
            made.append((*key, float(begun.pop(key)["time"]), float(event["time"])))
    return made


def _drawn(made: Sequence[tuple[str, str, float, float]]) -> Timeline:
    lanes = sorted({worker for worker, *_ in made}, key=lambda name: (len(name), name))
    start, end = min(m[2] for m in made), max(m[3] for m in made)
    wide = (WIDE - NAMES) / ((end - start) or 1.0)
    parts = [f'<text x="0" y="{LANE * i + 15}">{safe(lane)}</text>' for i, lane in enumerate(lanes)]
    for worker, name, begin, stop in made[:MOST]:
        x, y, width = NAMES + (begin - start) * wide, LANE * lanes.index(worker) + 3, max((stop - begin) * wide, 0.6)
        title = f"<title>{safe(name)}, {span(stop - begin)}</title>"
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{LANE - 6}">{title}</rect>')
    busy = sum(stop - begin for *_, begin, stop in made)
    says = (
        f"{counted(len(made), 'measurement')} made by {counted(len(lanes), 'process').replace('processs', 'processes')}"
    )
    says += f" in {span(end - start)}, busy for {busy / ((end - start) * len(lanes) or 1.0):.0%} of that"
    head = f'<svg class="timeline" viewBox="0 0 {WIDE} {LANE * len(lanes)}" role="img" aria-label="{safe(says)}">'
    return Timeline(Markup(head + "".join(parts) + "</svg>"), says)
