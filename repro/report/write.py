"""Puts the parts of a report together and writes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..files.text import write_text
from ..runs.conditions import Conditions
from ..runs.hardware import hardware
from ..runs.store import Store
from ..verdicts.entry import Broken, Entry, json_of
from ..verdicts.figures import FIGURES
from . import page, provenance, stores
from .bundle import NAME, Machine, Report, session_of, told_once
from .choices import choices
from .drawing.captions import scale_words
from .drawing.pictures import Ahead
from .scorecard import scorecard


def write_report(
    entries: Sequence[Entry],
    errors: Sequence[Broken],
    session: dict[str, Any],
    conditions: Conditions,
    store: Store,
    artifacts: Path,
    ahead: Ahead | None = None,
    linear: bool = False,
) -> list[Path]:
    """Write the report of a session's verdicts into the folder ``artifacts``; returns what was written.

    ``session``: its command and seconds, and what else it tells of itself. Figures are drawn from what the store holds
    of their lines, but for those that are there ``ahead``; ``linear``: on linear axes of batch sizes.
    """
    artifacts.mkdir(parents=True, exist_ok=True)
    numbers = sorted({number for entry in entries for number in entry.figures})
    told = {**session, **provenance.commit(Path(__file__).parent), "versions": provenance.versions()}
    told.setdefault("store", stores.told(store.root, artifacts))
    report = Report(
        session=session_of(conditions, **told, hardware=Machine(**hardware()), figures=tuple(numbers)),
        claims=tuple(entries),
        errors=tuple(errors),
        choices=choices(conditions.trained_as),
    )
    write_text(artifacts / NAME, json_of(told_once(report), indent=1) + "\n")
    return [artifacts / NAME, *render(report, conditions, store, artifacts, ahead, linear)]


def render(
    report: Report,
    conditions: Conditions,
    store: Store,
    artifacts: Path,
    ahead: Ahead | None = None,
    linear: bool = False,
) -> list[Path]:
    """Write the page and the figures of a report, decided already, into a folder; returns what was written."""
    from .drawing.figures import draw  # matplotlib takes a second to import, which a plan need not wait for
    from .drawing.sheets import draw_contact_sheet, draw_scorecard

    artifacts.mkdir(parents=True, exist_ok=True)
    decided = {run for entry in report.claims for run in entry.runs}
    pictures = [
        (ahead and ahead.take(number, artifacts))
        or draw(FIGURES[number], store, conditions, artifacts, decided, linear)
        for number in report.session.figures
    ]
    card = scorecard(report.told)
    scale = scale_words(conditions, papers=not conditions.regime.reduced, surrogate=report.session.surrogate)
    sheets = [
        draw_scorecard(card, f"Verdicts, {scale}", artifacts / "scorecard.png"),
        draw_contact_sheet([picture.path for picture in pictures], artifacts / "figures.png"),
    ]
    write_text(artifacts / "report.md", page.markdown(report, card, pictures))
    drawn = [*(sheet for sheet in sheets if sheet), *(picture.path for picture in pictures)]
    return [artifacts / "report.md", *drawn]
