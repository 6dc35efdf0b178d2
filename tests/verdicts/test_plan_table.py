"""A plan as a table: a row for each line of the figures, and what the lines share."""

from pathlib import Path

import pytest
from planned import COLOURED, FLATTER, NEITHER, ROBUST, WHERE, every_case, stored_whole
from worlds import case_of, conditions, under

from repro.experiment.recipes import LR, LR_BS
from repro.experiment.regimes import PAPER
from repro.experiment.tasks import M1_MNIST, SHOWN_WITH_MOMENTA, TASKS
from repro.runs.store import Store
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, Curve
from repro.verdicts.plan import lines, make_plan, sharing, table


def test_the_table_has_a_row_for_each_recipe_on_each_task_and_sums_that_count_a_shared_run_once(tmp_path: Path) -> None:
    store = stored_whole(tmp_path, ROBUST.runs(WHERE))
    first, second, total = table(make_plan([COLOURED, FLATTER, ROBUST], WHERE, store), WHERE)
    assert [row[:7] for row in first] == [
        ("M1-MNIST", "LR m=0", "64 128 256", "3", "9", "9", "9"),
        ("M1-MNIST", "LR/BS m=0", "64 128 256", "3", "9", "3", "3"),  # those at 64 are fixed LR's
        ("M1-MNIST", "2 lines", "", "", "15", "9", "9"),
    ]
    assert [row[:7] for row in second] == [("C1-CIFAR10", "Benchmark", "64 128 256", "3", "9", "0", "0")]
    assert [row[:7] for row in total] == [("all tasks", "3 lines", "", "", "24", "9", "9")]
    assert first[0][7] == "0 seconds"
    assert first[1][7] == first[2][7] != "0 seconds"


@pytest.mark.parametrize("turned", [False, True])
def test_tasks_and_recipes_stand_in_the_papers_order_whatever_that_of_the_claims(tmp_path: Path, turned: bool) -> None:
    cases = every_case()
    found = lines(make_plan(reversed(cases) if turned else cases, WHERE, Store(tmp_path)), WHERE)
    assert list(dict.fromkeys(str(line.task) for line in found)) == list(TASKS)
    settings = ["LR m=0", "LR/BS m=0", "Benchmark"]
    momenta = ["LR m=0.2", "LR m=0.5", "LR m=0.9", "LR/BS m=0.9"]
    for task in TASKS.values():
        recipes = [str(line.recipe) for line in found if line.task == task]
        assert recipes == settings + (momenta if task in SHOWN_WITH_MOMENTA else [])


def test_a_recipe_that_the_paper_has_not_stands_last(tmp_path: Path) -> None:
    own = case_of(Curve(M1_MNIST, LR(0.7), FGSM), Curve(M1_MNIST, LR_BS(0.9), FGSM), holds_if=NEITHER, axes=("e",))
    assert [str(line.recipe) for line in lines(make_plan([own, ROBUST], WHERE, Store(tmp_path)), WHERE)] == [
        *("LR m=0", "LR/BS m=0.9", "LR m=0.7"),
    ]


def test_the_papers_34_lines_have_850_points_that_are_800_runs(tmp_path: Path) -> None:
    where = under(PAPER)
    plan = make_plan(every_case(), where, Store(tmp_path))
    assert sharing(plan, where) == (
        "34 lines with 850 points are 800 distinct runs. At batch size 64 these are the same training: "
        "LR m=0 and LR/BS m=0; LR m=0.9 and LR/BS m=0.9."
    )
    groups = table(plan, where)
    sums = [group[-1] for group in groups]
    assert [row[1] for row in sums] == [f"{n} lines" for n in (7, 7, 3, 3, 7, 7, 34)]
    assert [row[4] for row in sums] == ["165", "165", "70", "70", "165", "165", "800"]
    assert {row[5:7] for row in sums} == {("0", "0")}
    assert sum(int(row[4]) for group in groups[:-1] for row in group if "lines" not in row[1]) == 850


@pytest.mark.parametrize(
    ("cases", "sizes", "expected"),
    [
        ([ROBUST], (64, 128), "1 line with 6 points are 6 distinct runs: no two lines share one."),
        ([FLATTER], (128, 256), "2 lines with 12 points are 12 distinct runs: no two lines share one."),
        (
            [FLATTER],
            (32, 64),
            "2 lines with 12 points are 9 distinct runs. "
            "At batch size 64 these are the same training: LR m=0 and LR/BS m=0.",
        ),
    ],
)
def test_what_lines_share_is_worked_out_from_their_runs(
    tmp_path: Path, cases: list[Case], sizes: tuple[int, ...], expected: str
) -> None:
    where = conditions(batch_sizes=sizes)
    assert sharing(make_plan(cases, where, Store(tmp_path)), where) == expected
