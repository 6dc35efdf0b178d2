"""What the allocator's setting is for: a step that asks again for what it freed pays for no fresh pages."""

import os
import platform
import subprocess
import sys

import pytest

from repro.science.computing.memory import give_back_freed_memory, keep_freed_memory

WORK = """
import ctypes, resource, sys
from repro.science.computing.memory import keep_freed_memory
library = ctypes.CDLL(None)
PR_SET_THP_DISABLE = 41
library.prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)  # a huge page is one fault for what else were 512
library.malloc.restype = ctypes.c_void_p
if sys.argv[1] == "kept":
    assert keep_freed_memory()
count, size = int(sys.argv[2]), int(sys.argv[3]) << 20
def step():
    blocks = [library.malloc(ctypes.c_size_t(size)) for _ in range(count)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    for block in blocks:
        library.free(ctypes.c_void_p(block))
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(setting: str, count: int, size: int) -> int:
    command = [sys.executable, "-c", WORK, setting, str(count), str(size)]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("GLIBC_TUNABLES", "MALLOC_"))}
    return int(subprocess.run(command, capture_output=True, text=True, check=True, env=own).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
@pytest.mark.parametrize(("count", "size"), [(8, 4), (3, 100)], ids=["blocks of 4 MB", "blocks of 100 MB"])
def test_memory_that_was_freed_is_used_again_without_fresh_pages(count: int, size: int) -> None:
    pages = 5 * count * (size << 20) // 4096
    assert faults("kept", count, size) < 0.01 * pages < faults("default", count, size)


HELD = """
import ctypes
from repro.science.computing.memory import give_back_freed_memory, keep_freed_memory
keep_freed_memory()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
def mib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 >> 20
blocks = [library.malloc(ctypes.c_size_t(4 << 20)) for _ in range(64)]
for block in blocks:
    ctypes.memset(block, 1, 4 << 20)
last = library.malloc(ctypes.c_size_t(1024))  # so that the heap does not end in what is free
for block in blocks:
    library.free(ctypes.c_void_p(block))
before = mib()
give_back_freed_memory()
print(before - mib())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_what_is_kept_goes_back_to_the_system_where_that_is_asked_for() -> None:
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 200


def test_elsewhere_nothing_is_changed_and_nothing_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoLibrary:
        def __init__(self, name: object) -> None:
            raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", NoLibrary)
    assert keep_freed_memory.__wrapped__() is False
    give_back_freed_memory()
