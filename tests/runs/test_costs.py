"""What runs cost: the work that is counted, the table that prices it, and how runs that were made set it right."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import prepared, same_examples

from repro.experiment.readings import ALL_PARTS, Part, Reading, of_checkpoints, transfer
from repro.experiment.recipes import BENCHMARK, LR
from repro.experiment.tasks import C1_CIFAR10, M1_MNIST, RESNET18_CIFAR10, STDCNN_MNIST, TASKS
from repro.runs import costs as module
from repro.runs.costs import Costs, Took, by_run, known, makespan, took
from repro.runs.rates import BUILT_IN, measured
from repro.runs.run import Job, Run
from repro.runs.store import Store
from repro.science.measuring import checks, instruments

READING = Reading(test_images=2048, attacked_images=256, pgd_steps=10, hessian_images=256)
RUN = Run(M1_MNIST, LR().sgd(64), 64, 0, 12, 1024, "published", "cpu")
STDCNN = replace(RUN, task=STDCNN_MNIST)


def whole(run: Run, reading: Reading, costs: Costs | None = None) -> float:
    """Seconds to train a run and to measure it."""
    costs = costs or Costs()
    return costs.seconds(run) + costs.seconds(run, reading)


def test_a_cost_counted_by_hand() -> None:
    """StdCNN at 5,500 gradients a second; forward passes cost a third, Hessian-vector products two each."""
    run = replace(RUN, task=STDCNN_MNIST, epochs=10, train_images=3000)
    trained = 10 * 3000
    looked_at = (3000 + 2048) / 3
    attacked = 256 * (1 + 1.4 * (1 + 0.6 * 10) + 4 / 3)
    curved = 2 * 9 * 256
    instruments = 32 * 12 + 2 * (2 * 256 + 3 * 256)
    total = trained + looked_at + attacked + curved + instruments
    assert whole(run, READING) == pytest.approx(total / 5500)


def priced(**seconds: float) -> Costs:
    """A machine on which everything is the built-in StdCNN's, but for what a test says."""
    return Costs(speeds={"StdCNN": replace(BUILT_IN["StdCNN"], **seconds)})


def test_a_step_costs_something_of_its_own_and_something_for_each_image() -> None:
    """70 images in batches of 32: two whole ones and one of 6, twice."""
    run, costs = replace(STDCNN, epochs=2, train_images=70, batch_size=32), priced(step=100.0, sample=1.0)
    assert costs.seconds(run) == pytest.approx(6 * 100 + 140)
    assert costs.seconds(replace(run, steps=4)) == pytest.approx(4 * 100 + 70 + 32)
    assert costs.seconds(replace(run, width=32)) == pytest.approx(6 * 100 + 140 / 4)


@pytest.mark.parametrize(
    ("rate", "parts"),
    [
        ("step", ()),
        ("forward", ("accuracy", "attacks", "transfer")),
        ("gradient", ("attacks", "instruments", "transfer")),
        ("product", ("curvature", "instruments")),
    ],
)
def test_each_rate_counts_where_its_work_is_done(rate: str, parts: tuple[Part, ...]) -> None:
    slower = priced(**{rate: 2 * getattr(BUILT_IN["StdCNN"], rate) + 1})
    readings = {part: replace(READING, parts=(part,)) for part in (*ALL_PARTS, "transfer")}
    dearer = {part for part, one in readings.items() if slower.seconds(STDCNN, one) > Costs().seconds(STDCNN, one)}
    assert dearer == set(parts)


def test_products_on_more_images_than_one_graph_is_kept_of_cost_more_each() -> None:
    run, curvature = replace(RUN, train_images=None), replace(READING, parts=("curvature",))
    kept, rebuilt = (Costs().seconds(run, replace(curvature, hessian_images=n)) for n in (512, 1024))
    assert rebuilt == pytest.approx(2 * 1.5 * kept)


def test_what_is_counted_of_the_instruments_is_what_they_do() -> None:
    """One place for each number: both read them from repro.science.measuring.checks."""
    for name in ("IMAGES", "SECOND_PRODUCTS"):
        assert getattr(module, name) == getattr(instruments, name) == getattr(checks, name)


