import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from worlds import conditions, fill, fill_measures, is_of, recipe_of, under

from repro.errors import ReproError
from repro.experiment.readings import BY_DEFAULT
from repro.experiment.recipes import BENCHMARK, LR, LR_BS
from repro.experiment.tasks import C1_CIFAR10, M1_MNIST, RESNET18_CIFAR10
from repro.runs.run import Run
from repro.runs.store import Store
from repro.verdicts.curves import FGSM, LAMBDA1, MEASURES, PGD, TEST_ACCURACY, Curve, Measure, read

CURVE = Curve(M1_MNIST, LR_BS(), FGSM)


def coded(run: Run) -> dict[str, float]:
    """Values that tell which run they are of: the seed, the batch size, the measure."""
    place = 0.1 * run.seed + run.batch_size / 10_000
    return {
        "test_accuracy": 0.001 + place,
        "fgsm_accuracy": 0.002 + place,
        "pgd_accuracy": 0.003 + place,
        "lambda1": 4.0 + place,
        "train_accuracy": 0.9 + 0.01 * run.seed,
        "median_margin": float(run.batch_size),
    }


@pytest.mark.parametrize(
    ("measure", "mark"), [(TEST_ACCURACY, 0.001), (FGSM, 0.002), (PGD, 0.003), (LAMBDA1, 4.0)], ids=str
)
def test_values_are_seeds_by_batch_sizes(tmp_path: Path, measure: Measure, mark: float) -> None:
    where = conditions()
    curve = Curve(M1_MNIST, LR_BS(), measure)
    measured = read(curve, fill(Store(tmp_path), curve.runs(where), coded), where)
    sizes = np.array([64, 128, 256])
    expected = mark + 0.1 * np.arange(3)[:, None] + sizes / 10_000
    assert measured.batch_sizes == (64, 128, 256)
    assert measured.values == pytest.approx(expected)
    assert [cell.median_margin for cell in measured.column(1)] == [128.0] * 3
    assert [cell.train_accuracy for cell in measured.column(0)] == pytest.approx([0.9, 0.91, 0.92])
    assert [[cell.run for cell in row] for row in measured.cells] == [
        [where.run(M1_MNIST, LR_BS(), size, seed).key for size in (64, 128, 256)] for seed in range(3)
    ]


def test_a_curve_reads_its_own_recipe(tmp_path: Path) -> None:
    where, marks = conditions(), {LR(): 0.3, LR_BS(): 0.5, BENCHMARK: 0.7}
    curves = [Curve(M1_MNIST, recipe, FGSM) for recipe in marks]
    store = Store(tmp_path)
    fill(store, {r for c in curves for r in c.runs(where)}, lambda run: {"fgsm_accuracy": marks[recipe_of(run)]})
    for curve in curves:
        assert set(read(curve, store, where).values[:, 1:].flat) == {marks[curve.recipe]}


@pytest.mark.parametrize(
    ("measure", "step"), [(TEST_ACCURACY, 100 / 512), (FGSM, 100 / 64), (PGD, 100 / 64), (LAMBDA1, 0)]
)
def test_an_accuracy_is_rounded_to_one_of_its_images(tmp_path: Path, measure: Measure, step: float) -> None:
    where, curve = conditions(), Curve(M1_MNIST, LR_BS(), measure)
    measured = read(curve, fill(Store(tmp_path), curve.runs(where), coded), where)
    assert measured.sample.step == pytest.approx(step)


def test_samples_stand_on_the_measures_scale_with_the_floor_of_accuracies(tmp_path: Path) -> None:
    where = conditions()
    store = fill(Store(tmp_path), CURVE.runs(where), coded)
    accuracy = read(CURVE, store, where)
    assert accuracy.sample.values == pytest.approx(100 * accuracy.values)
    assert accuracy.sample.floor == 0.0  # an attack may leave nothing right
    assert read(replace(CURVE, measure=TEST_ACCURACY), store, where).sample.floor == pytest.approx(10.0)
    curvature = read(Curve(M1_MNIST, LR_BS(), LAMBDA1), store, where)
    assert curvature.sample.values == pytest.approx(np.log(curvature.values))
    assert curvature.sample.floor == -math.inf


