"""Puts the parts of a report together and writes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..experiment.papers import THIS, entered
from ..files.text import write_text
from ..runs.conditions import Conditions
from ..runs.hardware import hardware
from ..runs.store import Store
from ..verdicts.entry import Broken, Entry, json_of
from ..verdicts.figures import FIGURES
from . import page, provenance, summary
from .bundle import NAME, Machine, Report, Session, session_of, told_once
from .choices import choices
from .drawing.captions import Picture, scale_words
from .drawing.pictures import Ahead
from .mixed import trained_on
from .networks import Networks, as_csv
from .page.timeline import TIMELINE, Timeline, timeline
from .page.values import Measurements
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

    ``session``: its command and seconds, where its store is, and what else it tells of itself. Figures are drawn from
    what the store holds of their lines, but for those that are there ``ahead``; ``linear``: on linear axes of batch
    sizes.
    """
    artifacts.mkdir(parents=True, exist_ok=True)
    numbers = sorted({number for entry in entries for number in entry.figures})
    records = {network.run.key: network.record for network in Networks(entries, store, conditions)}
    report = Report(
        session=_session({**session, "trained_on": trained_on(records.values())}, conditions, numbers),
        claims=tuple(entries),
        errors=tuple(errors),
        choices=choices(conditions.trained_as) if entered() == THIS else (),  # which are about this paper
    )
    write_text(artifacts / NAME, json_of(told_once(report), indent=1) + "\n")
    return [artifacts / NAME, *render(report, conditions, store, artifacts, artifacts, ahead, linear)]


def render(
    report: Report,
    conditions: Conditions,
    store: Store,
    artifacts: Path,
    beside: Path,
    ahead: Ahead | None = None,
    linear: bool = False,
) -> list[Path]:
    """Write the page and the figures of a report, decided already, into a folder; returns what was written.

    ``beside``: the folder of its report.json, where its session left what it made when.
    """
    from .drawing.figures import draw  # matplotlib takes a second to import, which a plan need not wait for
    from .drawing.sheets import draw_contact_sheet, draw_scorecard

    artifacts.mkdir(parents=True, exist_ok=True)
    decided = {run for entry in report.claims for run in entry.runs}
    pictures = [
        (ahead and ahead.take(number, artifacts))
        or draw(FIGURES[number], store, conditions, artifacts, decided, linear)
        for number in report.session.figures
    ]
    texts = _texts(report, pictures, Networks(report.claims, store, conditions), timeline(beside / TIMELINE))
    for name, text in texts.items():
        write_text(artifacts / name, text)
    scale = scale_words(conditions, papers=not conditions.regime.reduced, surrogate=report.session.surrogate)
    sheets = [
        draw_scorecard(scorecard(report.told), f"Verdicts, {scale}", artifacts / "scorecard.png"),
        draw_contact_sheet([picture.path for picture in pictures], artifacts / "figures.png"),
    ]
    drawings = [path for picture in pictures for path in (picture.path, picture.path.with_suffix(".svg"))]
    return [*(artifacts / name for name in texts), *(sheet for sheet in sheets if sheet), *drawings]


def _session(told: dict[str, Any], conditions: Conditions, figures: Sequence[int]) -> Session:
    """The session as its report tells of it, with where it was made."""
    where = {**provenance.commit(Path(__file__).parent), "versions": provenance.versions()}
    here = {**where, "hardware": Machine(**hardware()), "figures": tuple(figures), "paper": entered()}
    return session_of(conditions, **{**here, **told})  # one that is merged into another tells of where that was made


def _texts(report: Report, pictures: Sequence[Picture], found: Networks, made: Timeline | None) -> dict[str, str]:
    """What of a report a reader opens and is text, by the files' names."""
    return {
        "report.html": page.render(report, pictures, Measurements.of(found), found.conditions, made),
        "report.md": summary.markdown(report, found.conditions.regime),
        "measured.csv": as_csv([network.row for network in found]),
    }
