import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path

import pytest

from repro.report import provenance
from repro.runs import hardware as machine


@pytest.fixture(autouse=True)
def of_no_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git without settings of a user's, or of a hook's that runs these tests: those lead to another checkout."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", "-C", str(folder), *who, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one commit of one file, in the folder ``package``."""
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "module.py").write_text("first")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


@pytest.mark.parametrize(("text", "dirty"), [("first", False), ("second", True)])
def test_the_commit_and_whether_it_has_changes(checkout: Path, text: str, dirty: bool) -> None:
    (checkout / "package" / "module.py").write_text(text)
    (checkout / "package" / "untracked").touch()
    assert provenance.commit(checkout / "package") == {"commit": git(checkout, "rev-parse", "HEAD"), "dirty": dirty}


def test_a_package_that_is_installed_in_a_checkout_is_no_part_of_it(checkout: Path) -> None:
    installed = checkout / "environment" / "package"
    installed.mkdir(parents=True)
    (installed / "module.py").write_text("third")
    assert provenance.commit(installed) == {"commit": None, "dirty": None}


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path) -> None:
    assert provenance.commit(tmp_path) == {"commit": None, "dirty": None}


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
