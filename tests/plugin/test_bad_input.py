"""What cannot be used ends the session with exit status 4 and one line that says what would be right."""

from collections.abc import Callable
from pathlib import Path

import pytest
from projects import Project

from repro.experiment.datasets import MNIST

CACHES = {"__pycache__", ".pytest_cache", "temporary", "cache"}
LABELS = list(MNIST.files)[1]


def an_empty_folder(folder: Path) -> None:
    (folder / "empty").mkdir()


def a_file(folder: Path) -> None:
    (folder / "file").write_text("no folder")


def a_broken_link(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "nowhere" / "at all")


def a_truncated_data_file(folder: Path) -> None:
    (folder / "damaged" / LABELS).parent.mkdir(parents=True)
    (folder / "damaged" / LABELS).write_bytes(b"\0\0\x08\1")


def nothing(_: Path) -> None:
    pass


Bad = tuple[str, Callable[[Path], None], tuple[str, ...]]
# the options, what stands in the project, and what the line says
OPTIONS: dict[str, Bad] = {
    "epochs below one": ("--epochs -1", nothing, ("--epochs -1", "whole number of at least 1")),
    "epochs no number": ("--epochs x", nothing, ("--epochs x", "whole number of at least 1")),
    "no seeds": ("--seeds 0", nothing, ("--seeds 0", "whole number of at least 1")),
    "epsilon of 8 in place of 8/255": ("--epsilon 8px", nothing, ("--epsilon 8px", "at most 1", "8/255")),
    "grid no number": ("--batch-sizes 64,x", nothing, ("--batch-sizes 64,x", "whole numbers", "64,256,1024")),
    "grid twice": ("--batch-sizes 64,64", nothing, ("--batch-sizes 64,64", "each once")),
    "artifacts a file": ("--artifacts file", a_file, ("--artifacts file", "must be a folder", "is a file")),
    "artifacts in a file": ("--artifacts file/x", a_file, ("--artifacts file/x", "must be a folder", "is a file")),
    "store a file": ("--store file", a_file, ("--store file", "must be a folder", "is a file")),
    "no such training": (
        "--trained-as he",
        nothing,
        ("--trained-as he: must be one or more of c1-pool-last, he-initialisation, unstandardised-input",),
    ),
    "no such precision": ("--precision half", nothing, ("--precision half: must be one of float32, bfloat16",)),
    "no such device": ("--device gpu", nothing, ("--device gpu: must be one of cpu, cuda",)),
    "a task on no such device": (
        "--device StdCNN-MNIST=gpu",
        nothing,
        ("--device StdCNN-MNIST=gpu: must be one of StdCNN-MNIST=cpu, StdCNN-MNIST=cuda",),
    ),
    "a device of no such task": (
        "--device cpu,StdCNN-MINST=cuda",
        nothing,
        ("--device StdCNN-MINST: must be one of ", " before =; did you mean StdCNN-MNIST or "),
    ),
    "a device of a task without a name": ("--device =cuda", nothing, ("--device : must be one of ", " before =")),
    "a device for all tasks twice": (
        "--device cpu,cuda",
        nothing,
        ("--device cpu,cuda: must name one device for each task, and cuda is a second one",),
    ),
    "a task on two devices": (
        "--device M1-MNIST=cuda,M1=cpu",
        nothing,
        ("--device M1-MNIST=cuda,M1=cpu: must name one device for each task, and M1=cpu is a second one",),
    ),
    "a device and its task the wrong way round": (
        "--device cuda=StdCNN-MNIST",
        nothing,
        ("--device cuda: must be one of M1-MNIST, ", " before ="),
    ),
    "two devices, one of them of a task": (
        "--gpu --device cpu,M1-MNIST=cuda",
        nothing,
        ("--device cpu,M1-MNIST=cuda: cannot be combined with --gpu",),
    ),
    "an Apple GPU": ("--device mps", nothing, ("--device mps: an Apple GPU is not supported", "use --device cpu")),
    "two devices": ("--gpu --device cpu", nothing, ("--device cpu: cannot be combined with --gpu",)),
    "no CUDA by its name": ("--device cuda", nothing, ("--gpu", "no CUDA device", "leave --gpu out")),
    "no CUDA": ("--gpu", nothing, ("--gpu", "no CUDA device", "leave --gpu out")),
}
COLLECTED: dict[str, Bad] = {
    "data root empty": ("--data-root empty", an_empty_folder, ("--data-root empty", "holds no MNIST", "train-images")),
    "data root a file": ("--data-root file", a_file, ("--data-root file", "must be a folder", "MNIST")),
    "data root nowhere": ("--data-root nowhere", nothing, ("--data-root nowhere", "must be a folder", "MNIST")),
    "data file damaged": ("--data-root damaged", a_truncated_data_file, (LABELS, "damaged (4 bytes", "delete it")),
    "store a broken link": ("--store link", a_broken_link, ("--store", "link", "must be a folder")),
}


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)


