"""The documentation's table of what the paper says names every claim, and no claim that there is none of."""

import re
from pathlib import Path
from typing import Final

from worlds import declared

PAGE: Final = (Path(__file__).parents[2] / "docs" / "claims.md").read_text()
IDS: Final = {test.claim.id for test in declared()}


def test_every_claim_stands_in_the_table_of_statements_and_nothing_else_does() -> None:
    statements = PAGE.partition("## How large")[0]
    named = {
        name for line in statements.splitlines() if line.startswith("| ") for name in re.findall(r"`([\w-]+)`", line)
    }
    assert named == IDS


def test_the_margins_that_it_names_are_those_of_the_measures() -> None:
    margins = {str(curve.measure.matters) for test in declared() for case in test.cases for curve in case.curves}
    table = PAGE.partition("## How large")[2]
    assert {margin for margin in margins if f"| {margin} |" in table} == margins
