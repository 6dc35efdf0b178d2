"""One side of a benchmark in a process of its own: for each line it is sent, it does its work and answers how long.

Ours keeps freed memory, as the harness's processes do; the peer's process is as Python starts it. A third process makes
the check that both do the same work, and answers with what it found.
"""

import sys
import time

import msgspec
import torch

from repro.science.computing.memory import keep_freed_memory

from .cases import CASES
from .sides import CHECK, OURS, Timed


def main(name: str, side: str) -> None:
    torch.set_num_threads(1)
    if side != "peer":
        keep_freed_memory()
    case = CASES[name]
    assert isinstance(case, Timed)
    pair = case.prepare()
    work = pair.ours if side == OURS else pair.peer
    if side != CHECK:
        work()  # to warm up
    for _ in sys.stdin:
        if side == CHECK:
            print(msgspec.json.encode(pair.check()).decode(), flush=True)
            continue
        began = time.perf_counter()
        work()
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
