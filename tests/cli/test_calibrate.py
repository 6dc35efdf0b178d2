"""`python -m repro calibrate`: short runs are made, kept, shown, and planned with."""

from pathlib import Path

import pytest

from repro.cli import calibrate as module
from repro.cli import main
from repro.experiment.recipes import LR
from repro.experiment.regimes import GRID
from repro.experiment.tasks import STDCNN_MNIST, TASKS
from repro.runs import calibration
from repro.runs.costs import Costs, known, took
from repro.runs.rates import measured
from repro.runs.run import Run
from repro.runs.store import Store

DONE, BAD_INPUT = 0, 2


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPRO_RATES", str(tmp_path / "rates"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # the small pictures are not the user's
    return tmp_path / "rates"


def quickly(*arguments: object) -> None:
    """In a new process: the same on very few images, of networks that are not wide."""
    from repro.runs import calibration
    from repro.science.data import sources, surrogate

    surrogate.TRAIN, surrogate.TEST, sources.SURROGATE_TRAIN = 300, 60, 300
    calibration.NETWORKS = tuple((task, 4, (2, 8), 2) for task, *_ in calibration.NETWORKS[1:])
    calibration.make_short_runs(*arguments)


def test_every_network_is_measured_beside_others_and_plans_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("REPRO_RATES", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(module, "_measure", quickly)
    store = Store(measured("cpu"))
    store.prepare()
    (store.root / "runs" / "of-another-day").mkdir()
    assert main(["calibrate", "--seconds", "5", "--processes", "2"]) == DONE
    text = capsys.readouterr().out
    assert f"with 2 processes side by side; kept in {store.root}" in text
    rows = {line.split()[0]: [float(number) for number in line.split()[4:]] for line in text.splitlines()[1:-1]}
    assert set(rows) == {task.architecture for task in TASKS.values()}
    assert all(len(row) == 4 and min(row) > 0 for row in rows.values())  # training and three kinds of measures
    runs = {run for run, _, _ in took(store, "cpu")}
    assert {run.seed for run in runs} >= {0, 1}  # those of one process and of the other
    assert {run.batch_size for run in runs} == {2, 8}
    assert not [*store.root.rglob("*.safetensors")]  # a wide network's are large
    assert not (store.root / "runs" / "of-another-day").exists()
    costs = Costs(known(Store(tmp_path / "none"), "cpu"))
    assert costs.says == f"what {len(runs)} runs took on this machine"


def test_runs_in_a_folder_that_the_user_names_stay(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be the store of a session."""
    run = Run(STDCNN_MNIST, LR().sgd(64), 64, 0, 1, 1024, "surrogate", "cpu")
    store = Store(kept)
    store.prepare()
    store.put_run(run, {}, lambda path: path.touch())
    monkeypatch.setattr(module, "_measure", quickly)
    assert main(["calibrate", "--seconds", "5", "--processes", "1"]) == DONE
    assert store.trained(run)
    assert store.weights(run).exists()
    assert [*took(store, "cpu")]


def test_a_folder_that_the_user_names_can_be_measured_into_again(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_measure", quickly)
    for _ in range(2):
        assert main(["calibrate", "--seconds", "5", "--processes", "1"]) == DONE
    assert [*took(Store(kept), "cpu")]


def test_all_networks_of_the_paper_are_measured_at_its_own_width_and_a_gpu_at_all_its_batch_sizes() -> None:
    assert {task.architecture for task, *_ in calibration.NETWORKS} == {task.architecture for task in TASKS.values()}
    assert {task.architecture for task, width, *_ in calibration.NETWORKS if width == 64} == {
        task.architecture for task in TASKS.values()
    }
    assert calibration.ON_A_GPU[0] == GRID


def test_where_nothing_can_be_kept_one_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REPRO_RATES", str(tmp_path / "file"))
    assert main(["calibrate"]) == BAD_INPUT
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert f"{tmp_path / 'file'}: runs cannot be kept there; REPRO_RATES names another folder" in err


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--seconds", "1"], "--seconds 1: must be at least 5"),
        (["--seconds", "nan"], "--seconds nan: must be at least 5"),
        (["--seconds", "soon"], "'soon' is not a valid float"),
        (["--processes", "0"], "--processes 0: must be at least 1"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_line(
    arguments: list[str], line: str, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(["calibrate", *arguments])
    except SystemExit as exit:
        status = exit.code  # type: ignore[assignment]
    assert status == BAD_INPUT
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert line in err
    assert not kept.exists()


def test_without_a_gpu_one_line_says_so(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["calibrate", "--gpu"]) == BAD_INPUT
    assert "--gpu: torch finds no CUDA device" in capsys.readouterr().err
    assert not kept.exists()
