"""``repro report``: a report drawn and written again from what is stored; nothing is trained, nothing decided."""

from pathlib import Path

from ..errors import SettingError
from ..report import stores
from ..report.bundle import load
from ..report.recompute import ReadOnce
from ..report.text import written_lines
from ..report.write import render
from ..words import counted
from .checkout import CLAIMS, checkout
from .collecting import collect
from .group import Answer
from .output import text_of

LINEAR = "--linear-axis"


def again(
    artifacts: Path, into: Path | None, store: Path | None, root: Path | None, folder: str, *, linear: bool
) -> Answer:
    """Write the page and the figures of a report again, beside it or ``into`` another folder.

    ``linear``: on a linear axis of batch sizes, as where its own command said so. Other claims than the paper's own are
    collected before, for they enter their tasks and figures. ReproError: there is no report, or not its runs.
    """
    if root is not None or folder != CLAIMS:
        collect(checkout(root, None, folder))
    loaded = load(artifacts)
    runs, place = stores.found(loaded, store), into or loaded.path.parent
    linear = linear or LINEAR in loaded.report.session.command  # which a stranger may have quoted wrongly
    try:
        written = render(loaded.report, loaded.conditions, ReadOnce(runs), place, linear=linear)
    except OSError as error:
        raise SettingError(f"{place}: cannot be written to ({error.strerror})") from None
    verdicts = counted(len(loaded.report.claims), "verdict")
    return Answer(text_of([f"{verdicts} of {loaded.path}, drawn from {runs}", *written_lines(written)]))
