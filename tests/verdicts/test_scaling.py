"""What a plan takes on many workers, against what no division of it could beat."""

from pathlib import Path

import pytest
from planned import ROBUST, WHERE, every_case
from worlds import conditions, prepared

from repro.runs.costs import by_run, played
from repro.verdicts.plan import make_plan
from repro.verdicts.scaling import on_workers
from repro.words import span


def test_few_workers_are_busy_to_the_end_and_many_wait_for_the_longest_run(tmp_path: Path) -> None:
    plan = make_plan([ROBUST], WHERE, prepared(tmp_path))
    longest = max(plan.lacking.values())
    few, many = on_workers(plan, (1, 10_000))
    assert few == f"1 workers: about {span(plan.seconds)}; at least {span(plan.seconds)} (all busy to the end)"
    assert many == f"10000 workers: about {span(longest)}; at least {span(longest)} (the longest run)"


@pytest.mark.parametrize("count", [8, 64, 256])
def test_the_papers_claims_take_what_whole_runs_take_on_so_many_workers(tmp_path: Path, count: int) -> None:
    plan = make_plan(every_case(), conditions(), prepared(tmp_path))
    bound = max(plan.seconds / count, *plan.lacking.values())
    between_two = [seconds for job, seconds in plan.missing.items() if job.kind == "transfer"]
    whole = by_run({job: seconds for job, seconds in plan.missing.items() if job.kind != "transfer"})
    taken = played(sorted([*whole.values(), *between_two], reverse=True), count)
    (line,) = on_workers(plan, (count,))
    assert line.startswith(f"{count} workers: about {span(max(bound, taken))}; at least {span(bound)} ")
