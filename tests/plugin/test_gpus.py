import json

import pytest
import torch
from projects import Project

from repro.errors import SettingError
from repro.plugin import gpus
from repro.science.computing.memory import GPU_SHARE

VISIBLE = "CUDA_VISIBLE_DEVICES"


@pytest.mark.parametrize(
    ("visible", "count", "chosen"),
    [
        (None, 3, ["0", "1", "2", "0", "1"]),
        ("5,7", 2, ["5", "7", "5", "7", "5"]),
        ("3", 1, ["3", "3", "3"]),
        ("GPU-8f2b, GPU-11aa", 2, ["GPU-8f2b", "GPU-11aa", "GPU-8f2b"]),
        ("2,0,", 2, ["2", "0", "2"]),
        ("MIG-1a/3/0, MIG-1a/4/0,-1,MIG-1a/5/0", 1, ["MIG-1a/3/0", "MIG-1a/4/0", "MIG-1a/3/0"]),  # one a process
        ("4,-1,6", 1, ["4", "4", "4"]),  # CUDA sees no device from the first that is none
    ],
)
def test_workers_take_the_callers_gpus_in_turn(visible: str | None, count: int, chosen: list[str]) -> None:
    for worker, expected in enumerate(chosen):
        environment = {} if visible is None else {VISIBLE: visible}
        assert gpus.choose(worker, 5, count, environment) == expected
        assert environment[VISIBLE] == expected


@pytest.mark.parametrize(
    ("workers", "count", "shares"),
    [(1, 1, [0.9]), (4, 1, [0.225] * 4), (4, 4, [0.9] * 4), (3, 2, [0.45, 0.9, 0.45]), (2, 3, [0.9, 0.9])],
)
def test_workers_of_one_gpu_share_nine_tenths_of_its_memory(workers: int, count: int, shares: list[float]) -> None:
    found = []
    for worker in range(workers):
        environment: dict[str, str] = {}
        gpus.choose(worker, workers, count, environment)
        found.append(float(environment[GPU_SHARE]))
    assert found == shares


def test_no_gpu_is_an_error_of_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingError, match=r"^--gpu: torch finds no CUDA device; ") as error:
        gpus.require_cuda()
    assert "\n" not in str(error.value)


def test_on_an_apple_the_line_says_why_its_gpu_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    with pytest.raises(SettingError, match=r"no CUDA device \(an Apple GPU is not supported, .*leave --gpu out"):
        gpus.require_cuda()


def test_the_number_of_gpus_is_what_torch_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    assert gpus.require_cuda() == 3


TELLING = """
import os, time
import pytest

@pytest.mark.parametrize("n", range(4))
def test_tell(n, worker_id, record_property):
    time.sleep(0.3)  # so that every worker gets one
    record_property("gpu", f"{worker_id} {os.environ.get('CUDA_VISIBLE_DEVICES')}")
"""


