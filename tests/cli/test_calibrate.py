import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from repro.cli import calibrate as module
from repro.cli import main
from repro.cli.calibrate import middle
from repro.runs.known_rates import known
from repro.runs.rates import BUILT_IN, Measured, Speed, Timing

DONE, BAD_INPUT = 0, 2


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPRO_RATES", str(tmp_path / "rates.json"))
    return tmp_path / "rates.json"


def speed(step: float, fixed: float = 0.0, sizes: tuple[int, ...] = (16, 64)) -> Speed:
    return Speed(*[Timing(tuple((n, step * n) for n in sizes))] * 4, fixed=fixed, kept=fixed)


def test_what_was_measured_is_kept_shown_and_used(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []
    networks: Measured = {name: {64: speed(0.001)} for name in BUILT_IN.networks}

    def measured(*arguments: Any) -> tuple[float, Measured]:
        asked.append(arguments)
        return 2 * BUILT_IN.start, networks

    monkeypatch.setattr(module, "_measured", measured)
    assert main(["calibrate", "--seconds", "30", "--processes", "3"]) == DONE
    assert asked == [(30.0, "cpu", 3)]
    found = known("cpu").rates
    assert (found.networks, found.processes, found.start) == (networks, 3, 12.0)
    assert (found.verdict, found.figure) == (2 * BUILT_IN.verdict, 2 * BUILT_IN.figure)
    text = capsys.readouterr().out
    assert "StdCNN" in text
    assert "ResNet18 of width 64" in text
    assert f"3 processes side by side; kept in {kept}" in text
    assert " 64 " in text  # milliseconds a step


def test_a_real_calibration_measures_every_network_beside_others(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "_measure", quickly)
    assert main(["calibrate", "--seconds", "5", "--processes", "2"]) == DONE
    assert "2 processes side by side" in capsys.readouterr().out
    content = json.loads(kept.read_text())
    assert content["kind"] == "cpu"
    assert set(content["rates"]["networks"]) == set(BUILT_IN.networks)
    assert known("cpu").rates.start > 0


def quickly(ends: float, device: str) -> tuple[float, Mapping[str, Mapping[int, Speed]]]:
    """In a new process: one rung of each ladder, on very few images."""
    from repro.runs import probes

    probes.LADDERS.update({kind: (ladder[0] // 8 or 1,) for kind, ladder in probes.LADDERS.items()})
    return ends, probes.measure(0.0, device)


def test_processes_that_measured_beside_each_other_count_alike() -> None:
    found = middle([{"M1": {64: speed(1.0, 2.0)}}, {"M1": {64: speed(3.0, 4.0, (16, 64, 256))}}])
    assert found == {"M1": {64: speed(2.0, 3.0)}}  # on what all of them came to


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--seconds", "1"], "--seconds 1: must be at least 5"),
        (["--seconds", "nan"], "--seconds nan: must be at least 5"),
        (["--seconds", "soon"], "invalid float value: 'soon'"),
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
