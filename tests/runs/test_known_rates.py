import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from repro.errors import SettingError
from repro.runs import known_rates as calibration
from repro.runs.known_rates import known, machine, path_for, save
from repro.runs.rates import BUILT_IN, Rates, Speed, Timing

MEASURED = replace(
    BUILT_IN,
    origin="measured on 2026-01-31",
    networks={
        name: {width: Speed(*[Timing(((16, 0.1), (64, 0.25)))] * 4, fixed=0.5, kept=0.75) for width in (4, 64)}
        for name in BUILT_IN.networks
    },
    start=7.5,
    processes=2,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(calibration, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv("REPRO_RATES", raising=False)
    return tmp_path / "cache"


def test_rates_that_were_kept_are_found_again(cache: Path) -> None:
    path = save(MEASURED, "2026-01-31")
    assert cache in path.parents
    assert known("cpu").rates == MEASURED
    assert known("cpu").says == (
        "estimated with the rates of this machine, measured on 2026-01-31, 2 processes side by side"
    )


def test_before_a_machine_is_measured_the_built_in_rates_are_used() -> None:
    found = known("cpu")
    assert found.rates is BUILT_IN
    assert found.says == (
        "estimated with built-in rates of one core of a 2-core AMD EPYC; "
        "`python -m repro calibrate` measures this machine in a minute"
    )


@pytest.mark.parametrize("changed", ["host", "processor", "cores", "torch"])
def test_each_machine_has_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch, changed: str) -> None:
    save(MEASURED, "2026-01-31")
    here = machine("cpu")
    monkeypatch.setattr(calibration, "machine", lambda _: {**here, changed: "another"})
    assert known("cpu").rates is BUILT_IN


def test_a_processor_s_rates_are_not_those_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "_gpu", lambda: "H100")
    save(MEASURED, "2026-01-31")
    assert known("cuda").rates is BUILT_IN
    save(replace(MEASURED, device="cuda"), "2026-01-31")
    assert known("cuda").rates == replace(MEASURED, device="cuda")
    assert known("cpu").rates == MEASURED


def test_a_file_that_was_carried_here_from_another_machine_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(MEASURED, "2026-01-31")
    change(path, lambda content: content["machine"].update(host="elsewhere"))
    assert known("cpu").rates is BUILT_IN
    assert f"{path} is of another machine, elsewhere, and is ignored" in known("cpu").says
    monkeypatch.setenv("REPRO_RATES", str(path))  # unless it is asked for
    assert known("cpu").rates == MEASURED
    assert known("cpu").says.startswith("estimated with the rates of elsewhere (cpu, ")


def change(path: Path, how: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    how(content)
    path.write_text(json.dumps(content))


FAULTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no rates": (lambda c: c.pop("rates"), "is damaged, or no file of rates"),
    "no date": (lambda c: c.pop("date"), "is damaged, or no file of rates"),
    "no start": (lambda c: c["rates"].pop("start"), "is damaged, or no file of rates"),
    "a network is missing": (lambda c: c["rates"]["networks"].pop("C1"), "is damaged, or no file of rates"),
    "a network is empty": (lambda c: c["rates"]["networks"].update(C1={}), "is damaged, or no file of rates"),
    "negative": (lambda c: c["rates"].update(figure=-1), "is damaged, or no file of rates"),
    "no points": (
        lambda c: c["rates"]["networks"]["M1"]["64"]["step"].update(points=[]),
        "is damaged, or no file of rates",
    ),
    "another format": (lambda c: c.update(format=0), "was written by another version"),
    "another kind": (lambda c: c.update(kind="cuda"), "has the rates of a cuda device"),
}


@pytest.mark.parametrize(("how", "line"), FAULTS.values(), ids=FAULTS)
def test_a_file_that_cannot_be_used_is_ignored_and_named(how: Callable[[dict[str, Any]], object], line: str) -> None:
    path = save(MEASURED, "2026-01-31")
    change(path, how)
    found = known("cpu")
    assert found.rates is BUILT_IN
    assert f"; {path} {line}, and is ignored; " in found.says
    assert "\n" not in found.says


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"rates"', "\0"])
def test_what_is_no_file_of_rates_is_ignored_and_named(text: str) -> None:
    path = save(MEASURED, "2026-01-31")
    path.write_text(text)
    assert known("cpu").rates is BUILT_IN
    assert f"{path} is damaged, or no file of rates" in known("cpu").says


def test_another_file_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPRO_RATES", str(tmp_path / "deep" / "mine.json"))
    assert f"REPRO_RATES {tmp_path}/deep/mine.json: there is no such file" in known("cpu").says
    assert save(MEASURED, "2026-01-31") == path_for("cpu") == tmp_path / "deep" / "mine.json"
    assert known("cpu").rates == MEASURED
    monkeypatch.setenv("REPRO_RATES", str(tmp_path))
    assert f"{tmp_path} cannot be read" in known("cpu").says


def test_where_nothing_can_be_written_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REPRO_RATES", str(tmp_path / "file" / "rates.json"))
    with pytest.raises(SettingError, match="the rates cannot be kept there"):
        save(MEASURED, "2026-01-31")


def test_a_machine_is_known_by_what_rates_depend_on() -> None:
    assert list(machine("cpu")) == ["host", "processor", "cores", "device", "torch"]
    assert machine("cpu")["device"] == "cpu"


def test_rates_are_made_of_plain_parts() -> None:
    assert isinstance(json.loads(save(MEASURED, "2026-01-31").read_text())["rates"], dict)
    assert isinstance(MEASURED, Rates)