@pytest.mark.parametrize("count", [1, 2])
def test_each_worker_sees_one_of_the_gpus_that_the_caller_sees(
    project: Project, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setenv(VISIBLE, ",".join(["5", "7"][:count]))
    monkeypatch.setenv("PLAYED_GPUS", str(count))
    project.add("claims/test_telling.py", TELLING)
    result = project.run("-n2", "--gpu", "-k", "test_tell", "--junitxml=junit.xml")
    assert result.ret == 0
    text = (project.folder / "junit.xml").read_text()
    expected = {f'name="gpu" value="gw{worker} {"57"[worker % count]}"' for worker in range(2)}
    assert all(line in text for line in expected)
    assert text.count('name="gpu"') == 4


def test_a_worker_that_takes_the_place_of_one_that_died_has_its_gpu(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VISIBLE, "5,7")
    monkeypatch.setenv("PLAYED_GPUS", "2")
    dying = "    if worker_id == 'gw1':\n        os._exit(1)\n"
    project.add("claims/test_telling.py", TELLING + dying)
    project.run("-n2", "--gpu", "-k", "test_tell", "--junitxml=junit.xml")
    text = (project.folder / "junit.xml").read_text()
    assert 'name="gpu" value="gw2 7"' in text


def test_runs_on_a_gpu_are_runs_of_their_own(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAYED_GPUS", "1")
    project.run("-n0", "-k", "it-fails")
    on_cpu = set(project.runs())
    assert project.run("-n0", "-k", "it-fails", "--gpu").ret == 1
    assert len(set(project.runs()) - on_cpu) == len(on_cpu)
    report = project.report()
    assert report["session"]["device"] == "cuda"
    assert "--gpu" in report["claims"][0]["rerun"]
    project.run("-n0", "-k", "it-fails", "--device", "cuda")
    assert len(set(project.runs())) == 2 * len(on_cpu)
    assert "--device cuda" in project.report()["claims"][0]["rerun"]
    stored = (project.folder / ".repro" / "store" / "runs").glob("*/run.json")
    assert sorted(json.loads(path.read_text())["run"]["device"] for path in stored) == ["cpu"] * 6 + ["cuda"] * 6


def test_one_task_may_be_on_a_gpu_and_its_runs_decide_beside_those_of_others_where_there_is_none(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYED_GPUS", "1")
    device = "cpu,StdCNN-MNIST=cuda"
    project.run("-n0", "-k", "it-holds and StdCNN-MNIST", "--gpu")
    monkeypatch.setenv("PLAYED_GPUS", "0")
    result = project.run("-n2", "-k", "it-holds", "--device", device)
    assert "device: cpu, StdCNN-MNIST on cuda, store: " in result.stdout.str()
    assert "; the rest takes about " in result.stdout.str()
    assert " on one core of a CPU" in result.stdout.str()
    stored = [json.loads(path.read_text())["run"] for path in (project.folder / ".repro/store/runs").glob("*/run.json")]
    assert {(run["task"], run["device"]) for run in stored} == {
        ("StdCNN-MNIST", "cuda"),
        ("StdCNN-FashionMNIST", "cpu"),
    }
    report = project.report()
    assert report["session"]["device"] == device
    assert {claim["case"] for claim in report["claims"]} == {"StdCNN-MNIST", "StdCNN-FashionMNIST"}
    assert all(f"--device {device}" in claim["rerun"] for claim in report["claims"])
    assert "cpu, StdCNN-MNIST on cuda" in (project.folder / "artifacts" / "report.html").read_text()
    line = next(line for line in project.run("-k", "it-is-drawn", "--device", device).errlines if "ERROR" in line)
    assert "no CUDA device, and 6 runs must be made on one" in line


def test_a_part_of_the_runs_that_has_none_of_a_gpu_needs_none_and_a_cluster_neither(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = ("-k", "it-holds", "--device", "cpu,StdCNN-MNIST=cuda")
    refused = [project.run("-n0", *device, "--shard", f"{part}/40").ret for part in range(1, 41)]
    assert {*refused} == {pytest.ExitCode.OK, pytest.ExitCode.USAGE_ERROR}
    stored = (project.folder / ".repro/store/runs").glob("*/run.json")
    assert {json.loads(path.read_text())["run"]["device"] for path in stored} == {"cpu"}
    monkeypatch.setenv("PLAYED_GPUS", "1")
    project.run("-n0", "-k", "it-holds and StdCNN-MNIST", "--gpu")
    monkeypatch.setenv("PLAYED_GPUS", "0")
    on_cluster = project.apart("--cluster", "local:1", *device, "--store", ".repro/store")
    assert on_cluster.parseoutcomes()["passed"] == 2


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_where_all_runs_are_stored_a_session_needs_no_gpu_and_else_says_how_many_it_would_make(
    project: Project, monkeypatch: pytest.MonkeyPatch, processes: str
) -> None:
    monkeypatch.setenv("PLAYED_GPUS", "1")
    project.run("-n0", "-k", "it-fails", "--gpu")
    made, first = len(project.runs()), project.report()["claims"]
    monkeypatch.setenv("PLAYED_GPUS", "0")
    assert project.run(processes, "-k", "it-fails", "--gpu").ret == 1
    assert len(project.runs()) == made
    assert project.report()["claims"] == first
    result = project.run(processes, "-k", "it-fails or it-is-drawn", "--gpu")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = (line for line in [*result.outlines, *result.errlines] if line.startswith("ERROR"))
    assert line.startswith("ERROR: --gpu: torch finds no CUDA device, and 6 runs must be made on one; leave --gpu out")
    assert project.run("--plan", "-k", "it-is-drawn", "--gpu").ret == 0


def test_a_damaged_run_that_takes_a_gpu_is_an_error_of_one_line(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYED_GPUS", "1")
    project.run("-n0", "-k", "it-fails", "--gpu")
    next((project.folder / ".repro" / "store" / "runs").glob("*/run.json")).write_text("{")
    monkeypatch.setenv("PLAYED_GPUS", "0")
    result = project.run("-n0", "-k", "it-fails", "--gpu")
    result.stdout.fnmatch_lines(["*--gpu: torch finds no CUDA device, and StdCNN-MNIST * must be made on one; *"])
    assert "Traceback" not in result.stdout.str()
