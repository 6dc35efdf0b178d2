"""What others hand over: whatever is in a report, a command ends soon, in one line where it is no report."""

import copy
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doors import ROOT
from mutated import VALUES, mutated

from repro import cli
from repro.cli import verify

REPORTS = 500
KEPT = 6  # claims of the report that is broken, of different kinds
SOON = 20.0  # seconds for one command, on a machine that has other work; they take a tenth of one


@pytest.fixture(scope="module")
def few(filled: tuple[Path, dict[str, Any]]) -> dict[str, Any]:
    whole = copy.deepcopy(filled[1])
    claims = whole["claims"]
    whole["claims"] = claims[:: len(claims) // KEPT]
    whole["session"]["partial"] = ["most claims were left out"]
    return whole


@pytest.fixture
def collected_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkout's claims are collected for the first report, and are the same for the others."""
    found: dict[Any, Any] = {}
    real = verify.collect
    monkeypatch.setattr(verify, "collect", lambda claims: found.setdefault(claims.root, None) or _kept(found, claims))

    def _kept(found: dict[Any, Any], claims: Any) -> Any:
        found[claims.root] = real(claims)
        return found[claims.root]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit status of a command, and what it said, of which all could be printed."""
    began = time.process_time()
    status = cli.main([*arguments])
    assert time.process_time() - began < SOON
    output, error = capsys.readouterr()
    assert "Traceback" not in error
    assert status in (0, 1, 2)
    assert all(c.isprintable() or c == "\n" for c in output + error)
    if status == 2:
        assert output == ""
        assert len(error) < 1500
        assert re.fullmatch(r"python -m repro [^\n]*\n", error)
    else:
        assert error == ""
    return status, output


@pytest.mark.usefixtures("collected_once")
def test_a_broken_report_is_told_in_one_line_or_compared(
    tmp_path: Path, filled: tuple[Path, dict[str, Any]], few: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    dice, seen = random.Random(17), set()
    good, bad, store = tmp_path / "good", tmp_path / "bad", str(filled[0])
    for folder in (good, bad):
        folder.mkdir()
    (good / "report.json").write_text(json.dumps(few))
    assert said(capsys, "verify", str(good), "--store", store)[0] == 0
    for number in range(REPORTS):
        (bad / "report.json").write_bytes(mutated(few, dice))
        comparison = [[str(good), str(bad)], [str(bad), str(good), "--json"]][number % 2]
        seen.add(("verify", said(capsys, "verify", str(bad), "--store", store)[0]))
        seen.add(("diff", said(capsys, "diff", *comparison)[0]))
    assert seen == {(command, status) for command in ("verify", "diff") for status in (0, 1, 2)}


SCALES = ("epochs", "seeds", "batch_sizes", "anchor", "width", "train_images")
READINGS = ("test_images", "attacked_images", "pgd_steps", "hessian_images", "pgd_restarts")


@pytest.mark.usefixtures("collected_once")
@pytest.mark.parametrize("field", [*SCALES, *READINGS, "until_decided"])
def test_no_number_in_a_report_makes_a_command_work_for_long(
    tmp_path: Path,
    filled: tuple[Path, dict[str, Any]],
    few: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    field: str,
) -> None:
    for value in (0, -1, 10**6 + 1, 10**18, 10**400, 1e308, [1] * 10_000, [10**18], list(range(1, 1000)), "5", True):
        report = copy.deepcopy(few)
        for scale in report["session"]["regime"]["tasks"].values():
            (scale["reading"] if field in READINGS else scale)[field] = value
        if field == "until_decided":
            report["session"][field] = value
        (tmp_path / "report.json").write_text(json.dumps(report))
        said(capsys, "verify", str(tmp_path), "--store", str(filled[0]))


def pipe(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    (path / "report.json").mkdir(parents=True)


def link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def round_about(path: Path) -> None:
    path.symlink_to(path)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**36)


def deep(path: Path) -> None:
    path.write_text("[" * 10**6)


def long_number(path: Path) -> None:
    path.write_text('{"format": ' + "9" * 10**6 + "}")


@pytest.mark.parametrize("shape", [pipe, folder, link, endless, round_about, huge, deep, long_number])
def test_what_is_no_file_of_a_report_is_told_in_one_line(tmp_path: Path, shape: Callable[[Path], None]) -> None:
    shape(tmp_path / "report.json")
    for command in (["verify", str(tmp_path)], ["diff", str(tmp_path), str(tmp_path)]):
        limited = f"import resource as r; r.setrlimit(r.RLIMIT_AS, (4 << 30, 4 << 30)); {RUN}"
        done = subprocess.run(
            [sys.executable, "-c", limited, *command],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        assert len(done.stderr) < 1500


RUN = "import sys; from repro.cli import main; sys.exit(main(sys.argv[1:]))"


def test_a_name_from_the_command_line_reaches_no_terminal_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    for name in (value for value in VALUES if isinstance(value, str)):
        assert said(capsys, "verify", f"/nowhere/{name}")[0] == 2
        assert said(capsys, "diff", f"/nowhere/{name}", "/nowhere")[0] == 2
