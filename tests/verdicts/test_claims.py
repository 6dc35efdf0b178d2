from collections.abc import Callable
from typing import Any

import pytest
from paper_tables import MOMENTA_OF_LR, MOMENTA_OF_RATIO, SETTINGS, numbers
from worlds import CLAIMS, Declared, conditions, declared, declared_in, under

from repro.errors import SettingError
from repro.experiment.recipes import BENCHMARK, LR, LR_BS
from repro.experiment.regimes import PAPER, QUICK, Regime
from repro.experiment.tasks import C1_CIFAR10, M1_MNIST
from repro.statistics.equivalence import Flat, Same
from repro.statistics.joint import Exists, Jointly
from repro.statistics.pairs import Mostly
from repro.statistics.trends import Drops, Lower
from repro.statistics.units import FACTOR, POINTS, points
from repro.verdicts.claim import Case, claim
from repro.verdicts.curves import FGSM, LAMBDA1, PGD, TEST_ACCURACY, Curve
from repro.verdicts.figures import FIGURES

# Where the paper makes each claim, and the lines of the figures that it is read from.
PLACES: dict[str, tuple[set[str], list[Any]]] = {
    "benchmark-generalisation-drops": ({"2"}, [SETTINGS]),
    "benchmark-robustness-drops": ({"2"}, [SETTINGS]),
    "benchmark-curvature-rises": ({"2"}, [SETTINGS]),
    "benchmark-matches-yao": ({"2"}, [SETTINGS]),
    "benchmark-differs-from-yao": ({"2"}, [SETTINGS]),
    "counter-example": ({"2.1"}, [SETTINGS]),
    "curvature-does-not-decide": ({"1", "2", "2.1"}, [SETTINGS, MOMENTA_OF_LR, MOMENTA_OF_RATIO]),
    "ratio-keeps-generalisation": ({"3"}, [SETTINGS]),
    "ratio-keeps-robustness": ({"abstract", "1", "3"}, [SETTINGS]),
    "ratio-keeps-curvature": ({"3"}, [SETTINGS]),
    "ratio-is-flatter": ({"1"}, [SETTINGS]),
    "ratio-changes-less": ({"(3)"}, [SETTINGS]),
    "ratio-generalises-better": ({"abstract"}, [SETTINGS]),
    "momentum-lowers-curvature": ({"1", "4", "4.1"}, [MOMENTA_OF_LR, MOMENTA_OF_RATIO]),
    "momentum-helps-generalisation": ({"4.1"}, [MOMENTA_OF_LR]),
    "momentum-helps-robustness": ({"1", "4.1"}, [MOMENTA_OF_LR, MOMENTA_OF_RATIO]),
    "momentum-matters-little-under-ratio": ({"4.2"}, [MOMENTA_OF_LR, MOMENTA_OF_RATIO]),
}
EVERY = [case for test in declared() for case in test.cases]

every_claim = pytest.mark.parametrize("test", declared(), ids=lambda test: test.test)


@every_claim
def test_a_claim_says_what_it_claims_where_and_why_its_margin(test: Declared) -> None:
    sections, _ = PLACES[test.claim.id]
    assert set(test.claim.section.split(", ")) <= sections
    assert test.claim.says.endswith(".")
    assert all(len(case.because.split()) >= 4 for case in test.cases)
    assert test.cases
    assert all(case.curves and case.claim is test.claim for case in test.cases)


@every_claim
def test_names_of_cases_are_unique_and_fit_for_a_command_line(test: Declared) -> None:
    assert list(test.ids) == [case.id for case in test.cases]
    assert len(set(test.ids)) == len(test.ids)
    assert all(not set(name) & set(" []/:'\"") for name in test.ids)


def test_two_tests_of_one_claim_on_one_task_have_different_names() -> None:
    """What tells them apart stands in the case, so that a row of a report is one test."""
    names = [(case.claim.id, case.id) for case in EVERY]
    assert len(set(names)) == len(names)


def test_names_of_cases_are_the_same_every_time() -> None:
    for path in CLAIMS.glob("test_*.py"):
        assert [test.ids for test in declared_in(path)] == [test.ids for test in declared_in(path)]


