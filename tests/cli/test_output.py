"""Where a command's answer cannot be written: one line, and a status that speaks of no difference."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from doors import BAD_INPUT, DIFFERENT, ROOT, SAME, read, rewrite

from repro.cli import main

# A calibration without what takes a minute.
CALIBRATE = """
import sys
from repro.cli import calibrate, main
calibrate._side_by_side = lambda *_: None
sys.exit(main(["calibrate"]))
"""
COMMANDS = {
    "verify": ["-m", "repro", "verify", "here"],
    "diff": ["-m", "repro", "diff", "here", "here"],
    "diff as JSON": ["-m", "repro", "diff", "here", "here", "--json"],
    "calibrate": ["-c", CALIBRATE],
    "no command": ["-m", "repro"],
    "help": ["-m", "repro", "-h"],
    "help on a command": ["-m", "repro", "verify", "-h"],
}
NOWHERE = {
    "closed": (">&-", "standard output is closed"),
    "full": ("> /dev/full", "standard output cannot be written: No space left on device"),
    "broken pipe": ("| head -0", "standard output cannot be written: Broken pipe"),
}


def shell(words: list[str], redirected: str, here: Path, **environment: str) -> Any:
    """A Python process with its output sent elsewhere, in the folder that has the report ``here``."""
    command = f"set -o pipefail; {shlex.join([sys.executable, *words])} {redirected}"
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    settings |= {"PYTHONPATH": str(ROOT), "REPRO_RATES": str(here.parent / "rates"), **environment}
    bash = ["bash", "-c", command]
    return subprocess.run(bash, capture_output=True, text=True, cwd=here.parent, env=settings, check=False)


@pytest.fixture
def here(artifacts: Path) -> Path:
    return artifacts.rename(artifacts.with_name("here"))


@pytest.mark.parametrize(("redirected", "line"), NOWHERE.values(), ids=NOWHERE)
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_an_answer_that_cannot_be_written_is_told_in_one_line(
    here: Path, words: list[str], redirected: str, line: str
) -> None:
    found = shell(words, redirected, here)
    assert found.stderr.startswith("python -m repro")
    assert found.stderr.endswith(f": {line}\n")
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (BAD_INPUT, "", 1)


def test_a_difference_that_cannot_be_written_is_not_told_by_the_status_either(here: Path) -> None:
    report = read(here)
    report["claims"][7].update(estimate=12.5)
    rewrite(here, report)
    assert shell(COMMANDS["verify"], "> said.txt", here).returncode == DIFFERENT
    assert shell(COMMANDS["verify"], "> /dev/full", here).returncode == BAD_INPUT


@pytest.mark.parametrize(("command", "status"), [("verify", BAD_INPUT), ("diff", BAD_INPUT), ("diff as JSON", SAME)])
def test_a_path_that_the_encoding_has_no_letter_for_is_told_in_one_line(here: Path, command: str, status: int) -> None:
    found = shell(COMMANDS[command], "", here, PYTHONIOENCODING="ascii")
    assert (found.returncode, found.stderr) == (SAME, "")
    there = here.rename(here.with_name("там"))
    words = ["там" if word == "here" else word for word in COMMANDS[command]]
    found = shell(words, "", there, PYTHONIOENCODING="ascii")
    assert found.returncode == status
    if status == BAD_INPUT:
        assert (found.stdout, found.stderr.count("\n")) == ("", 1)
        assert (
            "standard output is ascii and cannot say '\\u0442': PYTHONIOENCODING=utf-8 says everything" in found.stderr
        )
    assert shell(words, "", there, PYTHONIOENCODING="utf-8").returncode == SAME


@pytest.mark.parametrize("redirected", ["2> /dev/full", "2>&-"])
def test_bad_input_has_its_status_where_nothing_can_be_said_of_it(here: Path, redirected: str) -> None:
    found = shell(["-m", "repro", "diff", "here", "nowhere"], redirected, here)
    assert (found.returncode, found.stdout, found.stderr) == (BAD_INPUT, "", "")


def test_an_answer_needs_no_other_stream(here: Path) -> None:
    found = shell(COMMANDS["verify"], "<&- 2>&-", here)
    assert found.stdout.endswith(": all agree\n")
    assert found.returncode == SAME


def test_a_fault_of_the_program_is_no_difference(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("repro.cli.diff.compare", lambda *_: 1 / 0)
    assert main(["diff", str(here), str(here)]) == BAD_INPUT
    assert capsys.readouterr().err.endswith("ZeroDivisionError: division by zero\n")
