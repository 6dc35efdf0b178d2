"""What a session prints: the plan, and one line a claim at its end."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from ..plan import Plan, table
from .session import ClaimSession


def print_plan(config: pytest.Config, claims: ClaimSession) -> None:
    """The plan as a table: what would be trained and what is stored."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not claims.cases:
        return
    reporter.ensure_newline()
    for line in _lines(claims.plan, claims):
        reporter.write_line(line)


def _lines(plan: Plan, claims: ClaimSession) -> list[str]:
    columns = ("task", "recipe", "batch sizes", "seeds", "runs", "stored", "CPU time of the rest")
    grid = Table(*columns, title="what would be trained", title_justify="left")
    for row in table(plan, claims.conditions):
        grid.add_row(*row)
    console = Console(width=120, no_color=True, highlight=False)
    with console.capture() as captured:
        console.print(grid)
    shared = "Lines of one task share runs (LR and LR/BS at batch size 64, say): the total counts each run once."
    return [*captured.get().rstrip().splitlines(), shared]


def summary(
    reporter: pytest.TerminalReporter, entries: Mapping[str, dict[str, Any]], headline: list[str], written: list[Path]
) -> None:
    """One line a claim: verdict, estimate and interval; then where the report is."""
    if not entries:
        return
    reporter.section("claims")
    for line in headline:
        if line.startswith(("regime", "trained as", "data")):
            reporter.write_line(line)
    width = max(len(f"{entry['id']} [{entry['case']}]") for entry in entries.values())
    longest = max(len(entry["verdict"]) for entry in entries.values())
    for entry in entries.values():
        name = f"{entry['id']} [{entry['case']}]"
        note = "  (undertrained cells)" if entry["undertrained"] else ""
        line = f"{entry['verdict']:<{longest}}  {name:<{width}}  {entry['shown']}{note}"
        reporter.write_line(line, **_markup(entry["outcome"]))
    for path in written:
        reporter.write_line(f"written: {path}")


def _markup(outcome: str) -> dict[str, bool]:
    return {{"holds": "green", "fails": "red"}.get(outcome, "yellow"): True}
