"""The benchmark of the GPU path on a CPU: every section runs, and what needs CUDA says so instead of a number."""

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from benchmarks.gpu_tools import Setting, flops_an_image, source

from benchmarks import gpu, gpu_measures, gpu_tools, gpu_training
from repro.experiment.tasks import TASKS
from repro.science.data import surrogate
from repro.science.data.sources import ENVIRONMENT

pytestmark = pytest.mark.usefixtures("own_threads")

CUDA = "not measured: needs CUDA"
HERE = ["--device", "cpu", "--small", "--here"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("gpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surrogate, "TRAIN", 100)
        patch.setattr(surrogate, "TEST", 50)
        patch.setattr(gpu_tools, "cache_folder", lambda: folder)
        patch.delenv(ENVIRONMENT, raising=False)
        assert gpu.main([*HERE, "--out", str(folder / "deep" / "gpu.json")]) == 0
    found: dict[str, Any] = json.loads((folder / "deep" / "gpu.json").read_text())
    return found


def rows(report: dict[str, Any], section: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = report["sections"][section]["rows"]
    return found


def test_every_section_runs_and_tells_what_it_was_made_with(report: dict[str, Any]) -> None:
    assert list(report["sections"]) == gpu.NAMES
    assert report["versions"]["torch"] == torch.__version__.split("+")[0]
    assert report["hardware"]["cores"] >= 1
    assert report["seconds"] >= sum(section["seconds"] for section in report["sections"].values())


def test_what_needs_a_gpu_has_no_number(report: dict[str, Any]) -> None:
    assert report["sections"]["session"]["note"] == CUDA
    notes = [row.get("note", "") for section in report["sections"].values() for row in section.get("rows", ())]
    assert {note for note in notes if note} == {CUDA, "not measured: made for --small"}
    (tf32,) = (row for row in rows(report, "peaks") if row["peak"] == "tf32 product")
    assert tf32 == {"peak": "tf32 product", "note": CUDA}
    assert all(row["peak_mib"] == CUDA for row in rows(report, "cohorts"))
    assert not any("seconds" in row for row in rows(report, "paper"))


def test_what_a_cpu_can_do_is_measured(report: dict[str, Any]) -> None:
    for row in rows(report, "loops"):
        assert row["ratio_plain"] == pytest.approx(row["ours_per_second"] / row["plain_per_second"])
        assert row["execution"] == "eager"
    for row in rows(report, "tasks"):
        if row["what"].startswith("trains") and "tf32" not in row["what"]:
            assert row["same_weights_twice"] is row["same_weights_eager"] is row["same_weights_in_a_cohort"] is True
            assert row["largest_loss_difference"] == 0
        if row["what"].startswith("is"):
            assert row["measures"] >= 14
    assert {row["task"] for row in rows(report, "tasks")} == {str(task) for task in TASKS.values()}
    assert [row["members"] for row in rows(report, "cohorts")] == [1, 2] * 3
    assert {row["precision"] for row in rows(report, "precision")} == {"float32", "bfloat16"}
    numbers = [
        value
        for section in report["sections"].values()
        for row in section.get("rows", ())
        for value in row.values()
        if isinstance(value, float)
    ]
    assert all(math.isfinite(value) for value in numbers)


def test_no_gpu_is_told_in_one_line_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--out", str(tmp_path / "gpu.json")]) == 2
    assert capsys.readouterr().out.count("\n") == 1
    assert not [*tmp_path.iterdir()]


def test_a_section_that_breaks_or_has_no_time_loses_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def breaks(*_: object) -> dict[str, Any]:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(gpu, "SECTIONS", (("peaks", 0.5, breaks), ("measures", 0.5, gpu_measures.measures)))
    out = tmp_path / "gpu.json"
    assert gpu.main([*HERE, "--minutes", "0", "--only", "peaks,measures", "--out", str(out)]) == 0
    found = json.loads(out.read_text())["sections"]
    assert found["peaks"]["note"].startswith("not measured: RuntimeError: CUDA error: out of memory (test_gpu_")
    assert {row["note"] for row in found["measures"]["rows"]} == {"not measured: no time left"}
    assert "CUDA error" in capsys.readouterr().out


def test_a_section_whose_packages_are_not_installed_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "benchmarks.gpu_evidence", None)
    out = tmp_path / "gpu.json"
    assert gpu.main([*HERE, "--only", "precision", "--out", str(out)]) == 0
    assert "not measured: ModuleNotFoundError" in json.loads(out.read_text())["sections"]["precision"]["note"]
    assert "benchmarks.gpu_evidence" in capsys.readouterr().out


def test_what_was_measured_is_written_before_the_next_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, seen = tmp_path / "gpu.json", []

    def look(*_: object) -> dict[str, Any]:
        seen.append(list(json.loads(out.read_text())["sections"]))
        return {"rows": []}

    monkeypatch.setattr(gpu, "SECTIONS", (("peaks", 0.5, lambda *_: {"rows": [{"a": 1}]}), ("loops", 0.5, look)))
    gpu.main([*HERE, "--only", "peaks,loops", "--out", str(out)])
    assert seen == [["peaks"]]


def test_each_row_is_written_as_soon_as_it_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, seen = tmp_path / "gpu.json", []

    def two_rows(setting: Setting, _: dict[str, Any]) -> dict[str, Any]:
        for n in range(2):
            gpu_tools.guarded(setting, {"n": n}, lambda: {"measured": 1})
            seen.append(json.loads(out.read_text())["sections"]["loops"])
        return {"rows": []}

    monkeypatch.setattr(gpu, "SECTIONS", (("loops", 0.5, two_rows),))
    gpu.main([*HERE, "--only", "loops", "--out", str(out)])
    assert [section["rows"][-1] for section in seen] == [{"n": 0, "measured": 1}, {"n": 1, "measured": 1}]
    assert {section["note"] for section in seen} == {"not finished"}


def test_a_section_in_a_process_of_its_own_ends_in_the_file(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    assert gpu.main(["--device", "cpu", "--small", "--only", "peaks", "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert list(found["sections"]) == ["peaks"]
    assert "note" not in found["sections"]["peaks"]
    assert found["settings"] == {"device": "cpu", "small": True, "minutes": 9.0}
    assert found["hardware"]["cores"] >= 1


@pytest.mark.parametrize(
    ("ending", "note"),
    [
        ("os.kill(os.getpid(), 9)", "not measured: its process ended with status -9"),
        ("time.sleep(60)", "not measured: ended after 3 s, which was all its time"),
    ],
    ids=["crashed", "hung"],
)
def test_a_process_that_crashes_or_hangs_keeps_what_it_measured_and_stops_no_other(
    ending: str, note: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "gpu.json"
    program = f"""
import json, os, sys, time
path, name = sys.argv[1:]
content = json.load(open(path))
content["sections"][name] = {{"rows": [{{"a": 1}}], "note": "not finished"}}
json.dump(content, open(path, "w"))
if name == "loops":
    {ending}
"""
    command = [sys.executable, "-S", "-c", program, str(out)]
    monkeypatch.setattr(gpu, "_command", lambda _, name, __: [*command, name])
    monkeypatch.setattr(gpu, "START", 3.0)
    began = time.monotonic()
    assert gpu.main(["--device", "cpu", "--minutes", "0", "--only", "loops,peaks", "--out", str(out)]) == 0
    assert json.loads(out.read_text())["sections"] == {
        "loops": {"rows": [{"a": 1}], "note": note},
        "peaks": {"rows": [{"a": 1}], "note": "not finished"},
    }
    assert time.monotonic() - began < 30  # it was not waited for


def test_real_data_is_used_where_the_environment_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_tools, "is_whole", lambda _, root: root == tmp_path)
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    assert source("MNIST").kind == "published"
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "elsewhere"))
    assert source("MNIST").kind == "surrogate"
    monkeypatch.delenv(ENVIRONMENT)
    assert source("MNIST").kind == "surrogate"


def test_the_operations_of_an_image_are_those_counted_by_hand() -> None:
    """M1: a product and a sum each; forward, and backward for weights and inputs (none for the image itself)."""
    layers = [20 * 24 * 24 * 25, 20 * 20 * 20 * 25 * 20, 8000 * 500, 500 * 10]
    assert flops_an_image("M1", 64) == 2 * (3 * sum(layers) - layers[0])


def test_a_seed_at_the_papers_scale_is_its_distinct_runs() -> None:
    """11 recipes, or 3, at 5 batch sizes; at batch size 64, LR and LR/BS with the same momentum are one run."""
    counted = {name: len(gpu_measures._runs(task)) for name, task in TASKS.items()}
    assert set(counted.values()) == {7 * 5 - 2, 3 * 5 - 1}


def test_loops_are_timed_against_what_one_would_write(report: dict[str, Any]) -> None:
    assert report["sections"]["loops"]["asked_for"] == gpu_training.ASKED_FOR == 10
    assert Setting(torch.device("cpu"), small=True).left() == math.inf
