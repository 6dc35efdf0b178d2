"""`make bench`: what the harness's hot paths cost, as ratios against what a user would otherwise write.

    python -m benchmarks [NAME ...]     all, or those named

Each ratio is peer time over ours on the same work: above 1 we are faster. Both sides have a process of their own, take
turns and use one thread. The middle and the range over repeats are printed beside the last stored result, and stored
with versions and hardware.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from repro.report.provenance import hardware, versions

from .cases import CASES
from .side import OURS, PEER

RESULTS = Path(__file__).parent / "results"
REPEATS = 5


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in CASES]
    if unknown:
        print(f"unknown benchmark {unknown[0]}: choose from {', '.join(CASES)}")
        return 2
    RESULTS.mkdir(exist_ok=True)
    print(f"{'benchmark':<28}{'ratio':>7}{'range':>16}{'ours':>10}{'peer':>10}   last stored")
    for name in names or CASES:
        last = _stored(name)
        result = measure(name)
        low, high = result["range"]
        times = f"{result['ours_seconds']:>9.3f}s{result['peer_seconds']:>9.3f}s"
        print(f"{name:<28}{result['ratio']:>7.2f}{f'{low:.2f} - {high:.2f}':>16}{times}   {last}", flush=True)
        content = {"benchmark": name, **result, "versions": versions(), "hardware": hardware()}
        (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    return 0


def measure(name: str) -> dict[str, object]:
    """Both sides timed in turn."""
    with Side(name, OURS) as ours, Side(name, PEER) as peer:
        pairs = [(ours.seconds(), peer.seconds()) for _ in range(REPEATS)]
    ratios = [theirs / own for own, theirs in pairs]
    return {
        "ratio": statistics.median(ratios),
        "range": [min(ratios), max(ratios)],
        "ours_seconds": statistics.median(own for own, _ in pairs),
        "peer_seconds": statistics.median(theirs for _, theirs in pairs),
    }


class Side:
    """A process that does one side's work when told to."""

    def __init__(self, name: str, side: str) -> None:
        command = [sys.executable, "-m", "benchmarks.side", name, side]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def seconds(self) -> float:
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait()


def _stored(name: str) -> str:
    path = RESULTS / f"{name}.json"
    return f"{json.loads(path.read_text())['ratio']:.2f}" if path.exists() else "none"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
