"""docs/findings.md, made from the published report: every number in it comes from there or from the published runs.

Its words stand in ``findings.md.j2``; what they call is here.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import jinja2

from repro.experiment.devices import CUDA, device_of
from repro.experiment.readings import PIXELS, SOUND_PIXELS, TEST_LOSS
from repro.experiment.recipes import LR, LR_BS, Recipe
from repro.experiment.tasks import STDCNN_FASHION, STDCNN_MNIST, Task
from repro.report.bundle import Report, load
from repro.runs.store import Store
from repro.statistics.estimands import Outcome
from repro.statistics.reasons import Lack
from repro.verdicts.entry import Entry
from repro.verdicts.equal_training import smallest

from . import elsewhere, laptop, remaining
from .findings import FLOOR, PUBLISHED, ROOT, equal_amount, estimate, levels, report
from .tables import table
from .values import Cell, Line, in_pixels, line_of, lines, undertrained

DOCUMENT: Final = ROOT / "docs" / "findings.md"
HEAD: Final = (
    "case",
    "as the paper measures",
    "by the strongest attack",
    "epsilon in pixels",
    "the same by the strongest attack",
    "lambda1 of the test loss",
    "at equal training amount",
)
NOT_RUN: Final = ("task", "runs", "of these behind a verdict", "days of one core for the rest")
COLUMNS: Final = {
    "train loss": "train_loss",
    "train": "train_accuracy",
    "test": "test_accuracy",
    "FGSM": "fgsm_accuracy",
    "FGSM, strongest": "fgsm_sound_accuracy",
    "PGD": "pgd_accuracy",
    "PGD, strongest": "pgd_sound_accuracy",
    "saturated": "saturated",
}
LEFT: Final = {name: field for name, field in COLUMNS.items() if name not in ("train loss", "train", "test")}


def document() -> str:
    """The text of docs/findings.md."""
    return _rendered("findings.md.j2")


def answer() -> str:
    """What the README says of it, in words."""
    return _rendered("answer.md.j2").strip()


def _rendered(template: str) -> str:
    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=folder, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return environment.get_template(template).render(_words() | _values_of(report()))


def _words() -> dict[str, Any]:
    """What a template calls."""
    return {
        "table": _verdicts,
        "values": _values,
        "reading": _reading,
        "named": lambda entries: {entry.case.partition(f"{entry.task}-")[2]: entry for entry in entries},
        "said": _said,
        "said_equal": _said_equal,
        "said_sound": _said_sound,
        "said_otherwise": _said_otherwise,
        "if_so": _if_so,
        "not_sure": lambda entries: all(entry.family_wise is False for entry in entries),
        "estimate": estimate,
        "ceilings": _ceilings,
        "in_pixels": _in_pixels,
        "percent": "{:.1%}".format,
        "points": lambda share: f"{100 * share:.1f}",
    }


def _values_of(found: Report) -> dict[str, Any]:
    """What a template speaks of."""
    measured = {f"{line.task} {line.recipe}": line for line in lines(found)}
    behind, pixels = {run for entry in found.claims for run in entry.runs}, in_pixels(measured.values())
    return {
        "tests": len(found.claims),
        "both": _by_claim(found.claims),
        "claims": _by_claim(entry for entry in found.claims if entry.task == str(STDCNN_FASHION)),
        "mnist": _by_claim(entry for entry in found.claims if entry.task == str(STDCNN_MNIST)),
        "lines": measured,
        "pixels": {f"{line.task} {line.recipe}": line for line in pixels},
        "most_by_strongest": max(
            line.highest(field)
            for line in pixels
            for field in ("fgsm_sound_accuracy", "pgd_sound_accuracy")
            if line.task == STDCNN_FASHION
        ),
        "stopped": _stopped(STDCNN_FASHION, LR()),
        "mnist_stopped": _stopped(STDCNN_MNIST, LR()),
        "ratio_stopped": _stopped(STDCNN_FASHION, LR_BS()).ends[1],
        "undertrained": undertrained(measured.values()),
        "levels": levels(found),
        "floor": FLOOR,
        "laptop": laptop.section(laptop.laptop()),
        "elsewhere": elsewhere.section(STDCNN_MNIST),
        "not_run": table(NOT_RUN, remaining.rows(behind, found.session.device)),
        **_run(found, measured),
    }


def _run(found: Report, measured: Mapping[str, Line]) -> dict[str, Any]:
    tasks = list(dict.fromkeys(str(line.task) for line in measured.values()))
    seeds = sorted({len(cell.seeds) for line in measured.values() for cell in line.cells.values()})
    on_gpu = [task for task in tasks if device_of(found.session.device, task) == CUDA]
    runs = len({run for entry in found.claims for run in entry.runs})
    strongest = [other for entry in found.claims for other in entry.readings if other.name == SOUND_PIXELS]
    return {
        "tasks": tasks,
        "seeds": seeds,
        "runs": runs,
        "on_gpu": on_gpu,
        "asked_in_pixels": len(strongest),
        "undecided_in_pixels": sum(other.outcome is Outcome.UNDECIDED for other in strongest),
        "roomless_in_pixels": sum(other.lacks is Lack.ROOM_BELOW for other in strongest),
    }


def _stopped(task: Task, recipe: Recipe) -> Line:
    """The largest batch size of a recipe, and of LR every one, stopped at the T of LR's least trained batch size."""
    conditions, store = load(PUBLISHED).conditions, Store(PUBLISHED / "store")
    whole = line_of(task, LR(), conditions, store)
    least = smallest(cell.amount for cell in whole.cells.values())
    return line_of(task, recipe, conditions, store, sizes=() if recipe == LR() else (max(whole.cells),), amount=least)


