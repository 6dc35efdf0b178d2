"""What runs took sets the table of rates right: those in a store, and those that are like one that was made."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from costed import READING, RUN, STDCNN, whole
from worlds import prepared

from repro.experiment.readings import Reading, of_checkpoints, transfer
from repro.runs import costs as module
from repro.runs.costs import Costs, Took, known, took
from repro.runs.rates import measured
from repro.runs.run import Run
from repro.runs.store import Store

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


def test_what_a_processor_took_says_nothing_of_a_gpu() -> None:
    on_gpu = replace(STDCNN, device="cuda")
    assert Costs(MADE).seconds(on_gpu) == Costs().seconds(STDCNN)
    both = Costs([*MADE, (on_gpu, None, SLOW[0] / 30)])
    assert both.seconds(replace(on_gpu, seed=3)) == pytest.approx(SLOW[0] / 30)
    assert both.seconds(STDCNN, READING) == pytest.approx(SLOW[1])


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
