"""`repro doctor`: what it looks at, what is wrong, and that its status says so."""

import sys
from pathlib import Path

import pytest

from repro.cli import main
from repro.experiment.datasets import DATASETS


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine of which nothing is wrong but what a test makes so."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("REPRO_DATA", raising=False)
    return ["doctor", "--store", str(tmp_path / "store")]


def test_a_sound_machine_has_nothing_wrong(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    text = capsys.readouterr().out
    for words in ("Python 3.", "torch ", "CUDA", "MNIST", "GiB free for the store", "no store yet", "cache in "):
        assert words in text
    assert "note   CIFAR10 is not in " in text
    assert text.endswith("nothing is wrong\n")
    assert "WRONG" not in text


def test_a_gpu_is_missed_only_where_one_is_asked_for(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(arguments) == 0
    assert main([*arguments, "--gpu"]) == 1
    assert "1 of " in capsys.readouterr().out.splitlines()[-1]


def test_a_torch_that_cannot_be_imported_is_what_is_wrong(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(arguments) == 1
    text = capsys.readouterr().out
    assert "WRONG  torch cannot be imported (" in text
    assert "GiB free for the store" in text  # the rest is looked at all the same


def test_data_that_are_damaged_or_not_where_they_were_named_are_wrong(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    assert main([*arguments, "--data-root", str(data)]) == 1
    assert f"WRONG  MNIST is not in {data}\n       --data-root names that folder" in capsys.readouterr().out
    file = data / next(iter(DATASETS["MNIST"].files))
    file.parent.mkdir(parents=True)
    file.write_text("no images")
    assert main([*arguments, "--data-root", str(data)]) == 1
    assert f"WRONG  {file}: damaged (9 bytes, MD5 " in capsys.readouterr().out


def test_a_store_or_a_cache_that_cannot_be_written_and_a_full_disk_are_wrong(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "runs").touch()
    (tmp_path / "cache").touch()
    monkeypatch.setattr("repro.cli.doctor.NEEDED", 1e9)
    assert main(arguments) == 1
    text = capsys.readouterr().out
    assert f"WRONG  runs cannot be kept in {tmp_path / 'store'} (" in text
    assert "WRONG  nothing can be kept in the cache, " in text
    assert text.count("GiB are needed") == 2


def test_a_package_that_is_too_old_is_named_with_what_to_do(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("repro.cli.doctor._least", lambda: {"torch": "99.1"})
    assert main(arguments) == 1
    assert "install a newer one: pip install -U 'torch>=99.1'" in capsys.readouterr().out
