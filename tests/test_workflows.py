"""What runs by itself, on a server and before a commit, is what the project says of itself."""

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TARGETS = dict(re.findall(r"^([a-z]+):[^=\n]*\n((?:\t.*\n)*)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in read(workflow)["jobs"].values() for step in job["steps"]]


def test_the_tests_run_on_every_python_that_is_promised() -> None:
    prefix = "Programming Language :: Python :: "
    promised = [word.removeprefix(prefix) for word in PROJECT["classifiers"] if word.startswith(prefix)]
    (job,) = read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"].values()
    assert job["strategy"]["matrix"]["python-version"] == promised
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_they_make_all_that_a_user_makes() -> None:
    commands = [step["run"] for step in steps(ROOT / ".github" / "workflows" / "ci.yml") if "run" in step]
    assert {"make check", "make docs", "make test", "make claims"} <= {*commands}
    assert any("-m build" in command for command in commands)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_what_is_made_can_be_made(workflow: Path) -> None:
    made = [target for step in steps(workflow) for target in re.findall(r"\bmake ([a-z]+)", step.get("run", ""))]
    assert made
    assert set(made) <= TARGETS.keys()
    assert all("@" in step["uses"] for step in steps(workflow) if "uses" in step)  # a version, not whatever is newest


@pytest.fixture
def report() -> dict[str, Any]:
    """The job that makes the report."""
    (job,) = read(ROOT / ".github" / "workflows" / "report.yml")["jobs"].values()
    return dict(job)


@pytest.mark.parametrize(
    ("given", "ends_by_verdicts"), [({}, False), ({"POLICY": "--verdicts-ok"}, False), ({"POLICY": ""}, True)]
)
def test_the_report_ends_by_its_policy(report: dict[str, Any], given: dict[str, str], ends_by_verdicts: bool) -> None:
    assert report["env"]["POLICY"] == "${{ inputs.policy != 'verdicts' && '--verdicts-ok' || '' }}"
    (command,) = [step["run"] for step in report["steps"] if step.get("run", "").startswith("make")]
    environment = {name: value for name, value in os.environ.items() if name != "POLICY"}
    shown = subprocess.run(
        ["bash", "-c", f"{command} --dry-run --assume-old=.venv/installed"],
        cwd=ROOT,
        env={**environment, **given},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert ("--verdicts-ok" not in shown) == ends_by_verdicts
    assert "pytest claims --quick" in shown
    assert "--junitxml=artifacts/junit.xml" in shown


def test_the_summary_of_the_job_is_the_report_where_there_is_one(report: dict[str, Any], tmp_path: Path) -> None:
    (step,) = [step for step in report["steps"] if "GITHUB_STEP_SUMMARY" in step.get("run", "")]
    assert step["if"] == "always()"
    summary = tmp_path / "summary.md"
    environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(summary)}
    for text in (None, "# The report\n"):
        if text is not None:
            (tmp_path / "artifacts").mkdir()
            (tmp_path / "artifacts" / "report.md").write_text(text)
        subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, check=True)
        assert summary.exists() == (text is not None)
    assert summary.read_text() == "# The report\n"


def test_all_of_the_report_is_kept_whatever_became_of_the_job(report: dict[str, Any]) -> None:
    (step,) = [step for step in report["steps"] if "upload-artifact" in step.get("uses", "")]
    assert step["if"] == "always()"
    published = ["!artifacts/published/", "!artifacts/published-laptop/"]  # which are in the checkout
    assert step["with"]["path"].split() == ["artifacts/", *published]
    assert step == report["steps"][-1]


def test_a_commit_is_checked_as_make_check_does_and_fetches_nothing() -> None:
    repositories = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    hooks = [hook for repository in repositories for hook in repository["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    tools = [hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") for hook in hooks]
    checks = [line.strip().removeprefix("$(BIN)/") for line in TARGETS["check"].splitlines()]
    assert tools == [check.removesuffix(" .").removesuffix(" --check") for check in checks]