@pytest.mark.parametrize("measure", MEASURES.values(), ids=str)
def test_a_diverged_run_is_at_chance_and_has_no_other_value(tmp_path: Path, measure: Measure) -> None:
    where = conditions()
    curve = Curve(M1_MNIST, LR_BS(), measure)
    lost = where.run(M1_MNIST, LR_BS(), 256, 1)
    store = fill(Store(tmp_path), curve.runs(where), lambda run: None if run == lost else {})
    measured = read(curve, store, where)
    value = measured.values[1, 2]
    assert value == 0.1 if measure is TEST_ACCURACY else math.isnan(value)
    assert np.isfinite(np.delete(measured.values, 5)).all()
    cell = measured.cells[1][2]
    assert cell.diverged
    assert not cell.undertrained  # which counts those that went to their end
    assert math.isnan(cell.train_accuracy)


@pytest.mark.parametrize(("accuracy", "undertrained"), [(0.0, True), (0.8499, True), (0.85, False), (1.0, False)])
def test_a_cell_is_undertrained_below_85_per_cent_of_its_training_data(
    tmp_path: Path, accuracy: float, undertrained: bool
) -> None:
    where = conditions(seeds=1)
    store = fill(Store(tmp_path), CURVE.runs(where), lambda _: {"train_accuracy": accuracy})
    assert {cell.undertrained for cell in read(CURVE, store, where).cells[0]} == {undertrained}


def test_a_run_that_is_not_stored_is_named(tmp_path: Path) -> None:
    where = conditions()
    *stored, missing = CURVE.runs(where)
    store = fill(Store(tmp_path), stored)
    with pytest.raises(ReproError, match=missing.key):
        read(CURVE, store, where)


def test_measures_taken_another_way_are_not_read(tmp_path: Path) -> None:
    here = conditions()
    store = fill(Store(tmp_path), CURVE.runs(here))
    scale = here.regime.scale(M1_MNIST)
    other = here.regime.overridden(reading=type(scale.reading)(512, 64, 5, 64))  # one more step of PGD
    with pytest.raises(ReproError, match="is not in"):
        read(CURVE, store, under(other))


def test_a_curve_has_a_run_for_every_batch_size_and_seed() -> None:
    runs = CURVE.runs(conditions(batch_sizes=(64, 512), seeds=2))
    assert [(run.seed, run.batch_size) for run in runs] == [(0, 64), (0, 512), (1, 64), (1, 512)]
    assert all(is_of(run, LR_BS()) and run.task == M1_MNIST for run in runs)


def test_measures_of_one_network_are_of_the_same_runs() -> None:
    where = conditions()
    assert len({tuple(Curve(M1_MNIST, LR(), measure).runs(where)) for measure in MEASURES.values()}) == 1


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_fixed_learning_rate_and_ratio_share_their_runs_at_64_alone(momentum: float) -> None:
    where = conditions(batch_sizes=(32, 64, 128, 1024))
    fixed = set(Curve(M1_MNIST, LR(momentum), FGSM).runs(where))
    ratio = set(Curve(M1_MNIST, LR_BS(momentum), FGSM).runs(where))
    assert {run.batch_size for run in fixed & ratio} == {64}
    assert len(fixed & ratio) == 3  # one a seed


def test_only_resnet18_has_a_width_to_narrow() -> None:
    where = conditions()
    narrow = under(where.regime.overridden(width=8))
    widths = {task: Curve(task, LR(), FGSM).runs(narrow)[0].width for task in (C1_CIFAR10, RESNET18_CIFAR10)}
    assert widths == {C1_CIFAR10: 64, RESNET18_CIFAR10: 8}


def test_published_data_surrogate_and_device_make_different_runs() -> None:
    cpu = conditions()
    gpu = type(cpu)(cpu.regime, cpu.sources, "cuda")
    surrogate = conditions(data="surrogate")
    assert len({CURVE.runs(where)[0].key for where in (cpu, gpu, surrogate)}) == 3


