"""Verdicts whose instruments are checked first: a check that fails makes an error of them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from worlds import Results, case_of, conditions, fill, fill_measures, fill_transfer

from repro.errors import ReproError
from repro.experiment.recipes import LR, LR_BS
from repro.experiment.tasks import STDCNN_MNIST
from repro.runs.run import Run
from repro.runs.store import Store
from repro.statistics.equivalence import Flat
from repro.statistics.pairs import Mostly
from repro.statistics.trends import Rises
from repro.statistics.units import factor, points
from repro.verdicts.claim import Case
from repro.verdicts.curves import FGSM, LAMBDA1, PGD, TEST_ACCURACY, Curve, Measure
from repro.verdicts.deciding import judge
from repro.verdicts.entry import json_of
from repro.verdicts.soundness import InstrumentError
from repro.verdicts.verdict import Verdict

HERE = conditions()
INSTRUMENTS = {
    "images": 32.0,
    "clean_accuracy": 0.9,
    "noise_accuracy": 0.88,
    "fgsm_margin_accuracy": 0.6,
    "pgd_margin_accuracy": 0.5,
    "pgd_half_accuracy": 0.7,
    "pgd_double_accuracy": 0.2,
    "pgd_large_accuracy": 0.0,
    "right_without_gradient": 0.0,
    "disagreement": 0.0,
}
CURVATURE = {"lambda1_residual": 0.01, "lambda1_smallest": -1.0, "lambda1_elsewhere": 12.0, "lambda1_error": 5.0}


def case(measure: Measure) -> Case:
    within = factor(2) if measure is LAMBDA1 else points(5)
    return case_of(Curve(STDCNN_MNIST, LR_BS(), measure), holds_if=Flat(within))


RUNS = case(FGSM).runs(HERE)
ILL = next(run for run in RUNS if (run.batch_size, run.seed) == (128, 1))


def sound(_: Run) -> dict[str, Any]:
    return {**CURVATURE, "instruments": INSTRUMENTS}


def ill(numbers: Mapping[str, float]) -> Results:
    """Sound instruments but for those of one run, which has these numbers."""

    def results(run: Run) -> dict[str, Any]:
        own, shared = sound(run), {name: n for name, n in numbers.items() if name in INSTRUMENTS}
        return {**own, **numbers, "instruments": {**INSTRUMENTS, **shared}} if run == ILL else own

    return results


def judged(folder: Path, of: Case, results: Results = sound, transferred: float | None = 0.8) -> Verdict:
    store = fill(Store(folder), of.runs(HERE), results)
    if transferred is not None:
        fill_transfer(store, of.runs(HERE), transferred)
    return judge(of, store, HERE)


@pytest.mark.parametrize(("measure", "checks"), [(FGSM, 5), (PGD, 7), (LAMBDA1, 4)])
def test_the_evidence_says_how_many_checks_were_made(tmp_path: Path, measure: Measure, checks: int) -> None:
    found = judged(tmp_path, case(measure))
    assert found.reproduced
    assert f"  instruments: {9 * checks} checks on 9 runs, none failed\n" in found.evidence
    sampling = 0.25 if measure is LAMBDA1 else None
    entry = {"runs": 9, "checks": 9 * checks, "unchecked": [], "doubtful": 0, "lambda1_sampling": sampling}
    assert json.loads(json_of(found.entry()))["instruments"] == entry
    assert ("standard error for the choice of images: up to 25% of it" in found.evidence) is (measure is LAMBDA1)


FAULTS: dict[str, tuple[dict[str, float], set[Measure]]] = {
    "large-epsilon-leaves-nothing": ({"pgd_large_accuracy": 0.9}, {FGSM, PGD}),
    "gradient-not-zero": ({"right_without_gradient": 0.5}, {FGSM, PGD}),
    "fgsm-beats-noise": ({"noise_accuracy": 0.3}, {FGSM, PGD}),
    "lambda1-is-the-top": ({"lambda1_elsewhere": 30.0}, {LAMBDA1}),
    "lambda1-converged": ({"lambda1_residual": 5.0}, {LAMBDA1}),
    "same-logits": ({"disagreement": 0.5}, {FGSM, PGD, LAMBDA1}),
}


@pytest.mark.parametrize(("check", "fault"), FAULTS.items(), ids=FAULTS)
@pytest.mark.parametrize("measure", [FGSM, PGD, LAMBDA1, TEST_ACCURACY], ids=lambda measure: measure.field)
def test_a_check_that_fails_on_one_run_is_an_error_for_claims_on_its_measures_alone(
    tmp_path: Path, check: str, fault: tuple[dict[str, float], set[Measure]], measure: Measure
) -> None:
    numbers, touched = fault
    if measure not in touched:
        assert judged(tmp_path, case(measure), ill(numbers)).reproduced
        return
    with pytest.raises(InstrumentError) as raised:
        judged(tmp_path, case(measure), ill(numbers))
    name = check.replace("fgsm-beats", "pgd-beats") if measure is PGD else check
    assert str(raised.value).startswith(f"check {name} failed on {ILL}: ")
    assert "\n" not in str(raised.value)
    assert isinstance(raised.value, ReproError)


def test_images_made_on_another_seeds_network_fool_no_better(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match=r"check fgsm-beats-transfer failed on .*and 8 more failures"):
        judged(tmp_path, case(FGSM), transferred=0.2)


def test_a_check_of_a_measure_allows_for_the_images_that_it_is_of_and_not_for_the_fewer_of_the_others(
    tmp_path: Path,
) -> None:
    """Of 64 images a share may be off by 17 points by chance, of the 32 of the other numbers by 25."""
    assert judged(tmp_path / "near", case(FGSM), transferred=0.45).reproduced
    with pytest.raises(InstrumentError, match="check fgsm-beats-transfer failed"):
        judged(tmp_path / "far", case(FGSM), transferred=0.4)


def in_doubt(*seeds: int) -> Results:
    """Eigenvalues that are flat but at one batch size of these seeds, where one image carries them."""

    def results(run: Run) -> dict[str, Any]:
        own = sound(run)
        return {**own, "lambda1_error": 50.0} if run.batch_size == 128 and run.seed in seeds else own

    return results


def test_eigenvalues_of_one_image_are_no_fault_and_decide_nothing(tmp_path: Path) -> None:
    found = judged(tmp_path, case(LAMBDA1), in_doubt(0, 2))
    assert found.word == "inconclusive"
    assert found.effect.endswith("fewer than four images carry lambda1 in 2 of 9 runs")
    assert found.entry().p == 1.0
    assert (found.further, found.looks) == (None, ())


def test_one_seed_in_doubt_decides_nothing_and_voids_nothing(tmp_path: Path) -> None:
    found = judged(tmp_path, case(LAMBDA1), in_doubt(1))
    assert found.reproduced
    assert "  instruments: 36 checks on 9 runs, 1 in doubt and no instrument broken\n" in found.evidence
    assert "fewer than four images carry lambda1 in 1 of 9 runs; the seeds without any come to the same" in found.notes
    assert found.flips_at == judged(tmp_path / "sound", case(LAMBDA1)).flips_at


def test_what_the_seeds_in_doubt_alone_show_is_undecided(tmp_path: Path) -> None:
    """All three seeds see no rise, for one is far below the others; the two without it see one."""
    of = case_of(Curve(STDCNN_MNIST, LR(), LAMBDA1), holds_if=Rises(factor(2)))

    def results(run: Run) -> dict[str, Any]:
        value = 10.0 if run.batch_size < 256 else 1.0 if run.seed == 1 else 200.0
        return {
            **sound(run),
            "lambda1": value,
            "lambda1_elsewhere": 1.0,
            "lambda1_error": 0.9 * value * (run.seed == 1),
        }

    found = judged(tmp_path, of, results)
    assert found.inconclusive
    assert found.looks  # for it might have come to a verdict


def test_what_holds_by_the_seeds_in_doubt_alone_is_undecided(tmp_path: Path) -> None:
    """Three seeds are enough to see that it is flat, and the two without the middle one are not."""

    def results(run: Run) -> dict[str, Any]:
        tilt = 1.2 ** ((run.seed - 1) * (run.batch_size == 256))
        error = 9.0 if run.seed == 1 else 1.0
        return {**sound(run), "lambda1": 10 * tilt, "lambda1_elsewhere": 5.0, "lambda1_error": error}

    assert judged(tmp_path / "sound", case(LAMBDA1), lambda run: {**results(run), "lambda1_error": 1.0}).reproduced
    found = judged(tmp_path, case(LAMBDA1), results)
    assert found.inconclusive
    assert found.effect.endswith("3 of 9 runs, and the seeds without any come to another verdict")
    assert found.entry().p > 0.05
    assert found.further is not None


@pytest.mark.parametrize(("sizes", "word"), [((128,), "trend seen"), ((128, 256), "inconclusive")])
def test_of_most_cases_those_in_doubt_count_against_what_is_decided(
    tmp_path: Path, sizes: tuple[int, ...], word: str
) -> None:
    """One of three cells of one seed leaves two thirds, two leave a third, and four seeds of five show no median."""
    lines = [Curve(STDCNN_MNIST, LR(momentum), LAMBDA1) for momentum in (0.0, 0.9)]
    here, of = conditions(seeds=5), case_of(*lines, holds_if=Mostly("lower"))

    def results(run: Run) -> dict[str, Any]:
        value = 3.0 if run.sgd.momentum else 10.0
        doubted = run.seed == 1 and run.batch_size in sizes and run.sgd.momentum
        return {**sound(run), "lambda1": value, "lambda1_elsewhere": 1.0, "lambda1_error": 0.9 * value * bool(doubted)}

    found = judge(of, fill(Store(tmp_path), of.runs(here), results), here)
    assert (found.word, found.further, len(found.looks)) == (word, None, 1)
    told = f"fewer than four images carry lambda1 in {len(sizes)} of 30 runs"
    if len(sizes) == 1:
        assert f"{told}; it comes to the same whatever those are" in found.notes
    else:
        assert found.effect.endswith(f"{told}, and the verdict hangs on what those are")


def test_the_verdict_at_equal_training_has_the_doubts_of_the_same_runs(tmp_path: Path) -> None:
    """Under LR/BS every run has come to the same amount, so that the verdict there is that on the same eigenvalues."""
    matched = judged(tmp_path, case(LAMBDA1), in_doubt(0, 1)).matched
    assert matched is not None
    assert matched.entry.verdict == "inconclusive"
    assert "fewer than four images carry lambda1" in matched.entry.shown


def test_an_eigenvalue_of_a_state_or_under_another_reading_that_has_not_converged_decides_nothing(
    tmp_path: Path,
) -> None:
    """The checks of a run's instruments are not of these; that the search ended is known of every eigenvalue."""
    here = replace(HERE, readings=("lambda1-test",))
    of = case_of(Curve(STDCNN_MNIST, LR(), LAMBDA1), holds_if=Flat(factor(2)))
    (other,) = here.alternatives(STDCNN_MNIST)

    def judged_with(name: str, of_states: float, of_others: float) -> Verdict:
        def results(run: Run) -> dict[str, Any]:
            return {**sound(run), "lambda1_residual": 0.01 if run is run.whole else of_states}

        store = fill(Store(tmp_path / name), of.runs(here), results)
        numbers = {"lambda1": 10.0, **CURVATURE, "lambda1_residual": of_others}
        fill_measures(store, [run for run in of.runs(here) if run is run.whole], other.reading, lambda _: numbers)
        return judge(of, store, here)

    def told(found: Verdict) -> tuple[str, str, str]:
        assert found.matched is not None
        return found.word, found.matched.entry.verdict, found.others[0].verdict

    assert told(judged_with("sound", 0.01, 0.01)) == ("trend seen",) * 3
    assert told(judged_with("states", 5.0, 0.01)) == ("trend seen", "inconclusive", "trend seen")
    assert told(judged_with("others", 0.01, 5.0)) == ("trend seen", "trend seen", "inconclusive")


