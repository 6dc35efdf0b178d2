"""Small projects of claims, in which sessions of pytest are run from end to end."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from repro.experiment.datasets import DATASETS

FIRST_READING = ("--readings", "sound-attack")  # one measurement a run, and so a line in what was played


@dataclass(frozen=True)
class Project:
    """A folder with claims and the plugin; see rehearsal.py and small_claims.py."""

    pytester: pytest.Pytester

    @property
    def folder(self) -> Path:
        return self.pytester.path

    @property
    def torch(self) -> Path:
        """A file that is there once a process in which torch was imported has run a session."""
        return self.folder / "cache" / "torch-was-imported"

    def run(self, *options: str) -> pytest.RunResult:
        """A session in this process (its xdist workers are processes of their own), in the quick regime."""
        return self.bare(*self.arguments(*options))

    def bare(self, *arguments: str) -> pytest.RunResult:
        """The same with no arguments but these."""
        return self.pytester.runpytest_inprocess(f"--basetemp={self.folder / 'temporary'}", *arguments)

    def apart(self, *options: str) -> pytest.RunResult:
        """A session in a process of its own, with what it reads of its environment and leaves in it."""
        return self.pytester.runpytest_subprocess(*self.arguments(*options))

    def arguments(self, *options: str) -> list[str]:
        """Of a size of its own, so that no outcome here hangs on what the quick regime is."""
        scale = ["--seeds", "3", "--batch-sizes", "128,256", "--train-images", "4096", "--test-images", "2048"]
        return ["claims", "--quick", *scale, *FIRST_READING, *options]

    def add(self, name: str, source: str) -> None:
        """Put a further file into the project."""
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(source)

    def publish(self) -> Path:
        """Put data into the project that counts as the published files."""
        for name in (name for dataset in DATASETS.values() for name in dataset.files):
            (self.folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / "data" / name).write_text(name)
        return self.folder / "data"

    def played(self, event: str = "begin") -> list[dict[str, Any]]:
        """What the played trainings told, in the order of time."""
        path = self.folder / "played.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def runs(self, event: str = "begin") -> list[str]:
        """The keys of the runs that were begun (or ended)."""
        return [line["run"] for line in self.played(event)]

    def rerun(self, claim: dict[str, Any]) -> list[str]:
        """What a claim's rerun line gives to pytest, in this folder."""
        words = shlex.split(claim["rerun"])
        assert words[0] != "cd"
        return words[words.index("pytest") + 1 :]

    def report(self) -> dict[str, Any]:
        """The session's report.json."""
        report: dict[str, Any] = json.loads((self.folder / "artifacts" / "report.json").read_text())
        return report
