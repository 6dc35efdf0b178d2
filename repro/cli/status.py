"""``repro status``: how far the session is that is at work on a report, seen from another terminal."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from ..errors import SettingError
from ..plugin.watching import State, at_work
from ..report import stores
from ..report.bundle import Loaded, load
from ..runs.store import Store
from ..words import counted, span
from .group import Answer
from .output import text_of

VERDICTS: Final = 10  # of a session at work, the last ones


def status(artifacts: Path) -> Answer:
    """The state of the session at work, else of the report that is there. ReproError: there is neither."""
    if (found := at_work(artifacts)) is not None:
        shared, state = found
        return Answer(text_of(_at_work(state, shared.verdicts())))
    return Answer(text_of(_finished(load(artifacts))))


def _at_work(state: State, verdicts: Sequence[str]) -> list[str]:
    lines = ["a session is at work", state.words]
    rows = [doing.words for doing in state.doing]
    widths = [max(len(row[i]) for row in rows) for i in range(4)] if rows else []
    lines += ["  ".join(f"{part:<{w}}" for part, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    if verdicts:
        lines += [
            "",
            f"{counted(len(verdicts), 'verdict')} so far" + (", the last:" if len(verdicts) > VERDICTS else ":"),
        ]
    return lines + [f"  {line}" for line in verdicts[-VERDICTS:]]


def _finished(loaded: Loaded) -> list[str]:
    """What a report says, in a few lines."""
    report, session = loaded.report, loaded.report.session
    when = datetime.fromtimestamp(loaded.path.stat().st_mtime).isoformat(" ", "minutes")
    words = [f"{number} {word}" for word, number in Counter(entry.verdict for entry in report.claims).most_common()]
    words += [f"{len(report.errors)} broke"] if report.errors else []
    lines = [
        "no session is at work",
        f"report  {loaded.path}, of {when}, by a session of {span(session.seconds)}",
        f"scale   {session.regime.name} regime, on {session.devices}",
        f"claims  {', '.join(words)}",
    ]
    lines += [f"a part  {', '.join(session.partial)}"] if session.partial else []
    try:
        store = stores.found(loaded, None)
    except SettingError as error:
        return [*lines, f"store   {error}"]
    return [*lines, f"store   {store}, with {counted(len(Store(store).keys()), 'run')}"]
