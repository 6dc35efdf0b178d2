"""What the GPU path does on the GPU at hand, in one command and less than ten minutes.

    python -m benchmarks.gpu [--device cuda] [--minutes 9] [--out FILE] [--only A,B]

Sections run in order of importance, each within its share of the time. The file is written after every one of them, so
a command that is cut short leaves what it had. What cannot be measured says why. ``--device cpu --small`` shows that
all of it works, with numbers that mean nothing.
"""

import argparse
import importlib
import importlib.metadata
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from repro.report.provenance import PACKAGES, hardware
from repro.science.memory import keep_freed_memory

from .gpu_tools import NOT_MEASURED, NotMeasuredError, Row, Setting

OUT = Path(__file__).parent / "results" / "gpu.json"


def late(module: str, name: str) -> Callable[[Setting, dict], Row]:
    """A section that is imported when its turn comes: a package that is not installed costs that section alone."""
    return lambda *arguments: getattr(importlib.import_module(f".{module}", __package__), name)(*arguments)


# name, share of the time, what it does
SECTIONS: tuple[tuple[str, float, Callable[[Setting, dict], Row]], ...] = (
    ("peaks", 0.06, late("gpu_peaks", "peaks")),
    ("loops", 0.14, late("gpu_training", "loops")),
    ("cohorts", 0.16, late("gpu_training", "cohorts")),
    ("resnet", 0.16, late("gpu_training", "resnet")),
    ("precision", 0.18, late("gpu_evidence", "precision")),
    ("measures", 0.08, late("gpu_measures", "measures")),
    ("paper", 0.10, late("gpu_measures", "paper")),
    ("session", 0.12, late("gpu_session", "session")),
)
NAMES = [name for name, *_ in SECTIONS]


def main(arguments: list[str]) -> int:
    chosen = _chosen(arguments)
    if chosen.device == "cuda" and not torch.cuda.is_available():
        print("--device cuda: torch finds no CUDA device; --device cpu --small shows that the script works")
        return 2
    torch.set_num_threads(1)
    keep_freed_memory()
    setting = Setting(torch.device(chosen.device), chosen.small)
    began = time.monotonic()
    end, results = began + 60 * chosen.minutes, {}
    content = {"settings": {**vars(chosen), "out": str(chosen.out)}, **_where(setting), "sections": results}
    for name, share, section in SECTIONS:
        if name in chosen.only:
            setting.until = min(time.monotonic() + share * 60 * chosen.minutes, end)
            results[name] = _taken(setting, section, results)
            content["seconds"] = time.monotonic() - began
            chosen.out.parent.mkdir(parents=True, exist_ok=True)
            chosen.out.write_text(json.dumps(content, indent=1) + "\n")
            print(f"{name}: {results[name]['seconds']:.0f} s", file=sys.stderr, flush=True)
    for name, result in results.items():
        print(f"\n{name}", *_table(result.get("rows", [{"note": result.get("note", "")}])), sep="\n")
    return 0


def _chosen(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--minutes", type=float, default=9.0, help="for all of it")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that it works")
    parser.add_argument("--only", default=",".join(NAMES), help=f"some of {', '.join(NAMES)}")
    chosen = parser.parse_args(arguments)
    chosen.only = chosen.only.split(",")
    if unknown := [name for name in chosen.only if name not in NAMES]:
        parser.error(f"--only {unknown[0]}: must be some of {', '.join(NAMES)}")
    return chosen


def _taken(setting: Setting, section: Callable[[Setting, dict], Row], results: dict[str, Any]) -> Row:
    """What a section found; a section that breaks says so and loses no other."""
    began = time.monotonic()
    try:
        found = section(setting, results)
    except NotMeasuredError as error:
        found = {"note": f"{NOT_MEASURED}{error}"}
    except Exception as error:
        found = {"note": f"{NOT_MEASURED}{type(error).__name__}: {str(error)[:300]}"}
    if setting.cuda:
        torch.cuda.empty_cache()
    return {**found, "seconds": time.monotonic() - began}


def _where(setting: Setting) -> dict[str, Any]:
    installed = {dist.name.lower() for dist in importlib.metadata.distributions() if dist.name}
    versions = {name: importlib.metadata.version(name) for name in PACKAGES if name in installed}
    machine = hardware()
    if setting.cuda:
        card = torch.cuda.get_device_properties(0)
        machine |= {
            "gpu": card.name,
            "gpu_memory_gib": round(card.total_memory / 2**30, 1),
            "multiprocessors": card.multi_processor_count,
        }
        versions |= {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}
    return {"versions": {"python": sys.version.split()[0], **versions}, "hardware": machine}


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