def _by_claim(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    claims: dict[str, list[Entry]] = {}
    for entry in entries:
        claims.setdefault(entry.id, []).append(entry)
    return claims


def _verdicts(entries: Iterable[Entry]) -> str:
    """A row for each case of a claim: what it is as the paper measures, and what it is otherwise."""
    return table(HEAD, map(_verdict, entries))


def _verdict(entry: Entry) -> list[str]:
    read = {other.name: other for other in entry.readings}
    others = (entry.sound, *map(read.get, (PIXELS, SOUND_PIXELS, TEST_LOSS)))
    told = [f"{other.verdict}, {estimate(other)}" if other else "" for other in others]
    equal = equal_amount(entry) if entry.equal_amount else ""
    return [entry.case.replace("-over-", "/"), f"**{entry.verdict}**, {estimate(entry)}", *told, equal]


def _values(line: Line) -> str:
    """A row for each batch size: means over the seeds, and their standard deviations."""
    head = ("batch size", "learning rate", "T", *COLUMNS, "lambda1", "its ceiling")
    return table(head, (_cell(size, cell) for size, cell in line.cells.items()))


def _cell(size: int, cell: Cell) -> list[str]:
    loss, *shares = COLUMNS.values()
    told = [f"{cell.mean(loss):.3f} ± {cell.spread(loss):.3f}"]
    told += [f"{100 * cell.mean(name):.1f}% ± {100 * cell.spread(name):.1f}" for name in shares]
    top = f"{cell.mean('lambda1'):.1f} ± {cell.spread('lambda1'):.1f}"
    return [str(size), f"{cell.learning_rate:g}", f"{cell.amount:.3g}", *told, top, f"{cell.ceiling:g}"]


def _ceilings(named: Mapping[str, Line]) -> str:
    """How near lambda1 is to its ceiling, as a share of it, by batch size."""
    rows = [
        [f"lambda1 / ceiling, {name}", *(f"{cell.mean('lambda1') / cell.ceiling:.2f}" for cell in line.cells.values())]
        for name, line in named.items()
    ]
    return table(["batch size", *map(str, next(iter(named.values())).cells)], rows)


def _in_pixels(measured: Mapping[str, Line]) -> str:
    """A row for each line: what attacks leave at the smallest and at the largest batch size."""
    rows = [
        [name, *(f"{line.ends[0].mean(field):.1%}, {line.ends[1].mean(field):.1%}" for field in LEFT.values())]
        for name, line in measured.items()
    ]
    return table(["at the smallest and largest batch size", *LEFT], rows)


def _if_so(so: bool, words: str) -> str:
    """Words that are so. ValueError: they are not, by now."""
    if not so:
        raise ValueError(f"it is not so any more: {words}")
    return words


def _reading(entry: Entry, name: str) -> str:
    (other,) = (other for other in entry.readings if other.name == name)
    return f"{other.shown} ({other.verdict})"


def _said(entries: Iterable[Entry], verdict: str) -> str:
    """A verdict, for a sentence that speaks of some entries so. ValueError: one of them has another by now."""
    return _all({entry.name: entry.verdict for entry in entries}, verdict)


def _said_equal(entries: Iterable[Entry], verdict: str) -> str:
    """The same of what they come to at equal training amount."""
    return _all({entry.name: entry.equal_amount.verdict for entry in entries if entry.equal_amount}, verdict)


def _said_sound(entries: Iterable[Entry], verdict: str) -> str:
    """The same of what they come to by the strongest attack."""
    return _all({entry.name: entry.sound.verdict for entry in entries if entry.sound}, verdict)


def _said_otherwise(entries: Iterable[Entry], reading: str, verdict: str) -> str:
    """The same of what they come to under another reading."""
    return _all({f"{e.name}, {o.name}": o.verdict for e in entries for o in e.readings if o.name == reading}, verdict)


def _all(verdicts: Mapping[str, str], verdict: str) -> str:
    if not verdicts:
        raise ValueError(f"a sentence calls {verdict} what there is nothing of")
    for name, found in verdicts.items():
        if found != verdict:
            raise ValueError(f"{name} is {found}, and a sentence calls it {verdict}")
    return verdict
