"""Options of pytest and of pytest-xdist under which a plain project runs, and so does one of claims."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from projects import Project

RUNNING = {
    "-n2 -p no:terminal": {},
    "-n0 -p no:terminal": {},
    "-n2 -p no:warnings": {},
    "-n0 -p no:warnings": {},
    "-n2 -p no:cacheprovider": {},
    "-n2 -p no:logging -p no:capture": {},
    "-n0 -s": {},
    "-n2 -s -vv --color=yes": {},
    "-n2 -qq": {},
    "-n2 --rsyncdir=claims": {},
    "-d --tx 2*popen --rsyncdir=claims --rsyncignore=x": {},
    "-n2 --dist loadgroup --strict-markers": {},
    "-n2 -W error": {},
    "-n0 -W error": {"PYTHONWARNINGS": "error"},
    "-n2": {"PYTHONWARNINGS": "error"},
    "-n0": {"PYTHONOPTIMIZE": "1"},
    "-n1": {"PYTHONOPTIMIZE": "2"},
}
IN_C = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
REFUSING = """
import fcntl
import pytest
FLOCK = fcntl.flock

def flock(file, operation):
    if {place!r} in os.readlink(f"/proc/self/fd/{{file}}"):
        raise OSError({number}, os.strerror({number}))
    FLOCK(file, operation)

fcntl.flock = flock
"""

FILLING = """
import io
OPEN, OS_OPEN = io.open, os.open

def refuse(file, writes):
    if writes and "repro-session-" in str(file) and {full}:
        raise OSError({number}, os.strerror({number}), str(file))

def open_(file, mode="r", *further, **named):
    refuse(file, "r" not in mode)
    return OPEN(file, mode, *further, **named)

def os_open(file, flags, *further, **named):
    refuse(file, flags & os.O_CREAT)
    return OS_OPEN(file, flags, *further, **named)

io.open, os.open = open_, os_open
"""


def session(project: Project, *options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A session as its user types it, with all that an interpreter reads when it starts."""
    command = [sys.executable, "-m", "pytest", *project.arguments(*options)]
    variables = {**os.environ, **environment}
    return subprocess.run(command, cwd=project.folder, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("options", "environment"), RUNNING.items(), ids=RUNNING)
def test_a_session_decides_and_reports_its_claims(project: Project, options: str, environment: dict[str, str]) -> None:
    found = session(project, "-k", "it-holds or it-fails", *options.split(), **environment)
    assert "INTERNALERROR" not in found.stdout + found.stderr
    assert found.returncode == 1  # as it-fails does
    report = project.report()
    assert [claim["outcome"] for claim in report["claims"]] == ["holds", "holds", "fails"]
    assert (report["errors"], report["session"]["partial"]) == ([], ["4 claim tests deselected"])


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_what_is_wrong_is_told_without_a_terminal_too(project: Project, processes: str) -> None:
    found = session(project, processes, "-p", "no:terminal", "--data-root", "nowhere")
    assert found.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: --data-root nowhere: must be a folder" in found.stdout + found.stderr
    assert "INTERNALERROR" not in found.stdout + found.stderr


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
@pytest.mark.parametrize("option", ["--fixtures", "--fixtures-per-test", "--setup-plan", "--collect-only"])
def test_a_session_that_only_shows_tests_makes_nothing_and_misses_none(
    project: Project, processes: str, option: str
) -> None:
    result = project.run(processes, option)
    assert result.ret == 0
    assert "LOST" not in result.stdout.str()
    assert not (project.folder / "artifacts").exists()


def test_workers_in_folders_of_their_own_use_the_sessions_regime_and_store(project: Project, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    remote.mkdir()
    project.add("own.toml", "[all]\nseeds = 2\nbatch_sizes = [64, 128]\n")
    where = ("-d", "--tx", f"2*popen//chdir={remote}", f"--rsyncdir={project.folder}")
    result = project.bare(str(project.folder / "claims"), *where, "--regime=own.toml", "-k", "it-fails")
    assert result.ret == 1
    (claim,) = project.report()["claims"]
    assert claim["seeds"] == 2
    stored = {path.name for path in (project.folder / ".repro" / "store" / "runs").iterdir()}
    assert set(claim["runs"]) <= stored
    assert not (remote / "artifacts").exists()


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_the_report_is_utf8_in_any_locale(project: Project, processes: str) -> None:
    (project.folder / "own.toml").write_text('name = "für λ1"\nbase = "quick"\n[all]\nseeds = 2\n', "utf-8-sig")
    command = [sys.executable, "-m", "pytest", "claims", "--regime", "own.toml", "-k", "it-is-drawn", processes]
    found = subprocess.run(command, cwd=project.folder, env={**os.environ, **IN_C}, capture_output=True, check=False)
    assert found.returncode == 0
    page = (project.folder / "artifacts" / "report.md").read_text("utf-8")
    assert "**für λ1 regime**: reduced data and training." in page
    assert project.report()["session"]["regime"]["name"] == "für λ1"
    assert not [*(project.folder / "artifacts").glob(".*")]


def test_a_page_that_cannot_be_written_leaves_the_last_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.run("-n0", "-k", "it-holds")
    path = project.folder / "artifacts" / "report.md"
    before = path.read_text("utf-8")

    def fsync(file: int) -> None:
        if "artifacts" in str(Path(f"/proc/self/fd/{file}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)
    result = project.run("-n0", "-k", "it-fails or it-holds")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    assert path.read_text("utf-8") == before


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
@pytest.mark.parametrize("name", ["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
def test_a_store_whose_file_system_has_no_locks_ends_the_session_with_one_line(
    project: Project, processes: str, name: str
) -> None:
    refused(project, processes, getattr(errno, name), "/store/", f"--store {project.folder / '.repro' / 'store'}: ")


def test_so_does_a_folder_of_temporary_files(project: Project) -> None:
    refused(project, "-n2", errno.ENOLCK, "sources.lock", "the folder of temporary files (TMPDIR), ")


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_a_folder_of_temporary_files_that_is_full_ends_the_session_with_one_line(
    project: Project, processes: str
) -> None:
    found = filled(project, "True", processes, "-k", "it-holds")
    text = found.stdout + found.stderr
    assert found.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: the folder of temporary files (TMPDIR), {project.folder / 'cache'}, must have room for" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_one_that_fills_up_costs_no_run_and_no_report(project: Project, processes: str) -> None:
    found = filled(project, "any(HERE.glob('.repro/store/runs/*/run.json'))", processes, "-k", "it-holds or it-fails")
    assert found.returncode == 1  # as it-fails does
    report = project.report()
    assert [claim["outcome"] for claim in report["claims"]] == ["holds", "holds", "fails"]
    assert report["errors"] == []


def filled(project: Project, full: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """A session in whose folder of temporary files nothing can be written where ``full`` is true."""
    conftest: Path = project.folder / "conftest.py"
    conftest.write_text(conftest.read_text() + FILLING.format(full=full, number=errno.ENOSPC))
    return session(project, *options)


def refused(project: Project, processes: str, number: int, place: str, begins: str) -> None:
    conftest: Path = project.folder / "conftest.py"
    conftest.write_text(conftest.read_text() + REFUSING.format(place=place, number=number))
    found = session(project, processes, "-k", "it-holds")
    assert found.returncode == pytest.ExitCode.USAGE_ERROR
    text = found.stdout + found.stderr
    (line,) = (line for line in text.splitlines() if line.startswith("ERROR"))
    assert line.startswith(f"ERROR: {begins}")
    assert "must be on a file system with file locks" in line
    assert "Traceback" not in text
    assert not project.runs()
