"""What a run that is made again may differ by from the published one, and what an audit of a few says of all."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.errors import ReproError
from repro.report.remade import FALSE_ALARM, MEASURES, SURE, differences, lines, would_be_found


def values(accuracy: float, lambda1: float = 10.0) -> dict[str, float]:
    return {**dict.fromkeys(MEASURES, accuracy), "lambda1": lambda1}


NOTHING: list[dict[str, float]] = [{}, {}]
CELLS = [[values(0.80, 9.0), values(0.82, 11.0)], [values(0.60, 20.0), values(0.63, 26.0)]]


def test_the_same_weights_allow_no_more_than_rounding() -> None:
    close, far = values(0.8004, 10.05), values(0.801, 10.3)
    assert all(one.agrees for one in differences(values(0.80), close, [CELLS], 3, same_weights=True))
    assert not any(one.agrees for one in differences(values(0.80), far, [CELLS], 3, same_weights=True))


def test_other_weights_may_differ_as_two_seeds_do() -> None:
    found = {one.measure: one for one in differences(values(0.80), values(0.83, 12.0), [CELLS], 3, same_weights=False)}
    assert all(one.agrees for one in found.values())
    many = [cell for cell in CELLS for _ in range(5)]
    wrong = {one.measure: one for one in differences(values(0.80), values(0.6, 1e3), [many], 3, same_weights=False)}
    assert not wrong["test_accuracy"].agrees
    assert not wrong["lambda1"].agrees


def test_where_no_seeds_can_be_compared_nothing_is_allowed_for() -> None:
    for cells in ([[values(0.8)]], [[values(0.8), {}]]):
        with pytest.raises(ReproError, match="no batch size of its task has two seeds"):
            differences(values(0.8), values(0.8), [cells], 1, same_weights=False)
    assert all(one.agrees for one in differences(values(0.8), values(0.8), [[[values(0.8)]]], 1, same_weights=True))


def test_a_run_that_diverged_is_one_that_diverges_again() -> None:
    assert differences({}, {}, [CELLS], 1, same_weights=False) == []
    for pair in (({}, values(0.8)), (values(0.8), {"test_accuracy": 0.8})):
        found = {one.measure: one.agrees for one in differences(*pair, [[*CELLS, NOTHING]], 1, same_weights=False)}
        assert found == {name: name == "test_accuracy" and pair[0] != {} for name in MEASURES}
    told = "\n".join(lines(differences({}, values(0.8), [CELLS], 1, same_weights=True)))
    assert "published     none, anew   80.00%" in told


def test_a_false_alarm_is_as_rare_as_it_says() -> None:
    """Audits of three sound runs, by seeds and reruns of the same normal spread: one in a hundred alarms at most."""
    draws, alarms, generator = 4000, 0, np.random.default_rng(0)
    for _ in range(draws):
        seeds = 0.5 + 0.02 * generator.standard_normal((5, 3))
        cells = [[values(seed) for seed in cell] for cell in seeds]
        published, anew = 0.5 + 0.02 * generator.standard_normal((2, 3))
        pairs = zip(published, anew, strict=True)
        found = [
            one
            for pair in pairs
            for one in differences(values(pair[0]), values(pair[1]), [cells], 3, same_weights=False)
        ]
        alarms += not all(one.agrees for one in found if one.measure == "test_accuracy")
    assert alarms / draws < FALSE_ALARM / len(MEASURES) + 4 * math.sqrt(FALSE_ALARM / len(MEASURES) / draws)
    assert alarms > 0


@given(total=st.integers(1, 9), data=st.data())
def test_what_would_have_been_found_is_counted_out(total: int, data: st.DataObject) -> None:
    drawn = data.draw(st.integers(1, total))
    wrong = would_be_found(total, drawn)

    def met(count: int) -> float:
        draws = [*combinations(range(total), drawn)]
        return sum(min(draw) < count for draw in draws) / len(draws)

    assert met(wrong) >= SURE - 1e-12
    assert wrong == 1 or met(wrong - 1) < SURE


def test_lines_say_which_measure_differs() -> None:
    told = [*lines(differences(values(0.80), {**values(0.80), "pgd_accuracy": 0.9}, CELLS, 1, same_weights=True))]
    assert [line.endswith("DIFFERS") for line in told] == [name == "pgd_accuracy" for name in MEASURES]
    assert "published   80.00%, anew   90.00%, may differ by 0.05 points" in told[MEASURES.index("pgd_accuracy")]


def test_the_larger_of_what_the_task_and_the_line_scatter_by_counts_once_enough_of_the_line_is_known() -> None:
    quiet = [[values(0.80), values(0.81)] for _ in range(6)]
    loud = [[values(0.5), values(0.6)] for _ in range(6)]

    def allowed(*pools: list[list[dict[str, float]]]) -> float:
        return differences(values(0.8), values(0.8), pools, 1, same_weights=False)[0].allowed

    assert allowed(quiet, loud) == allowed(loud)
    assert allowed(quiet, loud[:1]) == allowed(quiet)


def test_where_seeds_scatter_so_much_that_any_fault_would_pass_it_says_so() -> None:
    (one, *_), (other, *_) = (
        differences(values(0.8), values(0.5), [[cell] * 8], 1, same_weights=False)
        for cell in ([values(0.3), values(0.9)], [values(0.80), values(0.81)])
    )
    assert (one.word, one.tells) == ("cannot tell", False)
    assert (other.word, other.tells) == ("DIFFERS", True)