def test_a_reading_that_could_not_be_taken_has_no_value_rather_than_the_first_ones(tmp_path: Path) -> None:
    """A network on the verge of divergence: measured under the first reading, not under a harder attack."""
    here = replace(conditions(), readings=("sound-attack", "epsilon-in-pixels"))
    curve = Curve(M1_MNIST, BENCHMARK, FGSM)
    store = fill(Store(tmp_path), curve.runs(here))
    (other,) = [o for o in here.alternatives(M1_MNIST) if o.name == "epsilon-in-pixels"]
    for run in curve.runs(here):
        store.put_measures(run, other.reading, {"measures": {}, "seconds": 0.0})
    found = read(curve, store, here, other)
    assert np.isnan(found.values).all()
    assert all(cell.diverged for row in found.cells for cell in row)
    assert not any(cell.diverged for row in read(curve, store, here).cells for cell in row)


def test_epsilon_in_pixels_is_no_other_reading_where_the_units_agree() -> None:
    here = replace(conditions(), readings=BY_DEFAULT)
    names = {task: [other.name for other in here.alternatives(task)] for task in (M1_MNIST, C1_CIFAR10)}
    assert names == {M1_MNIST: [*BY_DEFAULT], C1_CIFAR10: ["sound-attack", "lambda1-test"]}
    jobs = {task: Curve(task, BENCHMARK, PGD).jobs(here) for task in names}
    assert len(jobs[M1_MNIST]) == 3 * 9  # the first reading, that of two seeds together, and the other
    assert len(jobs[C1_CIFAR10]) == 2 * 9


@pytest.mark.parametrize(("name", "images"), [("sound-attack", 64), ("epsilon-in-pixels", 16)])
def test_a_value_under_another_reading_is_a_share_of_the_images_that_it_takes(
    tmp_path: Path, name: str, images: int
) -> None:
    here = replace(conditions(), readings=(name,))
    curve = Curve(M1_MNIST, BENCHMARK, PGD)
    (other,) = [o for o in here.alternatives(M1_MNIST) if o.name == name]
    store = fill(Store(tmp_path), curve.runs(here))
    if not other.free:
        fill_measures(store, curve.runs(here), other.reading, lambda _: {"pgd_accuracy": 0.25})
    assert read(curve, store, here, other).images == images
    assert read(curve, store, here).images == 64


def test_the_strongest_attack_in_pixels_is_read_off_the_measures_of_epsilon_in_pixels(tmp_path: Path) -> None:
    """Which it costs nothing beside: every attack is taken with both."""
    both = replace(conditions(), readings=("epsilon-in-pixels", "sound-attack-in-pixels"))
    alone = replace(conditions(), readings=("sound-attack-in-pixels",))
    curve = Curve(M1_MNIST, BENCHMARK, FGSM)
    assert len(curve.jobs(both)) == len(set(curve.jobs(both))) == len(curve.jobs(alone)) == 3 * 9
    store = fill(Store(tmp_path), curve.runs(both))
    blinded, strongest = both.alternatives(M1_MNIST)
    fill_measures(
        store, curve.runs(both), strongest.reading, lambda _: {"fgsm_accuracy": 0.5, "fgsm_sound_accuracy": 0.125}
    )
    assert (read(curve, store, both, blinded).values == 0.5).all()
    assert (read(curve, store, both, strongest).values == 0.125).all()


def test_the_runs_of_a_line_are_those_of_its_seeds_and_whoever_changes_the_list_changes_his_own() -> None:
    where = conditions(seeds=2)
    expected = [where.run(M1_MNIST, LR_BS(), size, seed) for seed in (0, 1) for size in (64, 128, 256)]
    CURVE.runs(where).clear()
    assert CURVE.runs(where) == expected
    assert len(CURVE.runs(where.with_seeds(3))) == 9
    assert where.runs(M1_MNIST, LR_BS(), (256,)) == [run for run in expected if run.batch_size == 256]
