"""What was run, how that differs from the paper, and what it cost."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from ...experiment import precisions
from ...experiment.regimes import PAPER, Regime, Scale
from ...experiment.tasks import TASKS
from ...experiment.trained_as import SAYS
from ...runs.conditions import Conditions
from ...words import span
from ..bundle import Session
from .values import Measurements


@dataclass(frozen=True)
class Banner:
    """What has to be seen whatever part of the page is: a word, and the sentence that explains it."""

    word: str
    says: str


def banners(session: Session, regime: Regime) -> list[Banner]:
    """What limits the verdicts of a session of this regime."""
    found = [Banner("A reading of its own", f"{words}, in place of the first reading.") for words in regime.reads]
    if regime.reduced:
        found.append(Banner(f"{session.regime.name} regime", _reduced(regime)))
    if session.surrogate:
        texts = [data.text for data in session.data.values() if data.kind == "surrogate"]
        found.append(Banner("Surrogate data", "; ".join(texts)))
    for name in session.trained_as:
        found.append(Banner(f"Trained with {name}", f"{SAYS[name]}."))
    if session.precision != precisions.FLOAT32:
        found.append(Banner(f"Trained in {session.precision}", f"{precisions.SAYS[session.precision]}."))
    if session.partial:
        says = f"{'; '.join(session.partial)}. Nothing is said here of the other claims."
        found.append(Banner("A part of the claims", says))
    return found


def _reduced(regime: Regime) -> str:
    """In what its tasks are not studied at the paper's own scale, and which they are if not all."""
    apart = {name: scale.differs_from(PAPER.scale(TASKS[name])) for name, scale in regime.scales.items()}
    away = {name: fields for name, fields in apart.items() if fields}
    measured = all(fields == ("reading",) for fields in away.values())
    what = "measured otherwise than at the paper's scale" if measured else "reduced data and training"
    which = f" of {', '.join(away)}" if len(away) < len(apart) else ""
    return f"{what}{which}. It shows trends{which and ' there'}, and says nothing of the paper's scale."


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
    differs: tuple[str, ...]


def ran(conditions: Conditions, found: Measurements) -> list[Ran]:
    """The tasks of a session, in the paper's order."""
    tasks = dict.fromkeys(cell.first.task for cell in found.cells)
    return [_ran(name, conditions, found) for name in TASKS if name in tasks]


def _ran(name: str, conditions: Conditions, found: Measurements) -> Ran:
    task, scale = TASKS[name], conditions.regime.scale(TASKS[name])
    cells = [cell for cell in found.cells if cell.first.task == name]
    networks = [network for network in found.networks if network.task == name]
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
        learnt=sum(network.learnt for network in networks),
        differs=tuple(_differences(scale, PAPER.scale(task), scalable=task.network.scalable)),
    )


def _differences(scale: Scale, papers: Scale, *, scalable: bool) -> Iterable[str]:
    """In what a task's scale is another than the paper's, in words; the paper shows no number of seeds."""
    pairs: list[tuple[str, Any, Any]] = [
        ("epochs", scale.epochs, papers.epochs),
        ("training images", scale.train_images, papers.train_images),
        ("batch sizes", scale.batch_sizes, papers.batch_sizes),
        ("batch size at which LR and LR/BS are one", scale.anchor, papers.anchor),
        ("epochs of a schedule in one", scale.schedule_factor, papers.schedule_factor),
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
    networks = found.networks
    tasks = list(dict.fromkeys(network.task for network in networks))
    every: list[tuple[str, Collection[str]]] = [(task, [task]) for task in tasks]
    every += [("all", tasks)] if len(tasks) > 1 else []
    rows = [(name, [n for n in networks if n.task in of]) for name, of in every]
    return [
        Cost(name, len(of), span(sum(n.record.get("seconds") or 0.0 for n in of)), span(sum(n.measuring for n in of)))
        for name, of in rows
    ]