def check(project: Project, processes: str, bad: Bad) -> None:
    options, prepare, expected = bad
    prepare(project.folder)
    before = contents(project.folder)
    result = project.run(processes, "-k", "it-holds and StdCNN-MNIST", *options.split())
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = [*result.outlines, *result.errlines]
    (line,) = (line for line in lines if line.startswith("ERROR"))
    assert line.startswith("ERROR: ")
    for words in expected:
        assert words in line
    assert not any("Traceback" in line or "INTERNALERROR" in line or "Error:" in line for line in lines)
    assert contents(project.folder) == before
    assert not project.runs()


def contents(folder: Path) -> dict[str, bytes | None]:
    """What stands in the project, caches aside."""
    paths = [path for path in folder.rglob("*") if not CACHES & set(path.parts)]
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in paths}


@pytest.mark.parametrize("bad", [*OPTIONS.values(), *COLLECTED.values()], ids=[*OPTIONS, *COLLECTED])
def test_bad_input_is_told_in_one_line(project: Project, bad: Bad) -> None:
    check(project, "-n0", bad)


TABLE = """
from pathlib import Path
from repro.claims import references

references(Path(__file__).with_name("reference.toml"))
"""
ROW = """
[sources.a]
authors = "A"
title = "T"
address = "https://example.org"

[[numbers]]
source = "a"
place = "Table 1"
task = "M2-MNIST"
recipe = "Benchmark"
measure = "test_accuracy"
batch_size = 64
value = 0.5
"""


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_file_of_claims_that_says_what_cannot_be_used_is_told_in_one_line(project: Project, processes: str) -> None:
    project.add("claims/test_table.py", TABLE)
    project.add("claims/reference.toml", ROW)
    result = project.run(processes, "-k", "it-holds and StdCNN-MNIST")
    assert result.ret != pytest.ExitCode.OK
    lines = result.outlines
    assert any("reference.toml: number 1: task = 'M2-MNIST' is unknown; known are" in line for line in lines)
    assert not any(word in line for word in ("Traceback", "INTERNALERROR", "test_table.py:") for line in lines)


FEW = {name: {**OPTIONS, **COLLECTED}[name] for name in ("no seeds", "data root empty", "data file damaged")}


@pytest.mark.parametrize("bad", FEW.values(), ids=FEW)
def test_bad_input_is_told_in_one_line_with_workers(project: Project, bad: Bad) -> None:
    check(project, "-n2", bad)


def test_a_variable_that_names_no_data_is_told_like_the_option(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPRO_DATA", str(project.folder / "nowhere"))
    check(project, "-n0", ("", nothing, ("REPRO_DATA", "nowhere", "must be a folder", "MNIST")))


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_at_the_papers_scale_there_is_no_surrogate(project: Project, processes: str) -> None:
    result = project.bare("claims", processes, "-k", "it-fails")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = (line for line in [*result.outlines, *result.errlines] if line.startswith("ERROR"))
    for words in ("MNIST is not in", "could not be downloaded", "--data-root", "REPRO_DATA"):
        assert words in line
    assert not project.runs()


def test_nothing_that_is_stored_is_touched(project: Project) -> None:
    project.run("-n0", "-k", "it-holds and StdCNN-MNIST")
    artifacts = contents(project.folder)
    a_file(project.folder)
    a_truncated_data_file(project.folder)
    for options in ("--seeds 0", "--data-root damaged", "--data-root nowhere", "--gpu", "--artifacts file"):
        result = project.run("-n0", "-k", "it-holds and StdCNN-MNIST", *options.split())
        assert result.ret == pytest.ExitCode.USAGE_ERROR
    after = contents(project.folder)
    assert {name: after[name] for name in artifacts} == artifacts
    assert all(name.startswith(("file", "damaged")) for name in after.keys() - artifacts.keys())


def test_an_ordinary_session_without_claims_needs_neither_data_nor_store(project: Project) -> None:
    project.add("tests/test_own.py", "def test_own():\n    pass\n")
    result = project.bare("tests", "--data-root", "nowhere")
    assert result.ret == 0
    assert not (project.folder / "artifacts").exists()


def test_a_batch_larger_than_the_training_images_is_refused(project: Project) -> None:
    """It would be the same batch under the name of another, at the learning rate of that."""
    result = project.run("-n0", "-k", "it-holds", "--batch-sizes", "16,1024", "--train-images", "512", "--anchor", "16")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: *: a batch of 1,024 cannot be had of 512 training images; --batch-sizes must *"]
    )


@pytest.mark.parametrize("option", ["--artifacts", "--store"])
def test_an_empty_folder_name_is_refused(project: Project, option: str) -> None:
    result = project.run("-n0", "-k", "it-holds", f"{option}=")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {option}: must be a folder, and is empty; *"])
