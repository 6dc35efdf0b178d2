"""How a verdict travels through pytest: outcome, properties, letter, and what is printed when it fails."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from ..errors import ReproError, named_line

if TYPE_CHECKING:  # every session of pytest reads this file, where the plugin is installed; few have claims
    from ..verdicts.claim import Case
    from ..verdicts.entry import Entry
    from ..verdicts.verdict import Verdict

VERDICT: Final = pytest.StashKey[str]()  # of a claim test that has one: what the report holds of it, as JSON
SHORT: Final = ("verdict", "estimate", "interval", "margin", "unit")  # what of it is a property of the test


def keep(item: pytest.Item, verdict: "Verdict") -> None:
    """Keep a verdict with its test, and tell the heart of it as properties, which JUnit's XML shows."""
    from ..verdicts.entry import json_of

    entry = verdict.entry()
    item.stash[VERDICT] = json_of(entry)
    item.user_properties += [(name, json_of(getattr(entry, name)).strip('"')) for name in SHORT]


@dataclass(frozen=True)
class Evidence:
    """Why a claim test failed: the whole of it for a terminal, a line for JUnit's XML and others that take text."""

    whole: str
    line: str

    def toterminal(self, out: Any) -> None:
        """Write all of it to pytest's terminal, whose writer has no public type."""
        out.line(self.whole)

    def __str__(self) -> str:
        return self.line


def about(case: "Case") -> dict[str, str]:
    """What an error of a claim test says of its claim."""
    return {"claim": case.claim.id, "case": case.id, "task": case.where}


def entry_of(report: pytest.TestReport) -> "Entry | None":
    """The verdict that a report carries, or None."""
    text = getattr(report, "claim_verdict", None)
    if text is None:
        return None
    from ..verdicts.entry import Entry

    return msgspec.convert(json.loads(text), Entry)


def carry(item: pytest.Item, report: pytest.TestReport, call: pytest.CallInfo[None]) -> None:
    """Give a report the verdict of its test as text, since a worker can send plain values only.

    A claim's failed assertion becomes its evidence, an error that the user can mend its one line.
    """
    if VERDICT in item.stash and report.when != "teardown":
        report.claim_verdict = item.stash[VERDICT]  # type: ignore[attr-defined]  # travels with the report
    if call.excinfo is None or call.excinfo.errisinstance(pytest.skip.Exception):
        return
    if call.excinfo.errisinstance(ReproError):
        report.longrepr = named_line(call.excinfo.value)
    elif call.excinfo.errisinstance(AssertionError) and call.when == "call":
        from ..statistics.estimands import Outcome

        entry = entry_of(report)
        if entry is not None and entry.outcome is not Outcome.HOLDS:
            report.longrepr = f"{entry.evidence}\n  rerun: {entry.rerun}"
            report.claim_failed = True  # type: ignore[attr-defined]  # travels with the report


def shorten_collected(report: pytest.CollectReport) -> None:
    """An error that the user can mend becomes its one line where it keeps a file from being collected, too."""
    call: pytest.CallInfo[list[Any]] | None = getattr(report, "call", None)
    if report.failed and call is not None and call.excinfo is not None and call.excinfo.errisinstance(ReproError):
        report.longrepr = named_line(call.excinfo.value)


def is_claim_failure(report: pytest.TestReport | pytest.CollectReport) -> bool:
    """Whether a failure is a verdict (not reproduced) rather than a fault of the machinery."""
    return report.failed and getattr(report, "claim_failed", False)


def to_evidence(report: pytest.TestReport, entry: "Entry") -> None:
    """Make a failed claim's text what is shown whole to a terminal, and as a line elsewhere."""
    line = f"{entry.verdict}: {entry.effect} {entry.shown}; asked for: {entry.asked}"
    report.longrepr = Evidence(str(report.longrepr), line)  # type: ignore[assignment]


def error_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """What broke, in one line: the exception, where pytest shows a traceback."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = [line for line in str(crash.message if crash else report.longrepr or "").splitlines() if line.strip()]
    return lines[0 if crash else -1].strip() if lines else ""


def claim_status(report: pytest.TestReport, verdicts_ok: bool) -> tuple[str, str, str] | None:
    """Category, letter and word of a claim test's outcome where pytest's own would mislead; None elsewhere."""
    entry = entry_of(report)
    if entry is None or report.when == "teardown":
        return None
    if report.skipped:
        return (
            ("unlearnt", "u", "NOT LEARNT") if entry.outcome == "not learnt" else ("inconclusive", "i", "INCONCLUSIVE")
        )
    if verdicts_ok and is_claim_failure(report):
        return entry.verdict, "n", entry.verdict.upper()
    return None
