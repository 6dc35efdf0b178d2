"""``repro report``: a report drawn and written again from what is stored; nothing is trained, nothing decided."""

from pathlib import Path

from ..errors import ReproError, SettingError
from ..report import stores
from ..report.bundle import Loaded, load
from ..report.networks import Networks
from ..report.recompute import ReadOnce
from ..report.text import written_lines
from ..report.write import render
from ..runs.store import Store
from ..verdicts.figures import FIGURES
from ..words import counted
from .collecting import enter
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
    enter(root, folder)
    loaded = load(artifacts)
    if unknown := [number for number in loaded.report.session.figures if number not in FIGURES]:
        told = ", ".join(map(str, unknown))
        raise ReproError(f"{loaded.path}: figure {told} is none that is known here; --claims must name their claims")
    runs, place = stores.found(loaded, store), into or loaded.artifacts
    kept = ReadOnce(runs)
    lines = _lacking(loaded, kept)
    linear = linear or LINEAR in loaded.report.session.command  # which a stranger may have quoted wrongly
    try:
        written = render(loaded.report, loaded.conditions, kept, place, loaded.artifacts, linear=linear)
    except OSError as error:
        raise SettingError(f"{place}: cannot be written to ({error.strerror})") from None
    verdicts = counted(len(loaded.report.claims), "verdict")
    return Answer(
        text_of([f"{verdicts} of {loaded.path}, drawn from {runs}", *lines, *written_lines(written)]), not lines
    )


def _lacking(loaded: Loaded, store: Store) -> list[str]:
    """A line where some networks of a report are not stored, without which its page is less. ReproError: none is."""
    networks = Networks(loaded.report.claims, store, loaded.conditions)
    lost, whole = len(networks.missing), len(networks.keys)
    if lost and lost == whole:
        raise ReproError(f"{store.root}: none of the runs that {loaded.path} speaks of is stored there")
    return [f"{lost} of {counted(whole, 'network')} are not stored there, and left out"] if lost else []