@pytest.mark.parametrize(
    ("more", "of"),
    [
        *(({"epochs": 13}, "run"), ({"train_images": 1025}, "run"), ({"train_images": None}, "run")),
        *(({"task": C1_CIFAR10}, "run"), ({"task": RESNET18_CIFAR10}, "run")),
        *(({"test_images": 2049}, "reading"), ({"test_images": None}, "reading")),
        *(({"attacked_images": 257}, "reading"), ({"attacked_images": None}, "reading")),
        *(({"pgd_steps": 11}, "reading"), ({"pgd_restarts": 2}, "reading")),
        *(({"hessian_images": 257}, "reading"), ({"hessian_images": None}, "reading")),
    ],
    ids=str,
)
def test_more_work_costs_more(more: dict[str, object], of: str) -> None:
    run, reading = (replace(RUN, **more), READING) if of == "run" else (RUN, replace(READING, **more))
    assert whole(run, reading) > whole(RUN, READING)


@pytest.mark.parametrize("part", ALL_PARTS)
def test_parts_that_are_not_measured_cost_nothing(part: Part) -> None:
    others = tuple(p for p in ALL_PARTS if p != part)
    alone, rest = (Costs().seconds(RUN, replace(READING, parts=parts)) for parts in ((part,), others))
    assert alone > 0
    assert alone + rest == pytest.approx(Costs().seconds(RUN, READING))


def test_images_that_there_are_not_cost_nothing() -> None:
    assert whole(RUN, replace(READING, hessian_images=4096)) == whole(RUN, replace(READING, hessian_images=1024))


def test_seed_batch_size_and_recipe_cost_nothing_by_the_table() -> None:
    for other in (replace(RUN, seed=1), replace(RUN, batch_size=1024), replace(RUN, sgd=LR(0.9).sgd(64))):
        assert whole(other, READING) == whole(RUN, READING)


def test_half_the_width_of_resnet18_is_a_quarter_of_the_cost() -> None:
    run = replace(RUN, task=RESNET18_CIFAR10)
    assert whole(replace(run, width=32), READING) == pytest.approx(whole(run, READING) / 4)


def test_every_network_of_the_paper_has_built_in_rates() -> None:
    assert {task.architecture for task in TASKS.values()} == set(BUILT_IN)


# --- what runs took ---

SLOW = 3 * Costs().seconds(STDCNN), 2 * Costs().seconds(STDCNN, READING)  # to train, to measure
MADE: list[Took] = [(STDCNN, None, SLOW[0]), (STDCNN, READING, SLOW[1])]


def test_a_run_like_one_that_was_made_takes_as_long() -> None:
    costs, other = Costs(MADE), replace(STDCNN, seed=3)
    assert (costs.seconds(other), costs.seconds(other, READING)) == pytest.approx(SLOW)
    longer, fewer = replace(STDCNN, epochs=24), replace(STDCNN, train_images=512)
    assert [costs.seconds(run) for run in (longer, fewer)] == pytest.approx([2 * SLOW[0], SLOW[0] / 2])


@pytest.mark.parametrize(
    ("run", "reading", "factor"),
    [
        (replace(STDCNN, batch_size=256), None, 3),  # of another batch size
        (replace(STDCNN, precision="bfloat16"), None, 3),
        (STDCNN, replace(READING, pgd_steps=40), 2),  # as the reading is measured otherwise
        (STDCNN, transfer(READING), 2),
        (replace(STDCNN, width=32), READING, 2),
    ],
)
def test_what_is_less_like_a_run_that_was_made_follows_it_too(run: Run, reading: Reading | None, factor: float) -> None:
    assert Costs(MADE).seconds(run, reading) == pytest.approx(factor * Costs().seconds(run, reading))


def test_what_is_most_alike_decides() -> None:
    large, curvature = replace(STDCNN, batch_size=256), replace(READING, parts=("curvature",))
    more: list[Took] = [
        (large, None, 10 * Costs().seconds(large)),
        (STDCNN, curvature, 20 * Costs().seconds(STDCNN, curvature)),
    ]
    costs = Costs([*MADE, *more])
    assert costs.seconds(STDCNN) == pytest.approx(SLOW[0])
    assert costs.seconds(large) == pytest.approx(10 * Costs().seconds(large))
    assert costs.seconds(STDCNN, READING) == pytest.approx(SLOW[1])
    harder = replace(curvature, hessian_images=128)
    assert costs.seconds(STDCNN, harder) > 3 * Costs().seconds(STDCNN, harder)
    assert SLOW[0] < costs.seconds(replace(STDCNN, batch_size=128)) < 10 * Costs().seconds(STDCNN)  # between the two


