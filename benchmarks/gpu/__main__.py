"""What the GPU path does on the GPU at hand, in one command and less than ten minutes.

    python -m benchmarks.gpu [--device cuda] [--minutes 9] [--out FILE] [--only A,B]

Sections run in order of worth, each in a process of its own and within its share of the time; what one leaves goes to
the next. The file is written after every row, so a command that is cut short, a section that hangs and a GPU that fails
lose nothing that was measured. What cannot be measured says why. ``--device cpu --small`` shows that all of it works,
with numbers that mean nothing.
"""

import argparse
import importlib.metadata
import json
import platform
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from repro.report.provenance import PACKAGES
from repro.runs.hardware import hardware

from ..results import RESULTS
from . import sections
from .apart import apart
from .tools import Row


def main(arguments: list[str]) -> int:
    chosen = _chosen(arguments)
    if chosen.device == "cuda" and not torch.cuda.is_available():
        print("--device cuda: torch finds no CUDA device; --device cpu --small shows that the script works")
        return 2
    results = Results(chosen.out, chosen.add, device=chosen.device, small=chosen.small, minutes=chosen.minutes)
    end, names = time.monotonic() + 60 * chosen.minutes, [name for name in sections.SECTIONS if name in chosen.only]
    for i, name in enumerate(names):
        left = max(end - time.monotonic() - (0 if chosen.here else sections.START), 0.0)
        seconds = left * sections.SECTIONS[name][0] / sum(sections.SECTIONS[other][0] for other in names[i:])
        section = (name, chosen.device, chosen.small, seconds, results.rows)
        results.take(
            name, sections.rows(*section) if chosen.here else apart(sections.rows, section, seconds + sections.START)
        )
    return 0


def _chosen(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--minutes", type=float, default=9.0, help="for all of it")
    parser.add_argument("--out", type=Path, default=RESULTS / "gpu.json")
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that it works")
    parser.add_argument("--only", default=",".join(sections.SECTIONS), help=f"some of {', '.join(sections.SECTIONS)}")
    parser.add_argument("--add", action="store_true", help="keep what the file has of other sections")
    parser.add_argument("--here", action="store_true", help="all sections in this process")
    chosen = parser.parse_args(arguments)
    chosen.only = chosen.only.split(",")
    if unknown := [name for name in chosen.only if name not in sections.SECTIONS]:
        parser.error(f"--only {unknown[0]}: must be some of {', '.join(sections.SECTIONS)}")
    return chosen


class Results:
    """The file of results, which always holds all that is known."""

    def __init__(self, path: Path, add: bool, **settings: Any) -> None:
        self._path, self._content = path, {"settings": settings, "sections": {}, "hardware": hardware()}
        if add and path.exists():
            self._content = json.loads(path.read_text())
        installed = {dist.name.lower() for dist in importlib.metadata.distributions() if dist.name}
        versions: dict[str, str] = {name: importlib.metadata.version(name) for name in PACKAGES if name in installed}
        self._content["versions"] = {"python": platform.python_version(), **versions}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write()

    @property
    def rows(self) -> dict[str, list[Row]]:
        """What is known of each section."""
        return {name: section["rows"] for name, section in self._content["sections"].items()}

    def take(self, name: str, found: Iterable[Row]) -> None:
        """Write and print each row of a section as soon as it is there."""
        began, told = time.monotonic(), list[Row]()
        section: dict[str, Any] = {"rows": told, "note": "not finished"}
        self._content["sections"][name] = section
        for row in found:
            if "device" in row:
                self._content["hardware"] |= row["device"]
            else:
                told.append(row)
                print(name, *(f"{key} {_cell(value)}" for key, value in row.items()), sep="  ", flush=True)
            self._write()
        del section["note"]
        section["seconds"] = time.monotonic() - began
        self._write()

    def _write(self) -> None:
        whole = self._path.with_suffix(".part")  # nobody finds half a file, whenever this is killed
        whole.write_text(json.dumps(self._content, indent=1) + "\n")
        whole.replace(self._path)


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
