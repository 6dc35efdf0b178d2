"""`make bench`: what the harness's hot paths cost, as ratios against what a user would otherwise write.

    python -m benchmarks [NAME ...]     those whose names begin so; all but the longest if none is named

Each ratio is peer over ours on the same work: above 1 we are better. Both sides have a process of their own, take turns
and use one thread. The middle and the range over repeats are printed beside the last stored result, and stored with
versions and hardware. A figure that is worse than the last by more than its spread is marked WORSE, one that falls
short of what was asked for has a "!". The exit status is 1 if a benchmark could not be measured, or if its two sides
did not do the same work.
"""

import importlib.metadata
import os
import sys
import tempfile
from collections.abc import Iterable

from repro.errors import ReproError, error_line

from . import results
from .cases import APART, CASES
from .sides import BenchmarkError
from .speed.networks import FOLDER


def main(names: list[str]) -> int:
    wanted = chosen(names)
    if isinstance(wanted, str):
        print(wanted)
        return 2
    print(results.HEAD)
    with tempfile.TemporaryDirectory(prefix="repro-benchmarks-") as folder:
        os.environ[FOLDER] = folder
        went_well = [_measured(name) for name in wanted]
    return 0 if all(went_well) else 1


def chosen(names: Iterable[str]) -> list[str] | str:
    """The benchmarks whose names begin with one of these, in their order; or what is wrong with the names."""
    names = list(names)
    if not names:
        return [case for case in CASES if case not in APART]
    for name in names:
        if not any(case.startswith(name) for case in CASES):
            return f"unknown benchmark {name}: choose from {', '.join(CASES)}"
    return [case for case in CASES if case.startswith(tuple(names))]


def _measured(name: str) -> bool:
    """Measure, print and store one benchmark; whether that went well."""
    case = CASES[name]
    if missing := lacking(case.peers):
        print(f"{name}: not measured, for {missing} is not installed; `make bench` installs it", flush=True)
        return False
    last = results.stored(name)
    try:
        result = case.run(name)
    except (BenchmarkError, ReproError) as error:
        print(f"{name}: {error_line(error)}", flush=True)
        return False
    for fault in result.faults:
        print(f"{name}: FAULT: {fault}", flush=True)
    if result.faults:
        return False
    print("\n".join(results.rows(name, result, last)), flush=True)
    results.store(name, result, case.peers)
    return True


def lacking(peers: Iterable[str]) -> str:
    """The first of these packages that is not installed, or nothing."""
    for peer in peers:
        try:
            importlib.metadata.version(peer)
        except importlib.metadata.PackageNotFoundError:
            return peer
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
