import pytest
from msgspec.structs import replace
from reports import entry as reported

from repro.experiment.tasks import TASKS
from repro.report.scorecard import NOT_SHOWN, SHORT, Cell, Row, Scorecard, scorecard
from repro.statistics.estimands import Outcome
from repro.verdicts.entry import Broken, Entry, EqualAmount, OtherReading
from repro.verdicts.verdict import WORDS


def entry(case: str, verdict: str = "reproduced", outcome: str = "holds", claim: str = "it-drops") -> Entry:
    return reported(id=claim, case=case, task=task_of(case), verdict=verdict, outcome=outcome)


def error(case: str, claim: str = "it-drops") -> Broken:
    return Broken(test="a test", claim=claim, case=case, task=task_of(case), error="the oven is cold")


def task_of(case: str) -> str:
    return max((task for task in TASKS if case.startswith(task)), key=len)


HELD = Cell("reproduced", "holds")
FAILED = Cell("not reproduced", "fails")
UNSURE = Cell("inconclusive", "undecided")
NONE = Cell("-", "")


def cells(card: Scorecard) -> dict[str, dict[str, Cell]]:
    """Verdict and outcome, by the name of the row and the task."""
    return {row.name: dict(zip(card.tasks, row.cells, strict=True)) for row in card.rows}


def test_a_cell_has_the_verdict_of_its_claim_on_its_task() -> None:
    card = scorecard(
        [
            entry("M1-MNIST"),
            entry("C1-CIFAR10", *FAILED[:2]),
            entry("M1-MNIST", *UNSURE[:2], claim="it-is-flat"),
            entry("C1-CIFAR10", claim="it-is-flat"),
        ]
    )
    assert cells(card) == {
        "it-drops": {"M1-MNIST": HELD, "C1-CIFAR10": FAILED},
        "it-is-flat": {"M1-MNIST": UNSURE, "C1-CIFAR10": HELD},
    }


@pytest.mark.parametrize("order", [list(TASKS), [*reversed(TASKS)]], ids=["as they are", "reversed"])
def test_columns_stand_in_the_order_of_the_tasks_whatever_the_order_of_the_entries(order: list[str]) -> None:
    card = scorecard(entry(task, f"verdict on {task}") for task in order)
    assert card.tasks == tuple(TASKS)
    (row,) = card.rows
    assert row.words == [f"verdict on {task}" for task in TASKS]


def test_a_task_that_nothing_was_said_of_has_no_column() -> None:
    assert scorecard([entry("C1-CIFAR10"), entry("StdCNN-MNIST")]).tasks == ("StdCNN-MNIST", "C1-CIFAR10")


def test_rows_stand_in_the_order_in_which_claims_were_met() -> None:
    names = ["z", "a", "m"]
    card = scorecard(entry(task, claim=name) for task in ("C1-CIFAR10", "M1-MNIST") for name in names)
    assert [row.claim for row in card.rows] == names


def test_a_claim_that_is_not_shown_on_a_task_has_a_dash_there_and_no_outcome() -> None:
    card = scorecard([entry("M1-MNIST"), entry("C1-CIFAR10", claim="it-is-flat")])
    assert NOT_SHOWN == "-"
    assert card.rows == (
        Row("it-drops", "", (HELD, NONE)),
        Row("it-is-flat", "", (NONE, HELD)),
    )


@pytest.mark.parametrize(
    ("case", "variant", "name"),
    [
        ("M1-MNIST", "", "it-drops"),
        ("M1-MNIST-FGSM", "FGSM", "it-drops (FGSM)"),
        ("StdCNN-FashionMNIST-PGD", "PGD", "it-drops (PGD)"),
        ("C1-CIFAR10-PGD-LR-over-BS-m=0.9", "PGD-LR/BS-m=0.9", "it-drops (PGD-LR/BS-m=0.9)"),
    ],
)
def test_a_variant_is_what_the_case_says_beyond_its_task(case: str, variant: str, name: str) -> None:
    (row,) = scorecard([entry(case)]).rows
    assert (row.variant, row.name) == (variant, name)


def test_variants_of_a_claim_have_rows_of_their_own_which_tasks_share() -> None:
    card = scorecard(entry(f"{task}-{attack}") for task in ("M1-MNIST", "C1-CIFAR10") for attack in ("FGSM", "PGD"))
    assert [(row.name, row.words) for row in card.rows] == [
        ("it-drops (FGSM)", ["reproduced", "reproduced"]),
        ("it-drops (PGD)", ["reproduced", "reproduced"]),
    ]


BROKEN = Cell("error", "error")


def test_a_claim_test_that_broke_has_an_error_in_its_cell() -> None:
    card = scorecard([entry("M1-MNIST-PGD"), error("C1-CIFAR10-PGD"), error("StdCNN-MNIST", "it-breaks")])
    assert card.tasks == ("M1-MNIST", "StdCNN-MNIST", "C1-CIFAR10")
    assert cells(card) == {
        "it-drops (PGD)": {"M1-MNIST": HELD, "StdCNN-MNIST": NONE, "C1-CIFAR10": BROKEN},
        "it-breaks": {"M1-MNIST": NONE, "StdCNN-MNIST": BROKEN, "C1-CIFAR10": NONE},
    }


def test_a_claim_test_that_broke_after_its_verdict_counts_as_broken() -> None:
    card = scorecard([entry("M1-MNIST"), error("M1-MNIST")])
    assert cells(card) == {"it-drops": {"M1-MNIST": BROKEN}}


