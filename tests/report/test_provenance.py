import importlib.metadata
import json
import platform
from pathlib import Path

import pytest

from repro.report import provenance
from repro.runs import hardware as machine

HEAD = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git that answers as a checkout of ``HEAD`` does; ``tmp_path/changes`` is its status."""
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'case "$*" in\n  "-C /checkout rev-parse HEAD") echo {HEAD};;\n'
        f'  "-C /checkout status "*) cat {tmp_path}/changes;;\n  *) echo fatal >&2; exit 128;;\nesac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return tmp_path / "changes"


@pytest.mark.parametrize(("changes", "dirty"), [("", False), (" M repro/plan.py\n", True)])
def test_the_commit_and_whether_it_has_changes(git: Path, changes: str, dirty: bool) -> None:
    git.write_text(changes)
    assert provenance.commit(Path("/checkout")) == {"commit": HEAD, "dirty": dirty}


def test_outside_a_checkout_there_is_no_commit(git: Path) -> None:
    git.write_text("")
    assert provenance.commit(git.parent) == {"commit": None, "dirty": None}


def test_without_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit(tmp_path) == {"commit": None, "dirty": None}


def test_versions_are_those_that_are_installed() -> None:
    versions = provenance.versions()
    assert versions["python"] == platform.python_version()
    assert versions["torch"] == importlib.metadata.version("torch")
    assert {"numpy", "scipy", "torchvision"} <= set(versions)


def test_hardware_is_plain_json_with_a_processor_and_cores() -> None:
    hardware = json.loads(json.dumps(machine.hardware(), allow_nan=False))
    assert hardware["processor"]
    assert hardware["cores"] >= 1
    assert hardware["memory_gib"] is None or hardware["memory_gib"] > 0


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("model name\t: AMD EPYC\ncpu family\t: 25\nmodel\t\t: 17\n", "AMD EPYC (family 25, model 17)"),
        ("model name\t: Some CPU: fast\n", "Some CPU: fast"),
        ("Features\t: fp asimd\n", platform.processor() or platform.machine()),
        (None, platform.processor() or platform.machine()),
    ],
)
def test_a_processor_is_named_with_its_generation_where_that_is_told(
    tmp_path: Path, told: str | None, expected: str
) -> None:
    if told is not None:
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{told}\nprocessor\t: 1\n{told}\n")
    assert machine.processor(tmp_path / "cpuinfo") == expected