def test_another_network_is_expected_to_take_as_much_more_as_all_that_was_made() -> None:
    costs, more = Costs(MADE), sum(SLOW) / whole(STDCNN, READING)
    assert costs.seconds(RUN) == pytest.approx(more * Costs().seconds(RUN))
    assert 2 < more < 3


RECORD = {"machine": "here", "diverged": False, "seconds": 4.0}


def keep(store: Store, run: Run, record: Mapping[str, Any] = RECORD, reading: Reading = READING) -> None:
    store.put_run(run, dict(record), lambda path: path.touch())
    store.put_measures(run, reading, {"reading": asdict(reading), "measures": {}, "seconds": 2.0})


def test_what_runs_took_is_read_from_a_store(store: Store) -> None:
    checkpoint = replace(RUN, steps=10)
    keep(store, RUN)
    keep(store, checkpoint, {**RECORD, "seconds": None}, of_checkpoints(READING))  # it was stored on the way
    found = [*took(store, "cpu", "here")]
    assert sorted(found, key=str) == sorted(
        [(RUN, None, 4.0), (RUN, READING, 2.0), (checkpoint, of_checkpoints(READING), 2.0)], key=str
    )


@pytest.mark.parametrize(
    "record",
    [
        {**RECORD, "machine": "elsewhere"},
        {**RECORD, "diverged": True},
        {**RECORD, "seconds": "long"},
        {"diverged": False, "seconds": 4.0},
        {},
    ],
    ids=str,
)
def test_what_says_nothing_of_this_machine_is_passed_over(store: Store, record: dict[str, Any]) -> None:
    keep(store, RUN, record)
    keep(store, STDCNN)
    assert {run for run, _, _ in took(store, "cpu", "here")} == {STDCNN}


def test_runs_of_another_device_say_nothing(store: Store) -> None:
    keep(store, replace(RUN, device="cuda"))
    assert [*took(store, "cpu")] == []
    assert len([*took(store, "cuda")]) == 2


@pytest.mark.parametrize("name", ["run.json", "measures-*.json"])
@pytest.mark.parametrize("text", ["", "{", "[]", "3", "\0", '{"run": {"task": "none"}, "machine": "here"}'])
def test_a_damaged_file_is_passed_over_and_left_alone(store: Store, name: str, text: str) -> None:
    keep(store, RUN)
    keep(store, STDCNN)
    (path,) = store.weights(RUN).parent.glob(name)
    path.write_text(text)
    assert {run for run, reading, _ in took(store, "cpu", "here") if reading} == {STDCNN}
    assert path.read_text() == text


def test_a_large_store_is_looked_at_in_part(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLE", 5)
    for seed in range(8):
        keep(store, replace(RUN, seed=seed))
    assert len({run for run, _, _ in took(store, "cpu")}) == 5


def test_runs_of_a_session_count_where_they_were_made_here_and_those_in_a_named_folder_wherever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, named = prepared(tmp_path / "mine"), prepared(tmp_path / "named")
    monkeypatch.setattr(module.platform, "node", lambda: "here")
    keep(mine, RUN)
    keep(mine, STDCNN, {**RECORD, "machine": "elsewhere"})
    keep(named, replace(STDCNN, seed=1), {**RECORD, "machine": "elsewhere"})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert {run for run, _, _ in known(mine, "cpu")} == {RUN}
    assert Costs(known(mine, "cpu")).says == "what 1 run took on this machine"
    monkeypatch.setenv("REPRO_RATES", str(named.root))
    assert {run for run, _, _ in known(mine, "cpu")} == {RUN, replace(STDCNN, seed=1)}
    assert Costs(known(mine, "cpu")).says == f"what 2 runs took here or in {named.root}"


def test_where_nothing_was_made_the_table_is_named_and_a_folder_that_is_of_no_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPRO_RATES", raising=False)
    assert Costs().says == (
        "built-in rates of one core of a 2-core AMD EPYC; `python -m repro calibrate` measures this machine in a minute"
    )
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / "file"):
        (tmp_path / "file").touch()
        monkeypatch.setenv("REPRO_RATES", str(path))
        assert measured("cpu") == path
        says = Costs(known(Store(tmp_path / "empty"), "cpu")).says
        assert f"; REPRO_RATES {path}: no such runs are stored there, and it is ignored; " in says


def test_a_machine_s_own_folder_is_not_that_of_its_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPRO_RATES", raising=False)
    assert measured("cpu") == measured("cpu") != measured("cuda")


# --- jobs beside each other ---

