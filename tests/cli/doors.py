"""``python -m repro`` as its users run it, in a process of its own, and reports for it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from worlds import declared

ROOT = Path(__file__).parents[2]
SAME, DIFFERENT, BAD_INPUT = 0, 1, 2
EVERY = sum(len(test.cases) for test in declared())  # claim tests of the paper


def outside(*arguments: str, cwd: Path = ROOT, program: tuple[str, ...] = ("-m", "repro"), path: str = "") -> Any:
    environment = {**os.environ, "PYTHONPATH": path or str(ROOT)}
    command = [sys.executable, *program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)


def rewrite(folder: Path, report: dict[str, Any]) -> None:
    (folder / "report.json").write_text(json.dumps(report))


def read(folder: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report