def test_an_error_that_is_of_no_claim_is_not_in_the_scorecard() -> None:
    assert scorecard([Broken(test="tests/test_own.py", error="no claim")]) == Scorecard((), ())


def test_there_are_as_many_verdicts_as_entries_and_every_row_is_whole() -> None:
    claims = [entry(f"{task}-{attack}", claim=claim) for task in TASKS for attack in ("FGSM", "PGD") for claim in "abc"]
    some = claims[::2] + claims[3::4]
    card = scorecard([*some, error("M1-MNIST", "it-breaks")])
    outcomes = [outcome for row in card.rows for _, outcome, *_ in row.cells]
    assert (outcomes.count("holds"), outcomes.count("error")) == (len(some), 1)
    assert {len(row.cells) for row in card.rows} == {len(card.tasks)}
    assert len({row.name for row in card.rows}) == len(card.rows) == 7


def test_the_rows_of_a_claim_stand_together_even_where_only_errors_are_left_of_one() -> None:
    card = scorecard([entry("M1-MNIST-FGSM"), entry("M1-MNIST", claim="it-is-flat"), error("M1-MNIST-PGD")])
    assert [row.name for row in card.rows] == ["it-drops (FGSM)", "it-drops (PGD)", "it-is-flat"]


def test_several_rows_of_a_claim_stand_below_its_name_and_a_single_one_says_all() -> None:
    card = scorecard(
        [entry("M1-MNIST-FGSM"), entry("M1-MNIST-PGD", *FAILED[:2]), entry("M1-MNIST-PGD", claim="it-is-flat")]
    )
    assert card.lines == [
        ("it-drops", ()),
        ("   FGSM", (HELD,)),
        ("   PGD", (FAILED,)),
        ("it-is-flat (PGD)", (HELD,)),
    ]


def short(word: str) -> str:
    return Cell(word, "").short


@pytest.mark.parametrize("surrogate", ["", " (surrogate)"])
def test_every_verdict_has_a_short_word_of_its_own_that_says_no_more_than_it(surrogate: str) -> None:
    words = {scale: [f"{word}{surrogate}" for word in spoken.values()] for scale, spoken in WORDS.items()}
    shortened = {word: short(word) for spoken in words.values() for word in spoken}
    assert len(set(shortened.values())) == len(shortened)
    assert max(map(len, shortened.values())) <= 9
    assert {short(word).endswith("*") for word in shortened} == {bool(surrogate)}
    certain = {short(f"{word}{surrogate}") for word in ("reproduced", "not reproduced")}
    assert not certain & {short(word) for word in words["reduced"]}  # "yes" is for the paper's scale alone


def test_a_word_without_a_short_form_stays() -> None:
    assert [short(word) for word in ("error", NOT_SHOWN, "something new")] == ["error", "-", "something new"]
    assert set(SHORT) == {word for spoken in WORDS.values() for word in spoken.values()}


def test_what_the_paper_does_not_say_is_told_from_what_it_says() -> None:
    own, beyond = entry("M1-MNIST"), replace(entry("C1-CIFAR10"), standing="extension")
    (row,) = scorecard([own, beyond]).rows
    assert row.words == ["reproduced", "[reproduced]"]
    assert [cell.short for cell in row.cells] == ["yes", "[yes]"]
    assert [cell.marks for cell in row.cells] == [set(), {"[ ]"}]


def test_a_verdict_that_a_sound_attack_does_not_share_is_marked() -> None:
    def read(outcome: Outcome) -> OtherReading:
        return OtherReading(name="sound-attack", says="so", verdict="not reproduced", outcome=outcome, shown="")

    same, other = (
        replace(entry(task), sound=read(o)) for task, o in zip(("M1-MNIST", "C1-CIFAR10"), Outcome, strict=False)
    )
    (row,) = scorecard([same, other]).rows
    assert [cell.short for cell in row.cells] == ["yes", "yes \u2260"]


def test_a_verdict_that_equal_training_turns_is_marked_and_one_of_unlearnt_networks_known() -> None:
    equal = EqualAmount(amount="T = 54", verdict="not reproduced", outcome=Outcome.FAILS, shown="", trained_less=True)
    same, other = replace(equal, outcome=Outcome.HOLDS), equal
    found = [
        replace(entry(task), equal_amount=amount, undertrained=("it",) if amount is other else ())
        for task, amount in (("M1-MNIST", same), ("C1-CIFAR10", other))
    ]
    (row,) = scorecard(found).rows
    assert [cell.long for cell in row.cells] == ["reproduced", "reproduced \u21c4"]
    assert [cell.unlearnt for cell in row.cells] == [False, True]
    assert scorecard(found).legend(short=True) == ["\u21c4 = another verdict at equal training"]
    assert row.cells[1]._replace(differs=True).short == "yes \u21c4\u2260"


def test_what_is_said_of_all_tasks_stands_first_in_the_row_of_its_details() -> None:
    whole = reported(id="it-is", case="all-tasks-FGSM", task="all tasks", verdict="reproduced", outcome="holds")
    detail = replace(entry("M1-MNIST-FGSM", claim="it-is"), standing="detail")
    card = scorecard([detail, whole])
    assert card.tasks == ("all tasks", "M1-MNIST")
    assert [(row.variant, row.words) for row in card.rows] == [("FGSM", ["reproduced", "[reproduced]"])]
