"""Keeps the C library from handing freed memory back to the system between the steps of a training.

A training step frees its activations and the next one asks for as much again. glibc gives large blocks back at once, so
every step paid for fresh pages: 29 page faults an image on StdCNN. Keeping them trained StdCNN 1.3 times, M1 up to 1.15
times and C1 at batch size 512, whose blocks have 100 MB, 1.24 times as fast, and made a Hessian-vector product of M1
1.9 times as fast (one core, in a virtual machine, where a fault is dear). What a process holds grows by a twentieth
beyond its peak; it goes back to the system where other work begins. Free of torch.
"""

import ctypes
from contextlib import suppress
from functools import cache
from typing import Final

# the environment variable that says what share of a GPU's memory a process may take, where several share the GPU
GPU_SHARE: Final = "REPRO_GPU_SHARE"
TENSORS: Final = 0.9  # of a share of a GPU's memory; the rest is for what each process has there besides

# mallopt's parameters and the largest values that it takes (malloc.h of glibc)
_SETTINGS: Final = {
    -3: 32 << 20,  # M_MMAP_THRESHOLD: smaller blocks come from the heap, which keeps them
    -4: 0,  # M_MMAP_MAX: larger ones, too
    -1: 2**31 - 1,  # M_TRIM_THRESHOLD: free memory at the heap's end is kept up to this size
    -2: 64 << 20,  # M_TOP_PAD: the heap grows by at least this much
}


@cache
def keep_freed_memory() -> bool:
    """Change this process's allocator; False, and nothing changed, where the C library is not glibc."""
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  # musl and macOS have no such symbol
    except (AttributeError, OSError, TypeError):
        return False
    return all(library.mallopt(name, value) == 1 for name, value in _SETTINGS.items())


def give_back_freed_memory() -> None:
    """Hand what is free now back to the system, once; nothing happens where the C library is not glibc."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