@every_claim
def test_its_figures_are_those_with_its_lines_and_measures(test: Declared) -> None:
    _, lines = PLACES[test.claim.id]
    for case in test.cases:
        shown = {
            number
            for recipes in lines
            for curve in case.curves
            if str(curve.recipe) in recipes
            for number in numbers(str(curve.task), recipes, str(curve.measure))
        }
        assert shown
        assert case.figures == sorted(shown)


@pytest.mark.parametrize(
    ("claim_id", "case_id", "figures"),
    [
        ("benchmark-generalisation-drops", "M1-MNIST", [9, 10]),
        ("benchmark-robustness-drops", "M1-MNIST-FGSM", [9]),
        ("benchmark-robustness-drops", "M1-MNIST-PGD", [10]),
        ("benchmark-curvature-rises", "StdCNN-MNIST", [13]),
        ("counter-example", "StdCNN-FashionMNIST-FGSM", [3, 4]),
        ("counter-example", "StdCNN-MNIST-PGD", [12, 13]),
        ("ratio-keeps-curvature", "StdCNN-FashionMNIST", [4]),
        ("ratio-is-flatter", "M1-FashionMNIST-LR-m=0", [20]),
        ("ratio-changes-less", "StdCNN-FashionMNIST-PGD-Benchmark", [21]),
        ("momentum-helps-generalisation", "C1-CIFAR10", [5, 27]),
    ],
)
def test_figures_of_single_cases(claim_id: str, case_id: str, figures: list[int]) -> None:
    (case,) = [case for case in EVERY if (case.claim.id, case.id) == (claim_id, case_id)]
    assert case.figures == figures


@every_claim
def test_a_margin_is_on_the_scale_of_its_curve(test: Declared) -> None:
    """A margin in points would be taken for a logarithm on a curve of eigenvalues."""
    for case in test.cases:
        parts = getattr(case.holds_if, "parts", (case.holds_if,))
        for part, curve in zip(parts, case.curves, strict=False):
            if part.margin.unit in (POINTS, FACTOR):
                assert part.margin.unit == curve.measure.unit


@every_claim
def test_all_curves_of_a_case_are_of_its_tasks_and_drawn_in_its_figures(test: Declared) -> None:
    for case in test.cases:
        assert {curve.task for curve in case.curves} == {*case.tasks}
        assert set(case.curves) <= {curve for number in case.figures for curve in FIGURES[number].curves}


@pytest.mark.parametrize("regime", [PAPER, QUICK], ids=lambda regime: regime.name)
@every_claim
def test_its_runs_are_known_in_every_regime(test: Declared, regime: Regime) -> None:
    for case in test.cases:
        lines = {(curve.task, curve.recipe) for curve in case.curves}
        points = [len(regime.scale(task).batch_sizes) * regime.scale(task).seeds for task, _ in lines]
        needed = case.runs(under(regime))
        whole = {run for run in needed if run.steps is None}
        assert max(points) <= len(whole) <= sum(points)
        assert {run.whole for run in needed} == whole  # the others are checkpoints of these
        assert len(needed) == len(set(needed)) <= 2 * len(whole)


