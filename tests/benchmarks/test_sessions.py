import sys
import time

import numpy as np
import pytest

from benchmarks.sessions.session import Session, measured
from benchmarks.sides import BenchmarkError

MIB = 2**20


def cost(code: str) -> Session:
    return measured([sys.executable, "-c", code], "the code")


def test_a_command_is_charged_with_its_own_memory_and_not_with_that_of_who_started_it() -> None:
    held = np.ones(300 * MIB, dtype=np.uint8)
    small, large = (cost(f"held = bytearray(b'1' * {size * MIB})").gib for size in (1, 120))
    assert held.all()
    assert small < 0.1
    assert 0.1 < large < 0.4


def test_a_command_is_charged_with_its_time_and_that_of_the_processes_it_started() -> None:
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    began = time.perf_counter()
    idle = cost("pass")
    found = cost(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}]); exec({busy!r})")
    assert found.cpu >= 1.0
    assert idle.cpu < found.cpu
    assert found.wall <= time.perf_counter() - began


@pytest.mark.parametrize(("end", "status"), [("raise SystemExit(3)", 3), ("os.kill(os.getpid(), 9)", 137)])
def test_a_command_that_fails_is_told_with_its_status_and_its_last_line(end: str, status: int) -> None:
    with pytest.raises(BenchmarkError, match=f"the code ended with status {status}: why"):
        cost(f"import os; print('why', flush=True); {end}")