JOBS = st.lists(
    st.builds(
        lambda task, epochs, seed: Job(replace(RUN, task=task, epochs=epochs, seed=seed), READING),
        st.sampled_from(list(TASKS.values())),
        st.integers(1, 3),
        st.integers(0, 3),
    ),
    max_size=12,
    unique=True,
)


@given(jobs=JOBS, data=st.data())
@same_examples
def test_the_slowest_stand_first_in_one_order_however_they_come(jobs: list[Job], data: st.DataObject) -> None:
    ordered = Costs().of(jobs)
    assert set(ordered) == set(jobs)
    assert [*ordered.values()] == sorted(ordered.values(), reverse=True)
    assert all(seconds == pytest.approx(whole(*job)) for job, seconds in ordered.items())
    assert [*Costs().of(data.draw(st.permutations(jobs)))] == [*ordered]


LONG, SHORT = replace(RUN, epochs=100), replace(RUN, epochs=1)
CHECKPOINT = replace(RUN, steps=10)


def test_a_stored_run_that_lacks_a_reading_stands_behind_what_takes_longer_than_that_reading() -> None:
    jobs = [Job(LONG, READING), Job(SHORT, READING)]
    assert [job.run for job in Costs().of(jobs)] == [LONG, SHORT]
    assert [job.run for job in Costs().of(jobs, {LONG})] == [SHORT, LONG]


def test_a_checkpoint_costs_its_own_training_only_where_its_run_is_not_trained_now() -> None:
    first, job, further = Job(RUN, READING), Job(CHECKPOINT, of_checkpoints(READING)), Job(RUN, transfer(READING))
    costs = Costs()
    assert costs.of([first, job])[job] == costs.seconds(*job)
    assert costs.of([first, job], {RUN})[job] == whole(*job)
    assert costs.of([job])[job] == whole(*job)
    assert costs.of([job], {CHECKPOINT})[job] == costs.seconds(*job)
    assert costs.of([first, further])[further] == costs.seconds(*further)


def test_a_run_whose_schedule_is_compressed_costs_its_own_training_beside_that_of_the_whole_run() -> None:
    halved = replace(RUN, sgd=BENCHMARK.sgd(RUN.batch_size), epochs=10)
    short = halved.at(halved.amount / 2)
    first, job = Job(halved, READING), Job(short, of_checkpoints(READING))
    assert short.compressed
    assert Costs().of([first, job])[job] == whole(*job)
    assert Costs().of([first, job], {short})[job] == Costs().seconds(*job)


def test_the_order_follows_what_runs_took() -> None:
    """Where it takes long to measure, the run that is measured outlasts the one that is trained longer."""
    trained, measured = replace(STDCNN, epochs=40), replace(STDCNN, epochs=4)
    jobs = [Job(trained, replace(READING, hessian_images=1)), Job(measured, READING)]
    curvature = replace(READING, parts=("curvature",))
    assert [*Costs().of(jobs)] == jobs
    slow: list[Took] = [(STDCNN, None, Costs().seconds(STDCNN)), (STDCNN, curvature, 1000.0)]
    assert [*Costs(slow).of(jobs)] == jobs[::-1]


@given(jobs=JOBS, processes=st.integers(1, 9))
@same_examples
def test_the_end_lies_between_the_lower_bound_and_graham_s(jobs: list[Job], processes: int) -> None:
    """Source of the bounds: Graham 1969, Bounds on multiprocessing timing anomalies."""
    seconds = Costs().of(jobs)
    bound = max(sum(seconds.values()) / processes, max(seconds.values(), default=0.0))
    assert bound * (1 - 1e-9) <= makespan(seconds, processes) <= (2 - 1 / processes) * bound * (1 + 1e-9)


def test_an_end_worked_out_by_hand() -> None:
    first, second, third, fourth = (Job(replace(RUN, seed=seed), READING) for seed in range(4))
    seconds = {first: 4.0, second: 3.0, third: 2.0, fourth: 2.0}
    assert [makespan(seconds, n) for n in (1, 2, 3, 4, 9)] == [11, 6, 4, 4, 4]
    assert makespan({}, 3) == 0


def test_no_number_of_processes_ends_before_all_that_belongs_to_one_run() -> None:
    jobs = [Job(RUN, READING), Job(RUN, transfer(READING)), Job(CHECKPOINT, READING), Job(SHORT, READING)]
    seconds = dict(zip(jobs, (5.0, 2.0, 1.0, 3.0), strict=True))
    assert by_run(seconds) == {RUN: 8.0, SHORT: 3.0}
    assert makespan(seconds, 4) == 8
