"""What the GPU path does on the GPU at hand, in one command and less than ten minutes.

    python -m benchmarks.gpu [--device cuda] [--minutes 9] [--out FILE] [--only A,B]

Sections run in order of worth, each in a process of its own and within its share of the time; what one leaves goes to
the next. The file is written after every row, so a command that is cut short, a section that hangs and a GPU that fails
lose nothing that was measured. What cannot be measured says why. ``--device cpu --small`` shows that all of it works,
with numbers that mean nothing.
"""

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch

from repro.report.provenance import PACKAGES
from repro.runs.hardware import hardware
from repro.science.computing.memory import keep_freed_memory

from ..results import RESULTS
from .tools import NOT_MEASURED, Case, Row, Section, Setting, broke

ROOT: Final = Path(__file__).parents[2]
START: Final = 15.0  # seconds that a process may take to start and to end


def late(module: str, name: str) -> Section:
    """A section that is imported when its turn comes: a package that is not installed costs that section alone."""

    def cases(setting: Setting, known: Mapping[str, list[Row]]) -> Iterator[Case]:
        yield from getattr(importlib.import_module(f".{module}", __package__), name)(setting, known)

    return cases


SECTIONS: dict[str, tuple[float, Section]] = {  # with its share of the time
    "tasks": (0.18, late("tasks", "tasks")),
    "loops": (0.13, late("training", "loops")),
    "cohorts": (0.13, late("training", "cohorts")),
    "peaks": (0.03, late("measures", "peaks")),
    "resnet": (0.15, late("training", "resnet")),
    "precision": (0.15, late("precision", "precision")),
    "measures": (0.08, late("measures", "measures")),
    "session": (0.15, late("measures", "session")),
}


def main(arguments: list[str]) -> int:
    chosen = _chosen(arguments)
    if chosen.device == "cuda" and not torch.cuda.is_available():
        print("--device cuda: torch finds no CUDA device; --device cpu --small shows that the script works")
        return 2
    results = Results(chosen)
    began, names = time.monotonic(), [name for name in SECTIONS if name in chosen.only]
    for i, name in enumerate(names):
        left = 60 * chosen.minutes - (time.monotonic() - began) - (0 if chosen.here else START)
        seconds = max(left, 0.0) * SECTIONS[name][0] / sum(SECTIONS[other][0] for other in names[i:])
        if chosen.here:
            measure(name, Setting(torch.device(chosen.device), chosen.small, time.monotonic() + seconds), results)
        else:
            results.amend(name, apart(command(chosen, name, seconds), seconds + START))
        results.took(time.monotonic() - began)
    return 0


def _chosen(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--minutes", type=float, default=9.0, help="for all of it")
    parser.add_argument("--out", type=Path, default=RESULTS / "gpu.json")
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that it works")
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"some of {', '.join(SECTIONS)}")
    parser.add_argument("--add", action="store_true", help="keep what the file has of other sections")
    parser.add_argument("--here", action="store_true", help="all sections in this process")
    chosen = parser.parse_args(arguments)
    chosen.only = chosen.only.split(",")
    if unknown := [name for name in chosen.only if name not in SECTIONS]:
        parser.error(f"--only {unknown[0]}: must be some of {', '.join(SECTIONS)}")
    return chosen


class Results:
    """The file of results, which always holds all that is known."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self._path: Path = chosen.out
        told = {"device": chosen.device, "small": chosen.small, "minutes": chosen.minutes}
        self._content: dict[str, Any] = {"settings": told, "sections": {}}
        if chosen.add and self._path.exists():
            self._content = json.loads(self._path.read_text())
        if chosen.here:  # where each section has a process of its own, this one leaves the GPU alone
            self._content |= _where(chosen.device)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._write()

    @property
    def rows(self) -> dict[str, list[Row]]:
        """What is known of each section."""
        return {name: found["rows"] for name, found in self._content["sections"].items()}

    def put(self, name: str, rows: list[Row], **further: Any) -> None:
        """Know this of a section, and nothing else."""
        self._content["sections"][name] = {"rows": rows, **further}
        self._write()

    def amend(self, name: str, why: str | None) -> None:
        """Read what a section's own process wrote; where that came to a bad end, add why."""
        self._content = json.loads(self._path.read_text())
        if why is not None:
            self.put(name, self.rows.get(name, []), note=f"{NOT_MEASURED}{why}")
            print(f"{name}: {why}", flush=True)

    def took(self, seconds: float) -> None:
        """Note the seconds of all sections so far."""
        self._content["seconds"] = seconds
        self._write()

    def _write(self) -> None:
        whole = self._path.with_suffix(".part")  # nobody finds half a file, whenever this is killed
        whole.write_text(json.dumps(self._content, indent=1) + "\n")
        whole.replace(self._path)


def measure(name: str, setting: Setting, results: Results) -> None:
    """A section in this process: each row is in the file as soon as it is measured."""
    torch.set_num_threads(1)
    keep_freed_memory()
    rows: list[Row] = []
    began, end = time.monotonic(), {}
    results.put(name, rows, note="not finished")
    try:
        for case in SECTIONS[name][1](setting, results.rows):
            rows.append(case.row(setting))
            results.put(name, rows, note="not finished")
    except Exception as error:  # the section itself, not one of its cases
        end["note"] = broke(error)
    results.put(name, rows, **end, seconds=time.monotonic() - began)
    print(f"\n{name}", *_table([*rows, *([end] if end else [])]), sep="\n", flush=True)


def command(chosen: argparse.Namespace, name: str, seconds: float) -> list[str]:
    """A section as a command of its own, which adds what it finds to the file."""
    where = ["--device", chosen.device, "--out", str(chosen.out.resolve()), *(["--small"] if chosen.small else [])]
    alone = ["--here", "--add", "--only", name, "--minutes", str(seconds / 60)]
    return [sys.executable, "-m", "benchmarks.gpu", *alone, *where]


def apart(command: list[str], seconds: float) -> str | None:
    """Run a command for so many seconds at most, and end it then with all that it began; why it came to a bad end."""
    with subprocess.Popen(command, cwd=ROOT, process_group=0) as process:
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            return f"ended after {seconds:.0f} s, which was all its time"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return None if status == 0 else f"its process ended with status {status}"


def _where(device: str) -> dict[str, Any]:
    installed = {dist.name.lower() for dist in importlib.metadata.distributions() if dist.name}
    versions: dict[str, str] = {name: importlib.metadata.version(name) for name in PACKAGES if name in installed}
    machine = hardware()
    if device == "cuda":
        card = torch.cuda.get_device_properties(0)
        machine |= {"gpu": card.name, "gpu_memory_gib": round(card.total_memory / 2**30, 1)}
        machine |= {"multiprocessors": card.multi_processor_count}
        versions |= {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}
    return {"versions": {"python": platform.python_version(), **versions}, "hardware": machine}


def _table(rows: list[Row]) -> list[str]:
    """Rows under the union of their columns."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [columns, *([_cell(row.get(name, "")) for name in columns] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
