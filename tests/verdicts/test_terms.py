"""All that decides a claim moves its hash, and nothing else does."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from worlds import case_of, conditions

from repro.experiment import readings
from repro.experiment.networks import NETWORKS
from repro.experiment.precisions import TF32
from repro.experiment.recipes import BENCHMARK, LR_BS, SGD, Recipe
from repro.experiment.regimes import Regime
from repro.experiment.tasks import C1_CIFAR10, M1_MNIST
from repro.experiment.trained_as import HE, POOL_LAST
from repro.runs.conditions import Conditions
from repro.science.data.sources import Source
from repro.statistics.equivalence import Flat
from repro.statistics.units import points
from repro.verdicts import instrument_checks, terms
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, Curve, Measure
from repro.verdicts.declaration import changes, declaration, digest, folded, unfolded
from repro.verdicts.instrument_checks import Check

WHERE: Final = conditions()


def case(recipe: Recipe | None = None, measure: Measure = FGSM, **task: Any) -> Case:
    on = replace(M1_MNIST, dataset=replace(M1_MNIST.dataset, **task))
    return case_of(Curve(on, recipe or LR_BS(0.5), measure), holds_if=Flat(points(5)))


CASE: Final = case()
BEFORE: Final = declaration(CASE, WHERE)


def scaled(**scale: Any) -> Conditions:
    return replace(WHERE, regime=WHERE.regime.overridden(**scale))


def moved(now: Mapping[str, Any]) -> list[str]:
    """What is said of a declaration beside that of ``CASE``, whose hash has to be another."""
    assert digest(now) != digest(BEFORE)
    return changes(BEFORE, now)


SCALES: dict[str, tuple[dict[str, Any], str]] = {
    "epochs": ({"epochs": 40}, "epochs: 2 -> 40"),
    "the grid": ({"batch_sizes": (64, 128, 512)}, "batch_sizes.3: 256 -> 512"),
    "training images": ({"train_images": None}, "train_images: 1024 -> None"),
    "width": ({"width": 8}, "width: 64 -> 8"),
    "test images": ({"test_images": 8}, "reading.test_images: 512 -> 8"),
    "attacked images": ({"attacked_images": 8}, "reading.attacked_images: 64 -> 8"),
    "PGD's steps": ({"pgd_steps": 40}, "reading.pgd_steps: 4 -> 40"),
    "PGD's restarts": ({"pgd_restarts": 3}, "reading.pgd_restarts: 1 -> 3"),
    "epsilon's unit": ({"epsilon_unit": "pixels"}, "reading.epsilon_unit: network -> pixels"),
    "lambda1's images": ({"hessian_images": None}, "reading.hessian_images: 64 -> None"),
    "lambda1's split": ({"curvature_of": "test"}, "reading.curvature_of: train -> test"),
    "what is measured": ({"parts": ("accuracy", "attacks", "curvature")}, "reading.parts.4: instruments -> none"),
}


@pytest.mark.parametrize(("scale", "phrase"), SCALES.values(), ids=SCALES)
def test_how_a_task_is_trained_and_measured_is_hashed(scale: dict[str, Any], phrase: str) -> None:
    assert f"M1-MNIST.{phrase}" in moved(declaration(CASE, scaled(**scale)))


def test_the_batch_size_that_stands_for_the_papers_smallest_is_hashed_with_the_rates_that_it_sets() -> None:
    scale = WHERE.regime.scale(M1_MNIST)
    assert scale.anchor == 64
    rates = [f"LR/BS m=0.5 on M1-MNIST.{n}: {LR_BS(0.5).sgd(n)} -> {LR_BS(0.5).sgd(n, 16)}" for n in scale.batch_sizes]
    assert moved(declaration(CASE, scaled(anchor=16))) == ["M1-MNIST.anchor: 64 -> 16", *rates]


def test_a_schedule_that_passes_faster_is_hashed_by_the_rates_that_it_sets() -> None:
    sizes = WHERE.regime.scale(M1_MNIST).batch_sizes
    rates = [f"Benchmark on M1-MNIST.{n}: {BENCHMARK.sgd(n)} -> {BENCHMARK.sgd(n, 64, 5)}" for n in sizes]
    before, after = (declaration(case(BENCHMARK), where) for where in (WHERE, scaled(schedule_factor=5)))
    assert changes(before, after) == rates
    assert digest(before) != digest(after)


DATA: dict[str, tuple[dict[str, Any], str]] = {
    "epsilon": ({"epsilon": 0.05}, "epsilon: 0.3 -> 0.05"),
    "standardisation": ({"std": 0.5}, "std: 0.3081 -> 0.5"),
    "the split": ({"validation": 1}, "validation: 5000 -> 1"),
    "augmentation": ({"augmented": True}, "augmented: False -> True"),
}


@pytest.mark.parametrize(("fields", "phrase"), DATA.values(), ids=DATA)
def test_what_a_data_set_is_is_hashed(fields: dict[str, Any], phrase: str) -> None:
    assert moved(declaration(case(**fields), WHERE)) == [f"M1-MNIST.dataset.{phrase}"]


@pytest.mark.parametrize(
    ("where", "phrases"),
    [
        (replace(WHERE, trained_as=(HE,)), ["M1-MNIST.trained_as.1: none -> he-initialisation"]),
        (replace(WHERE, precision=TF32), ["M1-MNIST.precision: float32 -> tf32"]),
        (conditions(data="surrogate"), ["M1-MNIST.data: published -> surrogate"]),
    ],
    ids=["trained as", "precision", "surrogate"],
)
def test_in_what_the_runs_depart_is_hashed(where: Conditions, phrases: list[str]) -> None:
    assert moved(declaration(CASE, where)) == phrases


RULES: dict[str, Callable[[int, float], SGD]] = {
    "learning rate": lambda size, momentum: replace(LR_BS(momentum).sgd(size), learning_rate=30 * size),
    "momentum": lambda size, momentum: replace(LR_BS(momentum).sgd(size), momentum=0.1),
    "half life": lambda size, momentum: replace(LR_BS(momentum).sgd(size), half_life=5),
    "at one batch size": lambda size, momentum: LR_BS(momentum).sgd(min(size, 128)),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_a_recipe_sets_at_every_batch_size_is_hashed(rule: Callable[[int, float], SGD]) -> None:
    other = Recipe("LR/BS", 0.5, rule)
    phrases = moved(declaration(case(other), WHERE))
    expected = [
        f"LR/BS m=0.5 on M1-MNIST.{size}: {LR_BS(0.5).sgd(size)} -> {other.sgd(size)}"
        for size in (64, 128, 256)
        if LR_BS(0.5).sgd(size) != other.sgd(size)
    ]
    assert phrases == expected != []


@pytest.mark.parametrize("name", terms.NUMBERS)
def test_every_number_that_decides_in_all_claims_is_hashed(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    module, constant = terms.NUMBERS[name]
    was = getattr(module, constant)
    monkeypatch.setattr(module, constant, was / 2)
    assert moved(declaration(CASE, WHERE)) == [f"rules.{name}: {was:g} -> {was / 2:g}"]


def test_the_gates_that_decide_are_among_the_numbers() -> None:
    named = {constant for _, constant in terms.NUMBERS.values()}
    assert {"ERROR", "TRAINED", "CHANCE", "AT_CHANCE", "NEAR", "REPRODUCED", "ALPHA"} <= named


def test_the_version_of_the_rules_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terms, "RULES", terms.RULES + 1)
    assert moved(declaration(CASE, WHERE)) == [f"rules.version: {terms.RULES - 1} -> {terms.RULES}"]


def test_the_rule_of_pgds_step_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readings, "REACH", 2.0)
    assert moved(declaration(CASE, WHERE)) == ["M1-MNIST.reading.pgd_reach: 1.33333 -> 2"]


MEASURES: dict[str, tuple[dict[str, Any], str]] = {
    "the smallest difference that matters": ({"matters": points(1)}, "matters: 5 points -> 1 point"),
    "its floor": ({"floor": 0.1}, "floor: 0 -> 0.1"),
    "what a diverged run counts as": ({"diverged": 0.0}, "diverged: None -> 0"),
    "the largest that it can have": ({"ceiling": None}, "ceiling: 1 -> None"),
    "of how many images it is a share": ({"images": "test_images"}, "images: attacked_images -> test_images"),
    "its part of a reading": ({"part": "accuracy"}, "part: attacks -> accuracy"),
}


@pytest.mark.parametrize(("fields", "phrase"), MEASURES.values(), ids=MEASURES)
def test_what_a_measure_is_is_hashed(fields: dict[str, Any], phrase: str) -> None:
    assert moved(declaration(case(measure=replace(FGSM, **fields)), WHERE)) == [f"fgsm_accuracy.{phrase}"]


@pytest.mark.parametrize("check", instrument_checks.guarding(FGSM), ids=lambda check: check.name)
def test_every_check_of_its_instrument_is_hashed(monkeypatch: pytest.MonkeyPatch, check: Check) -> None:
    stricter = [replace(c, tolerated=c.tolerated / 2) if c is check else c for c in instrument_checks.CHECKS]
    monkeypatch.setattr(instrument_checks, "CHECKS", tuple(stricter))
    phrase = f"fgsm_accuracy.checks.{check.name}.tolerated: {check.tolerated:g} -> {check.tolerated / 2:g}"
    assert moved(declaration(CASE, WHERE)) == [phrase]
    monkeypatch.setattr(instrument_checks, "CHECKS", tuple(c for c in instrument_checks.CHECKS if c.name != check.name))
    assert all(name.startswith(f"fgsm_accuracy.checks.{check.name}.") for name in moved(declaration(CASE, WHERE)))


def test_the_checks_of_another_instrument_are_none_of_its_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple(c for c in instrument_checks.CHECKS if FGSM in c.guards)
    monkeypatch.setattr(instrument_checks, "CHECKS", others)
    assert declaration(CASE, WHERE) == BEFORE


def test_whether_a_check_that_fails_is_a_doubt_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instrument_checks, "DOUBTS", {"fgsm-beats-noise": "it is noisy"})
    assert moved(declaration(CASE, WHERE)) == ["fgsm_accuracy.doubts.1: none -> fgsm-beats-noise"]


def test_the_version_of_a_network_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    was = M1_MNIST.network.version
    monkeypatch.setitem(NETWORKS, "M1", replace(M1_MNIST.network, version=was + 1))
    assert moved(declaration(CASE, WHERE)) == [f"M1-MNIST.network_version: {was} -> {was + 1}"]


elsewhere = {name: Source(name, "published", Path("/elsewhere")) for name in WHERE.sources}
NOTHING: dict[str, tuple[Case, Conditions]] = {
    "more seeds": (CASE, scaled(seeds=50)),
    "seeds until decided": (CASE, replace(WHERE, until_decided=8)),
    "where the data lie": (CASE, replace(WHERE, sources=elsewhere)),
    "the device": (CASE, replace(WHERE, device="cuda")),
    "other readings beside the first": (CASE, replace(WHERE, readings=("lambda1-test",))),
    "the name of the regime": (CASE, replace(WHERE, regime=Regime("afternoon", WHERE.regime.scales))),
    "a departure that concerns other networks": (CASE, replace(WHERE, trained_as=(POOL_LAST,))),
    "another task's scale": (
        CASE,
        replace(
            WHERE,
            regime=Regime(
                "quick", {**WHERE.regime.scales, "C1-CIFAR10": WHERE.regime.scale(C1_CIFAR10).changed(epochs=9)}
            ),
        ),
    ),
    "the label": (case(measure=replace(FGSM, label="accuracy under FGSM")), WHERE),
    "the reason": (case(measure=replace(FGSM, because="so it is")), WHERE),
    "the sentence": (replace(CASE, claim=replace(CASE.claim, says="It hardly varies.")), WHERE),
    "the figures": (replace(CASE, claim=replace(CASE.claim, lines=())), WHERE),
}


@pytest.mark.parametrize(("other", "where"), NOTHING.values(), ids=NOTHING)
def test_what_decides_nothing_moves_nothing(other: Case, where: Conditions) -> None:
    assert digest(declaration(other, where)) == digest(BEFORE)


def test_terms_that_several_declarations_share_are_told_once_and_read_back() -> None:
    several = [BEFORE, declaration(case(LR_BS(0.9)), WHERE), declaration(case(measure=LAMBDA1), WHERE)]
    known: dict[str, Any] = {}
    short = [folded(one, known) for one in several]
    names = {(name, digest(term)) for one in several for name, term in one["under"].items()}
    assert len(known) == len(names) == 6  # the rules, the task, two recipes, two measures
    assert all(set(one["under"].values()) <= set(known) for one in short)
    assert [unfolded(one, known) for one in short] == several
    assert all(digest(term) == key for key, term in known.items())


def test_a_declaration_whose_terms_were_not_told_is_read_as_it_is() -> None:
    short = folded(BEFORE, {})
    assert unfolded(short, {}) == short
    assert unfolded({"claim": "old"}, {}) == folded({"claim": "old"}, {}) == {"claim": "old"}
    assert changes({"claim": "old"}, {"claim": "old", "under": BEFORE["under"]}) == ["under: none -> declared"]


def test_of_terms_those_that_both_have_are_compared() -> None:
    """Another measure is said by its name, and not once more by all that it is."""
    other = moved(declaration(case(measure=LAMBDA1), WHERE))
    assert other == ["curves.1.measure: fgsm_accuracy -> lambda1"]
