"""The answer that a page begins with, and which verdicts can be relied on."""

from typing import Any

import pytest
from reports import entry

from repro.experiment.papers import THIS, Paper
from repro.report.page.answer import answer
from repro.report.page.claims import sentences
from repro.report.page.trust import ALONE, ATTACK, UNEQUAL, UNLEARNT, doubts, tally
from repro.report.together import in_words
from repro.verdicts.entry import Broken, Entry

CENTRAL = THIS.central
EQUAL = {"amount": "T = 1", "verdict": "no", "outcome": "fails", "shown": "", "trained_less": True}
SOUND = {"name": "sound-attack", "says": "", "verdict": "no", "outcome": "fails", "shown": ""}


def central(*outcomes: str, **changes: Any) -> list[Entry]:
    return [entry(id=CENTRAL, case=f"M1-MNIST-{i}", outcome=one, **changes) for i, one in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("outcomes", "word", "says"),
    [
        ([], "Not asked", "was not asked in this session."),
        (["holds"], "Holds", "holds; 1 of the 1 decided one can be relied on."),
        (["holds", "holds"], "Holds", "holds in all of its 2 tests; 2 of the 2 decided ones can be relied on."),
        (["fails"], "Fails", "fails; 1 of the 1 decided one can be relied on."),
        (["undecided", "undecided"], "Undecided", "is undecided in all of its 2 tests."),
        (["not learnt"], "Not learnt", "could not be tested, for its networks have not learnt."),
        (
            ["holds", "fails", "undecided"],
            "Mixed",
            "holds in some cases and fails in others: of its 3 tests, 1 holds, 1 fails and 1 is undecided; 2 of the 2",
        ),
        (
            ["holds", "not learnt", "not learnt"],
            "Holds in part",
            "holds in part: of its 3 tests, 1 holds and 2 were asked of networks that have not learnt; 1 of the 1",
        ),
        (["fails", "undecided"], "Fails in part", "fails in part: of its 2 tests, 1 fails and 1 is undecided; 1 of"),
    ],
)
def test_the_central_claim_comes_first(outcomes: list[str], word: str, says: str) -> None:
    found = answer([*central(*outcomes), entry(outcome="fails")])
    assert found.word == word
    assert says in found.sentences[0]


@pytest.mark.parametrize(
    ("outcomes", "broke", "word", "says"),
    [
        ([], 2, "No verdict", "has no verdict, since what was to decide it broke, in all of its 2 tests."),
        (["holds"], 3, "Holds in part", "holds in part: of its 4 tests, 1 holds and 3 broke; 1 of the 1"),
        (["not learnt"], 1, "Undecided", "1 was asked of networks that have not learnt and 1 broke"),
    ],
)
def test_tests_of_the_central_claim_that_broke_are_counted(
    outcomes: list[str], broke: int, word: str, says: str
) -> None:
    errors = [Broken(test=f"test {i}", claim=CENTRAL, error="the oven is cold") for i in range(broke)]
    found = answer(central(*outcomes), [*errors, Broken(test="another", claim="it-drops", error="cold, too")])
    assert found.word == word
    assert says in found.sentences[0]
    assert f"({broke + 1} tests broke and have no verdict)" in found.sentences[1]


def test_a_claim_of_which_no_verdict_can_be_relied_on_says_so() -> None:
    found = answer(central("holds", "holds", undertrained=["LR, 256"]))
    assert "; none of the decided ones can be relied on." in found.sentences[0]


def test_what_the_paper_states_is_counted_apart_from_what_goes_beyond() -> None:
    beyond = [entry(standing="extension", outcome="fails"), entry(standing="detail")]
    found = answer([entry(), entry(outcome="undecided"), *beyond])
    further = "(2 further tests went beyond its text)"
    told = f"Of 2 tests of what the paper says itself, 1 holds and 1 is undecided {further}."
    assert found.sentences[1] == told
    assert answer(beyond).sentences[1].startswith("Nothing that the paper says itself was tested")


def test_a_sentence_counts_what_the_paper_says_itself_and_the_rest_beside_it() -> None:
    beyond = [entry(standing="extension", outcome="fails"), entry(standing="detail"), entry(standing="extension")]
    (found,) = sentences([entry(), entry(outcome="undecided"), *beyond])
    assert (found.tally.holds, found.tally.fails, found.tally.all) == (1, 0, 2)
    assert found.beyond.short == "2 hold, 1 fail of 3"
    assert found.told == "1 holds and 1 is undecided; beyond the paper's text 2 hold, 1 fail of 3"
    (ours,) = sentences(beyond)
    assert (ours.tally.all, ours.told) == (0, "beyond the paper's text 2 hold, 1 fail of 3")
    assert sentences([entry()])[0].beyond.short == ""


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, []),
        ({"undertrained": ["LR, 256"]}, [UNLEARNT]),
        ({"equal_amount": EQUAL}, [UNEQUAL]),
        ({"equal_amount": {**EQUAL, "outcome": "holds"}}, []),
        ({"sound": SOUND}, [ATTACK]),
        ({"family_wise": False}, [ALONE]),
        ({"family_wise": False, "outcome": "fails"}, []),
    ],
)
def test_a_verdict_is_not_relied_on_for_a_reason(changes: dict[str, Any], why: list[str]) -> None:
    assert doubts(entry(**changes)) == why


def test_only_what_is_decided_can_be_relied_on() -> None:
    found = tally([entry(), entry(outcome="fails"), entry(outcome="undecided"), entry(outcome="not learnt")])
    assert (found.holds, found.fails, found.undecided, found.unlearnt, found.sure, found.all) == (1, 1, 1, 1, 2, 4)


def test_how_far_many_verdicts_can_be_trusted_is_said_for_their_number() -> None:
    few, many = [entry()], [entry(family_wise=i < 3) for i in range(60)]
    assert in_words(few).endswith(
        "; the one that holds is clear enough to stand even if all are to be right at once (Holm's correction)."
    )
    assert in_words(many).startswith(
        "Each verdict alone is wrong in at most 5% of cases, so of 60 about 3 may be wrong"
    )
    assert "; 3 of the 60 that hold are clear enough" in in_words(many)
    looks = [
        {"seeds": 3, "level": 0.05, "decided": False, "data": "a"},
        {"seeds": 5, "level": 0.01, "decided": True, "data": "b"},
    ]
    assert in_words([entry(), entry(looks=looks)]).startswith(
        "Each verdict alone is wrong in at most 5% of cases (1 to which seeds were added after a look in at most 6.25%)"
    )
    assert in_words([entry(outcome="fails")]).endswith("; none of them holds.")
    assert in_words([]) == "There is no verdict."


def test_another_paper_s_answer_is_about_its_own_claim() -> None:
    other = Paper("Another", "it-drops", "that it drops")
    entries = [entry(id=CENTRAL, outcome="fails"), entry(id="it-drops", outcome="holds")]
    assert answer(entries, (), other).word == "Holds"
    assert answer(entries, (), other).sentences[0].startswith("The paper's central claim, that it drops, holds")
    assert [sentence.id for sentence in sentences(entries, other)] == ["it-drops", CENTRAL]
