import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import same_examples

from repro.statistics.estimands import Outcome
from repro.statistics.families import family, holm, wrong_by_chance

ps = st.lists(st.floats(0, 1), max_size=12)


def decision(p: float, outcome: Outcome | None = None) -> tuple[float, Outcome]:
    return p, outcome or (Outcome.HOLDS if p <= 0.05 else Outcome.UNDECIDED)


@pytest.mark.parametrize(
    ("found", "rejected"),
    [
        ([], []),
        ([0.04], [True]),
        ([0.01, 0.04, 0.03, 0.005], [True, False, False, True]),  # Holm's own way down: .0125, .0167, .025, .05
        ([0.02, 0.02, 0.02], [False] * 3),  # the smallest is above a third of 5%
        ([0.001, 0.024, 0.049], [True, True, True]),
        ([0.001, 0.026, 0.049], [True, False, False]),  # one that fails stops those after it
    ],
)
def test_holms_step_down(found: list[float], rejected: list[bool]) -> None:
    assert holm(found) == rejected


@given(ps)
@same_examples
def test_it_lies_between_bonferroni_and_each_on_its_own(found: list[float]) -> None:
    for p, rejected in zip(found, holm(found), strict=True):
        assert rejected <= (p <= 0.05)
        assert rejected >= (p <= 0.05 / len(found))


@given(ps, st.floats(0, 1))
@same_examples
def test_one_more_claim_saves_none(found: list[float], another: float) -> None:
    before, after = holm(found), holm([*found, another])[: len(found)]
    assert all(was >= now for was, now in zip(before, after, strict=True))


def test_among_true_nulls_one_is_wrong_in_one_family_of_twenty() -> None:
    generator = np.random.default_rng(0)
    wrong = sum(any(holm(list(generator.random(20)))) for _ in range(4000))
    assert 150 < wrong < 250  # 4.9% of 4,000 are 195, with a spread of 14


def test_only_what_holds_survives() -> None:
    found = [decision(0.0001), decision(0.04), decision(1.0), decision(0.9, Outcome.FAILS)]
    assert family(found) == [True, False, False, False]


def test_each_decision_may_be_wrong_by_chance() -> None:
    found = [decision(0.0001)] * 30 + [decision(1.0)] * 70
    assert wrong_by_chance(len(found)) == pytest.approx(5.0)
