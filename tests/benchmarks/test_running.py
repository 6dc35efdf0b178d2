"""How benchmarks are chosen and run, and what stops one."""

from pathlib import Path

import pytest
import torch

from benchmarks import __main__ as program
from benchmarks import results
from benchmarks.cases import APART, CASES
from benchmarks.results import Result, absolute
from benchmarks.sides import BenchmarkError, Measured
from benchmarks.speed import attacks, training
from benchmarks.speed.networks import as_written
from repro.experiment.recipes import LR
from repro.experiment.tasks import C1_CIFAR10, M1_MNIST, STDCNN_MNIST, Task
from repro.science.networks.models import build


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where results go instead."""
    for name in ("store", "stored"):
        original = getattr(results, name)
        monkeypatch.setattr(results, name, lambda *arguments, original=original: original(*arguments, folder=tmp_path))
    return tmp_path


def add(monkeypatch: pytest.MonkeyPatch, result: Result) -> None:
    monkeypatch.setitem(CASES, "made-up", Measured(lambda: result))


def test_without_a_name_all_but_the_longest_are_run() -> None:
    assert program.chosen([]) == [name for name in CASES if name not in APART]
    assert set(APART) < set(CASES)


def test_names_are_chosen_by_how_they_begin() -> None:
    assert program.chosen(["whole"]) == ["whole"]
    assert program.chosen(["train-M1"]) == ["train-M1-MNIST-64", "train-M1-MNIST-512"]


def test_an_unknown_name_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["nonsense"]) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("unknown benchmark nonsense: choose from ")


def test_every_stored_result_is_of_a_benchmark() -> None:
    names = {path.stem for path in results.RESULTS.glob("*.json")}
    assert {name for name in names if name.startswith(("train-", "pgd40-", "lambda1-"))} <= set(CASES)


def test_a_result_is_stored_and_the_next_one_stands_beside_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for value, last in ((10.0, "none"), (20.0, "10 s WORSE")):
        add(monkeypatch, Result({"wall": absolute([value], "s")}))
        assert program.main(["made-up"]) == 0
        assert capsys.readouterr().out.splitlines()[-1].endswith(f"   {last}")
    assert (folder / "made-up.json").exists()


def test_a_fault_is_told_and_nothing_is_stored(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add(monkeypatch, Result({"wall": absolute([1.0], "s")}, faults=("the sides differ",)))
    assert program.main(["made-up"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == ["made-up: FAULT: the sides differ"]
    assert not (folder / "made-up.json").exists()


def test_a_process_that_ends_early_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> Result:
        raise BenchmarkError("its process ended with status 9")

    monkeypatch.setitem(CASES, "made-up", Measured(fail))
    assert program.main(["made-up"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == ["made-up: its process ended with status 9"]


def test_a_peer_that_is_not_installed_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(CASES, "made-up", Measured(lambda: Result({}), ("no-such-package",)))
    assert program.main(["made-up"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "made-up: not measured, for no-such-package is not installed; `make bench` installs it"
    ]


def test_the_same_training_passes_its_check_and_another_does_not() -> None:
    pixels, labels = training.pixels_of(STDCNN_MNIST, 80)
    checked = training.compare(STDCNN_MNIST, 32, pixels, labels, LR().sgd(32))
    assert checked.faults == ()
    assert checked.facts["differences"]["in_double_precision"]["weights"] < 1e-12
    images = training.Images(pixels.roll(1, 0), labels, torch.float64)
    assert training._differences(STDCNN_MNIST, 32, images, pixels, LR().sgd(32))["weights"] > 1e-3


@pytest.mark.parametrize(("own", "faults"), [(0.5, 0), (0.4, 0), (0.6, 1)])
def test_an_attack_of_ours_that_leaves_more_unbroken_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, own: float, faults: int
) -> None:
    monkeypatch.setattr(attacks, "told", lambda _: {})
    monkeypatch.setattr(attacks, "_counted", lambda _, side: (side(), 1))
    checked = attacks.check("M1-MNIST", lambda: own, lambda: 0.5, 0.9)
    assert len(checked.faults) == faults
    assert checked.facts["our_accuracy"] == own


@pytest.mark.parametrize("task", [STDCNN_MNIST, C1_CIFAR10, M1_MNIST])
def test_peers_are_given_the_layers_as_the_table_has_them(task: Task) -> None:
    model = build(task, 0).eval()
    written = as_written(model)
    names = [type(layer).__name__ for layer in written]
    assert all(names[i - 1] == "ReLU" for i, name in enumerate(names) if name == "MaxPool2d")
    assert names.count("MaxPool2d") == (0 if task is M1_MNIST else 2)
    assert {*written.parameters()} == {*model.parameters()}
    assert not written.training  # a peer that puts it back into training mode would change what both share
    x = torch.rand(4, task.dataset.channels, task.dataset.side, task.dataset.side)
    assert torch.equal(written(x), model(x))
