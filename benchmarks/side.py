"""One side of a benchmark in a process of its own: for each line it is sent, it does its work and answers how long.

Ours keeps freed memory, as the harness's processes do; the peer's process is as Python starts it.
"""

import sys
import time

import torch

from repro.science.memory import keep_freed_memory

from .cases import CASES

OURS, PEER = "ours", "peer"


def main(name: str, side: str) -> None:
    torch.set_num_threads(1)
    if side == OURS:
        keep_freed_memory()
    work = CASES[name]()[side == PEER]
    work()  # to warm up
    for _ in sys.stdin:
        began = time.perf_counter()
        work()
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
