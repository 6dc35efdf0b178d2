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
from . import page, provenance
from .bundle import NAME, Machine, Report, session_of, told_once
from .choices import choices
from .drawing.captions import scale_words
from .drawing.pictures import Ahead
from .mixed import trained_on
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
    from .drawing.figures import draw  # matplotlib takes a second to import, which a plan need not wait for
    from .drawing.sheets import draw_contact_sheet, draw_scorecard

    artifacts.mkdir(parents=True, exist_ok=True)
    numbers = sorted({number for entry in entries for number in entry.figures})
    decided = {run for entry in entries for run in entry.runs}
    pictures = [
        (ahead and ahead.take(number, artifacts))
        or draw(FIGURES[number], store, conditions, artifacts, decided, linear)
        for number in numbers
    ]
    session = {**session, "trained_on": trained_on(store, decided)}
    told = {**session, **provenance.commit(Path(__file__).parent), "versions": provenance.versions()}
    report = Report(
        session=session_of(conditions, **told, hardware=Machine(**hardware()), figures=tuple(numbers)),
        claims=tuple(entries),
        errors=tuple(errors),
        choices=choices(conditions.trained_as),
    )
    card = scorecard(report.told)
    scale = scale_words(conditions, papers=not conditions.regime.reduced, surrogate=report.session.surrogate)
    sheets = [
        draw_scorecard(card, f"Verdicts, {scale}", artifacts / "scorecard.png"),
        draw_contact_sheet([picture.path for picture in pictures], artifacts / "figures.png"),
    ]
    written = [artifacts / NAME, artifacts / "report.md"]
    write_text(written[0], json_of(told_once(report), indent=1) + "\n")
    write_text(written[1], page.markdown(report, card, pictures))
    return [*written, *(sheet for sheet in sheets if sheet), *(picture.path for picture in pictures)]
