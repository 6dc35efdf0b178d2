"""`make bench`: what the harness's hot paths cost, as ratios against what a user would otherwise write.

    python -m benchmarks [NAME ...]     all, or those named

Each ratio is peer time over ours on the same work in the same process, alternating, on one thread: above 1 we are
faster. The middle and the range over repeats are printed beside the last stored result, and stored with versions and
hardware.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from repro.report.provenance import hardware, versions

from . import attacks, eigenvalue, training

RESULTS = Path(__file__).parent / "results"
REPEATS = 5
BENCHMARKS = {**training.CASES, **attacks.CASES, **eigenvalue.CASES}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"unknown benchmark {unknown[0]}: choose from {', '.join(BENCHMARKS)}")
        return 2
    torch.set_num_threads(1)
    RESULTS.mkdir(exist_ok=True)
    print(f"{'benchmark':<28}{'ratio':>7}{'range':>16}{'ours':>10}{'peer':>10}   last stored")
    for name in names or BENCHMARKS:
        last = _stored(name)
        result = measure(*BENCHMARKS[name]())
        low, high = result["range"]
        times = f"{result['ours_seconds']:>9.3f}s{result['peer_seconds']:>9.3f}s"
        print(f"{name:<28}{result['ratio']:>7.2f}{f'{low:.2f} - {high:.2f}':>16}{times}   {last}", flush=True)
        content = {"benchmark": name, **result, "versions": versions(), "hardware": hardware()}
        (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    return 0


def measure(ours: Callable[[], None], peer: Callable[[], None]) -> dict[str, object]:
    """Both timed in turn, after one round to warm up."""
    pairs = [(_seconds(ours), _seconds(peer)) for _ in range(REPEATS + 1)][1:]
    ratios = [theirs / own for own, theirs in pairs]
    return {
        "ratio": statistics.median(ratios),
        "range": [min(ratios), max(ratios)],
        "ours_seconds": statistics.median(own for own, _ in pairs),
        "peer_seconds": statistics.median(theirs for _, theirs in pairs),
    }


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _stored(name: str) -> str:
    path = RESULTS / f"{name}.json"
    return f"{json.loads(path.read_text())['ratio']:.2f}" if path.exists() else "none"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
