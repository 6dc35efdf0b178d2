"""What a session prints: the plan, and at its end the scorecard and one line a claim."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..report.scorecard import NOT_SHOWN, Cell, Scorecard, scorecard
from ..report.text import written_lines
from ..report.together import in_words
from ..runs.lacking import reasons
from ..runs.shards import Shard
from ..verdicts.chances import Chances
from ..verdicts.entry import ERROR, Broken, Entry, Told
from ..verdicts.plan import Plan, sharing, table
from ..verdicts.scaling import on_workers
from ..words import counted
from .session import ClaimSession

WIDTH: Final = 120  # columns of a table at most
SHOWN: Final = 10  # lost tests that are named
COLOURS: Final = {"holds": "green", "fails": "red", "undecided": "yellow", "not learnt": "cyan", ERROR: "magenta"}


def print_plan(config: pytest.Config, claims: ClaimSession) -> None:
    """The plan as a table: what would be trained and what is stored."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not claims.cases:
        return
    reporter.ensure_newline()
    for line in [*_lines(claims.plan, claims), *(on_workers(claims.own) if claims.settings.cluster else ())]:
        reporter.write_line(line)


def _lines(plan: Plan, claims: ClaimSession) -> list[str]:
    columns = ("task", "recipe", "batch sizes", "seeds", "runs", "trained", "measured", "time of the rest")
    grid = Table(*columns, title="what would be trained", title_justify="left")
    for rows in table(plan, claims.conditions):
        for row in rows:
            grid.add_row(*row)
        grid.add_section()
    why = reasons(plan.missing, plan.trained, claims.store)
    return [*_printed(grid), sharing(plan, claims.conditions), *why, *_printed(_chances(plan, claims))]


def _chances(plan: Plan, claims: ClaimSession) -> Table:
    """A row for each claim: how likely its cases are to be decided if nothing that is varied changes anything."""
    title = "the chance of a decision where nothing that is varied changes anything, if the networks learn"
    grid = Table("claim", "tests", "least", "mean", "most", title=title, title_justify="left")
    chances = Chances(claims.conditions, claims.store)
    found: dict[str, list[float]] = {}
    for case in plan.cases:
        found.setdefault(case.claim.id, []).append(chances.of(case))
    for claim, of_cases in found.items():
        numbers = (min(of_cases), sum(of_cases) / len(of_cases), max(of_cases))
        grid.add_row(claim, str(len(of_cases)), *(f"{number:.0%}" for number in numbers))
    return grid


def _printed(grid: Table, *, coloured: bool = False) -> list[str]:
    """A table as lines, with the codes of a terminal's colours if it has any."""
    console = Console(
        width=WIDTH, color_system="standard" if coloured else None, force_terminal=coloured, highlight=False
    )
    with console.capture() as captured:
        console.print(grid)
    return [line.rstrip() for line in captured.get().rstrip().splitlines()]


def summary(
    reporter: pytest.TerminalReporter,
    entries: Sequence[Entry],
    errors: Sequence[Broken],
    headline: list[str],
    written: list[Path],
) -> None:
    """The scorecard under the regime and the data it holds for; one line a claim; where the report is.

    With ``-q`` the lines of the claims are left out, with ``-qq`` everything.
    """
    card = scorecard([*entries, *errors])
    if not card.rows or reporter.verbosity < -1:
        return
    reporter.section("claims")
    for line in headline:
        if line.startswith(("regime", "trained as", "precision", "reading", "data")):
            reporter.write_line(line)
    for line in card_lines(card, coloured=reporter.hasmarkup):
        reporter.write_line(line)
    if all(entry.family_wise is not None for entry in entries):  # not where the report could not be written
        reporter.write_line(in_words(entries))
    if reporter.verbosity >= 0:
        reporter.write_line("")
        _verdicts(reporter, [*entries, *(error for error in errors if error.claim)])
    for line in written_lines(written):
        reporter.write_line(line)


def wrong_lines(lost: Sequence[str], unwritten: str) -> Iterator[str]:
    """What went wrong with the session itself: tests that were ``lost``, and why its report is ``unwritten``."""
    for test in lost[:SHOWN]:
        yield f"LOST: {test} was selected, but no worker reported it"
    if len(lost) > SHOWN:
        yield f"LOST: and {len(lost) - SHOWN} more"
    if unwritten:
        yield f"{unwritten}The report could not be written."


def shard_lines(shard: Shard, made: int, store: Path) -> list[str]:
    """What a part of a session made, and how the parts come together."""
    return [
        f"shard {shard}: {counted(made, 'measurement')} made, stored in {store}",
        f"when all {shard.count} shards have ended, bring their stores together (repro pack on each, repro unpack into "
        "one) and give the same command without --shard: it makes what is left between shards, and the report",
    ]


def card_lines(card: Scorecard, *, coloured: bool) -> list[str]:
    """The scorecard as a table of short words, and what they stand for."""
    grid = Table("claim", *_headings(card.tasks), box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for name, cells in card.lines:
        grid.add_row(name, *(Text(cell.short, COLOURS.get(cell.outcome, "")) for cell in cells))
    shown = [cell for row in card.rows for cell in row.cells]
    bare = sorted(
        {
            cell._replace(own=True, differs=False, turns=False, unlearnt=False)
            for cell in shown
            if cell.outcome in COLOURS
        },
        key=_rank,
    )
    legend = [f"{cell.short} = {cell.word}" for cell in bare if cell.short != cell.word]
    legend += card.legend(short=True)
    if any(NOT_SHOWN in row.words for row in card.rows):
        legend.append(f"{NOT_SHOWN} = not in the paper's figures, or not selected")
    return [*_printed(grid, coloured=coloured), *textwrap.wrap("; ".join(legend), WIDTH, break_on_hyphens=False)]


def _rank(cell: Cell) -> tuple[int, str]:
    return list(COLOURS).index(cell.outcome), cell.word


def _headings(tasks: Iterable[str]) -> list[str]:
    """The tasks' names in as many narrow lines as the longest needs."""
    names = [task.replace("-", "\n").replace(" ", "\n").replace("FashionMNIST", "Fashion\nMNIST") for task in tasks]
    most = max(name.count("\n") for name in names)
    return [name + "\n" * (most - name.count("\n")) for name in names]


def _verdicts(reporter: pytest.TerminalReporter, rows: Sequence[Told]) -> None:
    longest, widest = max(len(row.verdict) for row in rows), max(len(row.name) for row in rows)
    for row in rows:
        line = f"{row.verdict:<{longest}}  {row.name:<{widest}}  {row.shown}{_note(row)}"
        reporter.write_line(line, **{{**COLOURS, ERROR: "purple"}.get(row.outcome, "yellow"): True})


def _note(entry: Told) -> str:
    """What a reader of the verdict must know beside it."""
    if isinstance(entry, Broken):
        return ""
    notes, other = ["undertrained cells"] if entry.undertrained else [], entry.equal_amount
    if other and entry.turned_by(other):
        notes.append(f"{other.verdict} at equal training amount")
    if entry.sound and entry.turned_by(entry.sound):
        notes.append(f"{entry.sound.verdict} by the strongest attack")
    return (f"  ({'; '.join(notes)})" if notes else "") + entry.note
