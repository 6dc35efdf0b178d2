"""``python -m repro verify``: whether a report's verdicts follow from the stored measures."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..errors import SettingError
from ..report.bundle import Report, load
from ..report.recompute import ReadOnce, Recomputed, recompute
from .collecting import collect, root_of

SHOWN: Final = 10  # runs or tests that are named where there are more


def verify(artifacts: Path, store: Path | None, root: Path | None) -> bool:
    """Recompute the report's verdicts and print what differs; whether all agree.

    ``store`` and ``root`` None: the folder store beside the report, the checkout around the current folder.
    """
    began = time.perf_counter()
    report = load(artifacts)
    runs = _store(store, report)
    tests = [entry["test"] for entry in report.claims]
    tests += [error["test"] for error in report.errors if error.get("claim")]
    root = root_of(tests, report.path.parent) if root is None else _root(root)
    folders = dict.fromkeys(str(Path(test.partition("::")[0]).parent) for test in tests)
    found = recompute(report, collect(root, folders), ReadOnce(runs))
    print(f"report  {report.path}\nstore   {runs}\nclaims  {', '.join(str(root / folder) for folder in folders)}\n")
    for line in lines(found, report):
        print(line)
    seconds = time.perf_counter() - began
    agree = agrees(found, report)
    word = "all agree" if agree else f"{found.agree} agree"
    print(f"{len(report.claims)} verdicts recomputed in {seconds:.1f} s: {word}{_counts(found)}")
    return agree


def agrees(found: Recomputed, report: Report) -> bool:
    """Whether every verdict was recomputed and agrees, and the report lacks no claim that its session asked for."""
    return not (found.differ or found.missing or found.gone or (found.new and not report.session.get("partial")))


def lines(found: Recomputed, report: Report) -> list[str]:
    """What there is to say, the most important first."""
    text = []
    for test, differences in found.differ.items():
        text += [f"DIFFERS {_name(report, test)}", *(f"    {line}" for line in differences)]
    if found.missing:
        runs = list(dict.fromkeys(run for missing in found.missing.values() for run in missing))
        text.append(f"MISSING from the store, or damaged there: {len(runs)} runs")
        text += _some(runs)
        text.append("  and so these verdicts cannot be recomputed:")
        text += _some([_name(report, test) for test in found.missing])
    if found.gone:
        text += [f"ONLY IN THE REPORT: {len(found.gone)} claim tests", *_some([_name(report, t) for t in found.gone])]
    if found.new:
        partial = report.session.get("partial")
        excuse = f"; no difference, for the session was narrowed ({', '.join(partial)})" if partial else ""
        text += [f"ONLY IN THE CHECKOUT: {len(found.new)} claim tests{excuse}", *([] if partial else _some(found.new))]
    broken = [error["test"] for error in report.errors]
    if broken:
        text += [f"WITHOUT A VERDICT in the report, for they broke: {len(broken)} tests", *_some(broken)]
    return [*text, ""] if text else []


def _name(report: Report, test: str) -> str:
    entry = next(entry for entry in report.claims if entry["test"] == test)
    return f"{entry['id']} [{entry['case']}]"


def _some(names: Sequence[str]) -> list[str]:
    left = len(names) - SHOWN
    return [*(f"    {name}" for name in names[:SHOWN]), *([f"    and {left} more"] if left > 0 else [])]


def _counts(found: Recomputed) -> str:
    counts = ((found.differ, "differ"), (found.missing, "lack runs"), (found.gone, "only in the report"))
    return "".join(f", {len(tests)} {words}" for tests, words in counts if tests)


def _store(store: Path | None, report: Report) -> Path:
    folder = report.path.parent / "store" if store is None else store
    if not (folder / "runs").is_dir():
        how = "the report's folder has no store: name it with --store" if store is None else f"--store {store}"
        raise SettingError(f"{how}: {folder} must be the folder in which a session kept its runs")
    return folder


def _root(root: Path) -> Path:
    if not root.is_dir():
        raise SettingError(f"--root {root}: must be the folder that the report's test ids start from")
    return root.absolute()