@pytest.mark.parametrize("measure", [FGSM, PGD], ids=lambda measure: measure.field)
def test_saturated_cross_entropy_is_no_fault_and_is_told_beside_the_verdict(tmp_path: Path, measure: Measure) -> None:
    """What the paper measured is decided as it measured it, and what the strongest attack leaves stands beside it."""

    def saturates(run: Run) -> dict[str, Any]:
        return {**sound(run), "saturated": 0.9, **({str(measure.sound): 0.2} if run.batch_size == 256 else {})}

    found = judged(tmp_path, case(measure), saturates)
    assert found.reproduced
    other = found.entry().sound
    assert other is not None
    assert (other.name, other.outcome) == ("sound-attack", "fails")
    assert found.others == ()
    assert "as the paper measures: trend seen; by the strongest attack" in found.evidence


@pytest.mark.parametrize("measure", [FGSM, LAMBDA1], ids=lambda measure: measure.field)
def test_what_was_not_measured_of_the_instruments_is_said_not_to_be_checked(tmp_path: Path, measure: Measure) -> None:
    found = judged(tmp_path, case(measure), lambda _: {}, transferred=None)
    assert found.reproduced
    assert "  instruments: 0 checks on 9 runs, none failed; not made on every run: same-logits, " in found.evidence
    instruments = found.entry().instruments
    assert instruments is not None
    assert instruments.checks == 0
    assert len(instruments.unchecked) == {FGSM: 5, LAMBDA1: 4}[measure]


def test_a_check_that_some_runs_lack_a_number_for_is_named(tmp_path: Path) -> None:
    found = judged(tmp_path, case(FGSM), transferred=None)
    assert (
        "  instruments: 36 checks on 9 runs, none failed; not made on every run: fgsm-beats-transfer\n"
        in found.evidence
    )


def test_of_a_measure_without_an_instrument_nothing_is_said(tmp_path: Path) -> None:
    assert "instruments" not in judged(tmp_path, case(TEST_ACCURACY), ill({"pgd_large_accuracy": 0.9})).evidence


def test_a_run_that_diverged_has_nothing_to_check(tmp_path: Path) -> None:
    found = judged(tmp_path, case(FGSM), lambda run: None if run == ILL else sound(run))
    assert "  instruments: 40 checks on 8 runs, none failed\n" in found.evidence
