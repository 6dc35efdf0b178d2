"""What the allocator's setting is for: a step that asks again for what it freed pays for no fresh pages."""

import platform
import subprocess
import sys

import pytest

from repro.science.memory import keep_freed_memory

WORK = """
import ctypes, resource, sys
from repro.science.memory import keep_freed_memory
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
if sys.argv[1] == "kept":
    assert keep_freed_memory()
def step():
    blocks = [library.malloc(ctypes.c_size_t(4 << 20)) for _ in range(8)]
    for block in blocks:
        ctypes.memset(block, 1, 4 << 20)
    for block in blocks:
        library.free(ctypes.c_void_p(block))
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(setting: str) -> int:
    done = subprocess.run([sys.executable, "-c", WORK, setting], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_memory_that_was_freed_is_used_again_without_fresh_pages() -> None:
    pages = 5 * 8 * (4 << 20) // 4096
    assert faults("kept") < 0.01 * pages < faults("default")


def test_elsewhere_nothing_is_changed_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLibrary:
        def __init__(self, name: object) -> None:
            raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", NoLibrary)
    assert keep_freed_memory.__wrapped__() is False
