"""Sessions of `pytest claims` in processes of their own, as a user starts them."""

import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .sides import BenchmarkError, one_thread

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Session:
    """What a session cost: seconds, those of its workers among them, and the peak memory of its largest process."""

    wall: float
    cpu: float
    gib: float


def run(*arguments: str | Path) -> Session:
    """One session; its report goes where ``arguments`` say. BenchmarkError: it ended otherwise than with verdicts."""
    command = [sys.executable, "-m", "pytest", "claims", "-q", "--verdicts-ok", "-p", "no:cacheprovider"]
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, *map(str, arguments)], cwd=ROOT, env=one_thread(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output = process.stdout.read().decode()  # until its end; the usage is asked of the system with the status
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        last = output.strip().splitlines()[-1:]
        raise BenchmarkError(f"pytest claims ended with status {process.returncode}: {''.join(last)}")
    return Session(wall, usage.ru_utime + usage.ru_stime, memory(usage))


def memory(usage: resource.struct_rusage) -> float:
    """Peak resident memory in GiB (kilobytes on Linux, bytes on macOS)."""
    return usage.ru_maxrss / (2**30 if sys.platform == "darwin" else 2**20)
