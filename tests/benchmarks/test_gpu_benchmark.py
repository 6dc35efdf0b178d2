"""The benchmark of the GPU path on a CPU: every section runs, and what needs CUDA says so instead of a number."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu import __main__ as gpu
from benchmarks.gpu import against, apart, measures, precision, sections, tools
from benchmarks.gpu.tools import OF_ARCHITECTURE, Case, Row, Setting
from benchmarks.gpu.training import ASKED_FOR, flops_an_image
from benchmarks.speed import networks
from repro.experiment.recipes import SGD
from repro.experiment.tasks import TASKS
from repro.science.data import surrogate
from repro.science.data.sources import ENVIRONMENT
from repro.science.training.settings import TrainingSettings
from repro.science.training.training import train

pytestmark = pytest.mark.usefixtures("own_threads")

CUDA = "not measured: needs CUDA"
SMALL = ["--device", "cpu", "--small", "--minutes", "10000"]  # as slow as a machine may be
HERE = [*SMALL, "--here"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("gpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surrogate, "TRAIN", 100)
        patch.setattr(surrogate, "TEST", 50)
        patch.setattr(networks, "cache_folder", lambda: folder)
        patch.delenv(ENVIRONMENT, raising=False)
        assert gpu.main([*HERE, "--out", str(folder / "deep" / "gpu.json")]) == 0
    found: dict[str, Any] = json.loads((folder / "deep" / "gpu.json").read_text())
    return found


def rows(report: dict[str, Any], section: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = report["sections"][section]["rows"]
    return found


def all_rows(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for section in report["sections"] for row in rows(report, section)]


def test_every_section_runs_and_tells_what_it_was_made_with(report: dict[str, Any]) -> None:
    assert list(report["sections"]) == list(sections.SECTIONS)
    assert not any("note" in section for section in report["sections"].values())
    assert report["versions"]["torch"] == torch.__version__.split("+")[0]
    assert report["hardware"]["cores"] >= 1
    assert all(section["seconds"] > 0 for section in report["sections"].values())


def test_what_needs_a_gpu_has_no_number(report: dict[str, Any]) -> None:
    assert {row["note"] for row in all_rows(report) if "note" in row} == {CUDA}
    assert [row["note"] for row in rows(report, "session")] == [CUDA, CUDA]
    (tf32,) = (row for row in rows(report, "peaks") if row["peak"] == "tf32 product")
    assert tf32 == {"peak": "tf32 product", "note": CUDA}
    assert all(row["peak_mib"] == CUDA for row in rows(report, "cohorts"))


def test_what_a_cpu_can_do_is_measured(report: dict[str, Any]) -> None:
    for row in rows(report, "loops"):
        assert row["ratio_plain"] == pytest.approx(row["ours_per_second"] / row["plain_per_second"])
        assert row["ratio_loader"] == pytest.approx(row["ours_per_second"] / row["loader_per_second"])
        assert row["asked_for"] == ASKED_FOR == 10
        assert row["execution"] == "eager"
    assert [row["members"] for row in rows(report, "cohorts")] == [1, 2] * 3
    assert {row["ResNet18"] for row in rows(report, "resnet") if "images_per_second" in row} == {"float32", "bfloat16"}
    assert all(row["flop_per_second"] > 0 for row in rows(report, "resnet") if "note" not in row)
    assert all(row["lambda1_seconds_an_image"] > 0 and row["pgd_steps"] == 2 for row in rows(report, "measures"))
    assert all(math.isfinite(value) for row in all_rows(report) for value in row.values() if isinstance(value, float))


def test_every_task_is_trained_measured_and_stored_however_it_is_taken(report: dict[str, Any]) -> None:
    found = {(row["task"], row["what"]): row for row in rows(report, "tasks")}
    for task in map(str, TASKS.values()):
        row = found[task, "trains in float32"]
        assert row["same_weights_twice"] is row["same_weights_eager"] is row["same_weights_in_a_cohort"] is True
        assert row["largest_loss_difference"] == 0
        assert found[task, "is measured"]["measures"] >= 14
    for task in map(str, OF_ARCHITECTURE.values()):
        assert found[task, "trains in bfloat16"]["same_weights_twice"] is True
    assert [task for task, what in found if what == "is stored"] == ["StdCNN-MNIST", "C1-CIFAR10"]


def test_a_cpu_agrees_with_a_cpu(report: dict[str, Any]) -> None:
    stepped = [row for row in rows(report, "against") if "five steps of" in row]
    assert [row["five steps of"] for row in stepped] == list(OF_ARCHITECTURE)
    for row in stepped:
        assert row["device_weights_differ_by"] == row["cpu_weights_differ_by"] > 0
        assert row["device_logits_differ_by"] == row["cpu_logits_differ_by"] > 0
    measured = [row for row in rows(report, "against") if "measures of" in row]
    assert [row["measures of"] for row in measured] == ["StdCNN", "M1"]
    assert all(row[name] == row[f"{name}_on_a_cpu"] for row in measured for name in against.COMPARED)


def test_another_rate_on_the_device_is_seen_in_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    setting, rates = Setting(torch.device("cpu"), small=True), iter([1.0, 1.001, 1.0])

    def trains(model: torch.nn.Module, images: torch.Tensor, labels: torch.Tensor, settings: TrainingSettings) -> None:
        train(model, images, labels, replace(settings, sgd=SGD(settings.sgd.learning_rate * next(rates), 0.9)))

    monkeypatch.setattr(against, "train", trains)
    row = against._stepped(setting, TASKS["M1-MNIST"])
    assert row["device_weights_differ_by"] > 100 * row["cpu_weights_differ_by"]


def test_precisions_are_compared_on_the_seeds_that_both_have(report: dict[str, Any]) -> None:
    together = [row for row in rows(report, "precision") if "seed" not in row]
    pairs = [(name, lower) for name in ("StdCNN", "C1") for lower in ("float32", "bfloat16")]
    assert [(row["network"], row["precision"]) for row in together] == pairs
    assert all(row["seeds"] == 1 for row in together)
    assert all(("lambda1_difference" in row) is (row["precision"] == "bfloat16") for row in together)
    task, row, other = TASKS["M1-MNIST"], dict.fromkeys(precision.MEASURES, 1.0), dict.fromkeys(precision.MEASURES, 4.0)
    found = {(task, "float32"): {0: row, 1: {**row, "lambda1": 3.0}, 2: row}, (task, "bfloat16"): {0: other, 1: other}}
    told = precision._all(task, "bfloat16", found)
    assert (told["seeds"], told["lambda1"], told["lambda1_difference"]) == (2, 4.0, 2.0)
    assert precision._all(task, "float32", found)["lambda1_seed_sd"] == pytest.approx(2 / math.sqrt(3))
    with pytest.raises(tools.NotMeasuredError, match="no seed"):
        precision._all(task, "tf32", {**found, (task, "tf32"): {}})


def test_no_gpu_is_told_in_one_line_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--out", str(tmp_path / "gpu.json")]) == 2
    assert capsys.readouterr().out.count("\n") == 1
    assert not [*tmp_path.iterdir()]


def section(name: str, *cases: Case) -> dict[str, tuple[float, Any]]:
    return {name: (0.5, lambda *_: iter(cases))}


def test_a_case_that_breaks_or_has_no_time_loses_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def breaks() -> Row:
        raise RuntimeError("CUDA error: out of memory")

    cases = (Case({"n": 0}, breaks), Case({"n": 1}, lambda: {"a": 1}))
    monkeypatch.setattr(sections, "SECTIONS", {**section("loops", *cases), "measures": (0.5, measures.measures)})
    out = tmp_path / "gpu.json"
    assert gpu.main([*HERE, "--only", "loops", "--out", str(out)]) == 0
    first, second = json.loads(out.read_text())["sections"]["loops"]["rows"]
    assert first["note"].startswith("not measured: RuntimeError: CUDA error: out of memory (test_gpu_")
    assert second == {"n": 1, "a": 1}
    assert "CUDA error" in capsys.readouterr().out
    assert gpu.main([*HERE, "--minutes", "0", "--only", "measures", "--add", "--out", str(out)]) == 0
    found = json.loads(out.read_text())["sections"]
    assert list(found) == ["loops", "measures"]
    assert {row["note"] for row in found["measures"]["rows"]} == {"not measured: no time left"}


def test_what_takes_no_time_is_told_even_when_there_is_none_left() -> None:
    late = Setting(torch.device("cpu"), small=True, until=-math.inf)
    assert Case({}, lambda: {"a": 1}, brief=True).row(late) == {"a": 1}
    assert Case({}, lambda: {"a": 1}).row(late) == {"note": "not measured: no time left"}


def test_a_section_whose_packages_are_not_installed_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "benchmarks.gpu.precision", None)
    out = tmp_path / "gpu.json"
    assert gpu.main([*HERE, "--only", "precision,peaks", "--out", str(out)]) == 0
    found = json.loads(out.read_text())["sections"]
    assert "not measured: ModuleNotFoundError" in found["precision"]["rows"][-1]["note"]
    assert not any("Error" in row.get("note", "") for row in found["peaks"]["rows"])
    assert "benchmarks.gpu.precision" in capsys.readouterr().out


def test_each_row_is_written_as_soon_as_it_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, seen = tmp_path / "gpu.json", []

    def cases(*_: object) -> Iterator[Case]:
        for n in range(2):
            yield Case({"n": n}, lambda: {"measured": 1})
            seen.append(json.loads(out.read_text())["sections"])

    monkeypatch.setattr(sections, "SECTIONS", {**section("peaks"), "loops": (0.5, cases)})
    gpu.main([*HERE, "--only", "peaks,loops", "--out", str(out)])
    assert [found["loops"]["rows"][-1] for found in seen] == [{"n": 0, "measured": 1}, {"n": 1, "measured": 1}]
    assert {found["loops"]["note"] for found in seen} == {"not finished"}
    assert all("note" not in found["peaks"] for found in seen)
    assert "note" not in json.loads(out.read_text())["sections"]["loops"]


def test_a_section_in_a_process_of_its_own_ends_in_the_file(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    assert gpu.main([*SMALL, "--only", "peaks", "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert list(found["sections"]) == ["peaks"]
    assert [row["peak"] for row in found["sections"]["peaks"]["rows"]][-1] == "copy"
    assert found["settings"] == {"device": "cpu", "small": True, "minutes": 10_000.0}
    assert found["hardware"]["cores"] >= 1


def test_the_command_itself_measures_in_processes_of_their_own(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    command = [sys.executable, "-m", "benchmarks.gpu", *SMALL, "--only", "peaks", "--out", str(out)]
    said = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert "peaks  peak copy" in said.stdout
    assert [row["peak"] for row in rows(json.loads(out.read_text()), "peaks")][-1] == "copy"


def crashes() -> Iterator[Row]:
    yield {"a": 1}
    os.kill(os.getpid(), signal.SIGKILL)


def hangs() -> Iterator[Row]:
    yield {"process": os.getpid()}
    time.sleep(86400)


class Clock:
    """A clock that stands still until it is told to go on."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def test_a_process_that_crashes_keeps_what_it_measured() -> None:
    found = list(apart.apart(crashes, (), 600))
    assert found == [{"a": 1}, {"note": "not measured: its process ended with status -9"}]


def test_a_process_that_hangs_is_ended_and_keeps_what_it_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(apart, "time", clock)
    found = apart.apart(hangs, (), 600)
    process = next(found)["process"]
    clock.now = 601.0
    assert list(found) == [{"note": "not measured: ended after 600 s, which was all its time"}]
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_process_that_comes_to_its_end_adds_nothing_to_its_rows() -> None:
    assert list(apart.apart(iter, ([{"a": 1}, {"a": 2}],), 600)) == [{"a": 1}, {"a": 2}]


def test_the_operations_of_an_image_are_those_counted_by_hand() -> None:
    """M1: a product and a sum each; forward, and backward for weights and inputs (none for the image itself)."""
    layers = [20 * 24 * 24 * 25, 20 * 20 * 20 * 25 * 20, 8000 * 500, 500 * 10]
    assert flops_an_image(TASKS["M1-MNIST"], 64) == 2 * (3 * sum(layers) - layers[0])
