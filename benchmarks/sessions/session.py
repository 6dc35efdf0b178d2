"""Sessions of `pytest claims` in processes of their own, as a user starts them."""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..sides import BenchmarkError, one_thread

ROOT = Path(__file__).parents[2]
# The system counts what a process held before it became another program: one started from here would be charged with
# the memory of PyTorch, which is loaded here. A small process starts it instead, and leaves what it used in a file.
STARTER: Final = """
import json, resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    json.dump([usage.ru_utime + usage.ru_stime, usage.ru_maxrss], file)
sys.exit(status if status >= 0 else 128 - status)
"""


@dataclass(frozen=True)
class Session:
    """What a session cost: seconds, those of its workers among them, and the peak memory of its largest process."""

    wall: float
    cpu: float
    gib: float


def run(*arguments: str | Path) -> Session:
    """One session; its report goes where ``arguments`` say, and so do its runs, for what is stored is not made again.

    BenchmarkError: it ended otherwise than with verdicts.
    """
    given = [*map(str, arguments)]
    if "--store" not in given:
        given += ["--store", str(Path(given[given.index("--artifacts") + 1]) / "store")]
    command = [sys.executable, "-m", "pytest", "claims", "-q", "--verdicts-ok", "-p", "no:cacheprovider"]
    return measured([*command, *given], "pytest claims")


def measured(command: list[str], name: str) -> Session:
    """What a command cost. BenchmarkError: it failed; one line with its name, its status and the last that it said."""
    with tempfile.TemporaryDirectory() as folder:
        used = Path(folder) / "used.json"
        began = time.perf_counter()
        ended = subprocess.run(
            [sys.executable, "-I", "-S", "-c", STARTER, str(used), *command],
            cwd=ROOT,
            env=one_thread(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        wall = time.perf_counter() - began
        if ended.returncode:
            last = "".join(ended.stdout.strip().splitlines()[-1:])
            raise BenchmarkError(f"{name} ended with status {ended.returncode}: {last}")
        cpu, peak = json.loads(used.read_text())
    return Session(wall, cpu, peak / (2**30 if sys.platform == "darwin" else 2**20))  # bytes there, kilobytes on Linux
