"""Puts the parts of a report together and writes them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files.text import write_text
from ..runs.conditions import Conditions
from ..runs.hardware import hardware
from ..runs.store import Store
from ..verdicts.figures import FIGURES
from . import page, provenance
from .bundle import FORMAT, NAME, conditions_facts
from .choices import choices
from .drawing.pictures import Ahead
from .scorecard import scorecard
from .together import take_together


def write_report(
    entries: Mapping[str, dict[str, Any]],
    errors: Mapping[str, Mapping[str, str]],
    session: dict[str, Any],
    conditions: Conditions,
    store: Store,
    artifacts: Path,
    ahead: Ahead | None = None,
) -> list[Path]:
    """Write the report of a session's verdicts into the folder ``artifacts``; returns what was written.

    ``entries``: a verdict's entry for each test; ``errors``: for each test that broke a line, and what it was about if
    it was a claim; ``session``: its command and seconds. Figures are drawn from what the store holds of their lines,
    but for those that are there ``ahead``. The entries are marked with what they are worth taken together.
    """
    from .drawing.figures import draw  # matplotlib takes a second to import, which a plan need not wait for
    from .drawing.sheets import draw_contact_sheet, draw_scorecard

    artifacts.mkdir(parents=True, exist_ok=True)
    take_together(entries.values())
    numbers = sorted({number for entry in entries.values() for number in entry["figures"]})
    decided = {run for entry in entries.values() for run in entry["runs"]}
    pictures = [
        (ahead and ahead.take(number, artifacts)) or draw(FIGURES[number], store, conditions, artifacts, decided)
        for number in numbers
    ]
    bundle: dict[str, Any] = {
        "format": FORMAT,
        "session": {**session, **_facts(conditions), "figures": numbers},
        "claims": [{"test": test, **entry} for test, entry in entries.items()],
        "errors": [{"test": test, **error} for test, error in errors.items()],
        "choices": choices(conditions.trained_as),
    }
    card = scorecard(bundle["claims"], bundle["errors"])
    sheets = [
        draw_scorecard(card, f"Verdicts, {page.scale(bundle)}", artifacts / "scorecard.png"),
        draw_contact_sheet([picture.path for picture in pictures], artifacts / "figures.png"),
    ]
    written = [artifacts / NAME, artifacts / "report.md"]
    write_text(written[0], json.dumps(bundle, indent=1, allow_nan=False) + "\n")
    write_text(written[1], page.markdown(bundle, card, pictures))
    return [*written, *(sheet for sheet in sheets if sheet), *(picture.path for picture in pictures)]


def _facts(conditions: Conditions) -> dict[str, Any]:
    return {
        **conditions_facts(conditions),
        **provenance.commit(Path(__file__).parent),
        "versions": provenance.versions(),
        "hardware": hardware(),
    }