def cases(test: Callable[..., None]) -> list[Case]:
    (mark,) = [mark for mark in test.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    assert mark.args[0] == "case"
    assert mark.kwargs["ids"] == [case.id for case in mark.args[1]]
    return list(mark.args[1])


WORDS = {"section": "0", "says": "So.", "because": "it is so"}


def test_a_claim_has_a_case_for_every_combination_the_last_axis_fastest() -> None:
    @claim(
        "an-example",
        on=(M1_MNIST, C1_CIFAR10),
        attack=(FGSM, PGD),
        than=(LR(), BENCHMARK),
        aspect="not worse",
        curves=lambda task, attack, than: (Curve(task, LR_BS(), attack), Curve(task, than, attack)),
        holds_if=Lower,
        **WORDS,
    )
    def test_example(verdict: object) -> None: ...

    found = cases(test_example)
    assert [case.id for case in found[:5]] == [
        "M1-MNIST-FGSM-LR-m=0-not-worse",
        "M1-MNIST-FGSM-Benchmark-not-worse",
        "M1-MNIST-PGD-LR-m=0-not-worse",
        "M1-MNIST-PGD-Benchmark-not-worse",
        "C1-CIFAR10-FGSM-LR-m=0-not-worse",
    ]
    assert len(found) == 8
    assert found[3].curves == (Curve(M1_MNIST, LR_BS(), PGD), Curve(M1_MNIST, BENCHMARK, PGD))


def test_every_value_of_an_axis_shows_in_the_name() -> None:
    rest = {"curves": lambda task, m: Curve(task, LR_BS(m), FGSM), "holds_if": Drops, **WORDS}

    @claim("an-example", on=(M1_MNIST,), m=(0.0, 0.9), **rest)
    def test_example(verdict: object) -> None: ...

    assert [case.id for case in cases(test_example)] == ["M1-MNIST-0.0", "M1-MNIST-0.9"]
    assert cases(test_example)[1].curves == (Curve(M1_MNIST, LR_BS(0.9), FGSM),)


def test_a_case_needs_each_of_its_runs_once() -> None:
    @claim(
        "an-example",
        section="0",
        says="So.",
        because="it is so",
        on=(M1_MNIST,),
        holds_if=Lower,
        curves=lambda task: (Curve(task, LR_BS(), LAMBDA1), Curve(task, LR(), LAMBDA1)),
    )
    def test_example(verdict: object) -> None: ...

    runs = cases(test_example)[0].runs(conditions())
    whole = [run for run in runs if run.steps is None]
    assert len(whole) == len(set(whole)) == 2 * 9 - 3  # at batch size 64 the two recipes are one
    # at 256 LR/BS comes to four times the training amount of LR, and is measured at that of LR too
    assert [(run.sgd, run.batch_size) for run in runs if run.steps is not None] == [(LR_BS().sgd(256), 256)] * 3
    assert len(runs) == len(set(runs)) == 15 + 3


def test_each_measure_has_its_own_margin_though_they_are_as_large() -> None:
    """FGSM and PGD accuracy both matter from five points on; a rule for two measures is given two margins."""

    @claim(
        "two-measures",
        section="1",
        says="Both fall.",
        on=(M1_MNIST,),
        curves=lambda task: (Curve(task, LR(), FGSM), Curve(task, LR(), PGD)),
        holds_if=lambda one, other: Jointly((Drops(one), Drops(other))),
    )
    def test_example(verdict: object) -> None: ...

    (of_both,) = cases(test_example)
    assert of_both.margins == (points(5), points(5))


@pytest.mark.parametrize(
    ("curves", "holds_if", "line"),
    [
        (2, Flat, r"claim 'wrong' \[M1-MNIST\]: Flat is decided from one curve, and is given 2 curves"),
        (1, Same, "Same is decided from two curves, and is given 1 curve"),
        (3, lambda margin: Jointly((Drops(margin),) * 2), "Jointly is decided from 2 curves, one for each part, and"),
        (3, lambda margin: Exists(margin, margin), "Exists is decided from an even number of curves, and is given 3"),
        (1, lambda one, _: Flat(one), "holds_if is given 1 margin, one for each measure of its curves: "),
    ],
)
def test_a_claim_with_a_wrong_number_of_curves_is_refused_where_it_is_declared(
    curves: int, holds_if: Any, line: str
) -> None:
    lines = [Curve(M1_MNIST, LR(momentum), TEST_ACCURACY) for momentum in (0.0, 0.2, 0.5)][:curves]
    with pytest.raises(SettingError, match=line):
        claim("wrong", section="1", says="", on=(M1_MNIST,), curves=lambda _: tuple(lines), holds_if=holds_if)


def test_groups_that_cannot_be_told_apart_are_refused() -> None:
    """Of two groups of one name one would take the place of the other, and nobody would see it go."""
    with pytest.raises(SettingError, match=r"'twice' \[M1-MNIST\]: speaks of M1-MNIST, LR twice as one"):
        claim(
            "twice",
            section="1",
            says="More is higher.",
            on=(M1_MNIST,),
            together=("attack",),
            attack=(FGSM, PGD),
            curves=lambda task, attack: (Curve(task, LR(), attack), Curve(task, LR(0.9), attack)),
            holds_if=Mostly("higher"),
        )
