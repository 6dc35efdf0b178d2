"""``python -m repro verify``: whether a report's verdicts follow from the stored measures."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..errors import ReproError
from ..report import stores
from ..report.bundle import Report, load
from ..report.recompute import ReadOnce, Recomputed, recompute
from ..report.store_check import check_store
from ..words import counted
from .checkout import checkout
from .collecting import collect
from .group import Answer
from .output import text_of

SHOWN: Final = 10  # runs or tests that are named where there are more


def verify(artifacts: Path, store: Path | None, root: Path | None, folder: str) -> Answer:
    """Recompute the report's verdicts: the text that names what differs, and whether all agree.

    ``store`` and ``root`` None: where the report says that its runs are, the checkout that this program lies in.
    ``folder`` is that of the claims in the checkout.
    ReproError: nothing is wrong, but nothing was checked either.
    """
    began = time.perf_counter()
    loaded = load(artifacts)
    report = loaded.report
    runs = stores.found(loaded, store)
    claims = checkout(root, loaded.artifacts, folder)
    cases = collect(claims)
    tests = [entry.test for entry in report.told]
    outside = {test for test in tests if not claims.holds(test.partition("::")[0])}
    found, stored = recompute(loaded, cases, ReadOnce(runs), outside), check_store(runs)
    agree = agrees(found, report) and not stored.damaged
    counts = f"{len(found.checked)} of {len(cases)} claims of this checkout checked"
    if agree and not found.checked:
        raise ReproError(f"{loaded.path}: {counts}: the report has no verdict that could agree with theirs")
    head = [f"report  {loaded.path}", f"store   {runs}", f"claims  {claims.claims}", f"files   {stored.words}", ""]
    head += _some(f"DAMAGED in the store: {counted(len(stored.damaged), 'file')}", stored.damaged)
    word = "all agree" if agree else f"{len(found.agree)} agree"
    last = f"{counts} in {time.perf_counter() - began:.1f} s: {word}{_counts(found)}"
    return Answer(text_of([*head, *lines(found, report), last]), agree)


def agrees(found: Recomputed, report: Report) -> bool:
    """Whether every verdict was recomputed and agrees, and the report lacks no claim that its session asked for."""
    wrong = found.differ or found.session or found.missing or found.gone or found.outside
    return not (wrong or (found.new and not report.session.partial))


def lines(found: Recomputed, report: Report) -> list[str]:
    """What there is to say, the most important first."""
    names = {entry.test: entry.name for entry in reversed(report.told)}
    runs = list(dict.fromkeys(run for missing in found.missing.values() for run in missing))
    partial = ", ".join(report.session.partial)
    excuse = f"; no difference, for the session left them out ({partial})" if partial else ""
    broken = [error.test for error in report.errors]
    text = [line for test, why in found.differ.items() for line in _some(f"DIFFERS {names[test]}", why, len(why))]
    text += _some("DIFFERS in what the report says of its session", found.session)
    text += _some(
        f"OUTSIDE THE CLAIMS of this checkout, and not looked at: {counted(len(found.outside), 'test')}", found.outside
    )
    text += _some(f"MISSING from the store, or damaged there: {counted(len(runs), 'run')}", runs)
    text += _some("  and so these verdicts cannot be recomputed:", [names[test] for test in found.missing])
    text += _some(f"ONLY IN THE REPORT: {counted(len(found.gone), 'claim test')}", [names[test] for test in found.gone])
    text += _some(f"ONLY IN THE CHECKOUT: {counted(len(found.new), 'claim test')}{excuse}", found.new)
    text += _some(f"WITHOUT A VERDICT in the report, for they broke: {counted(len(broken), 'test')}", broken)
    return [*text, ""] if text else []


def _some(title: str, things: Sequence[str], most: int = SHOWN) -> list[str]:
    """A heading and the first of the things below it; nothing of none."""
    left = len(things) - most
    more = [f"    and {left} more"] if left > 0 else []
    return [title, *(f"    {thing}" for thing in things[:most]), *more] if things else []


def _counts(found: Recomputed) -> str:
    """The numbers of tests of which there is more to say than that they agree."""
    counts = (
        (found.differ, "differ"),
        (found.missing, "lack runs"),
        (found.gone, "only in the report"),
        (found.outside, "outside the claims"),
    )
    return "".join(f", {len(tests)} {words}" for tests, words in counts if tests)
