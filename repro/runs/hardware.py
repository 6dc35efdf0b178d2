"""The machine a process runs on: its processor and its memory. Free of torch."""

import os
import platform
from pathlib import Path
from typing import Any


def hardware() -> dict[str, Any]:
    """The processor and the memory of this machine."""
    return {"system": platform.platform(), "processor": processor(), "cores": os.cpu_count(), "memory_gib": _memory()}


def processor(info: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name with its family and model, where they are told.

    Virtual machines give several generations one name: families 25 and 26 of "AMD EPYC" have peaks that differ by two.
    """
    lines = info.read_text("utf-8", errors="replace").splitlines() if info.exists() else []
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines))}
    if not (name := told.get("model name")):
        return platform.processor() or platform.machine()
    generation = [f"{word} {told[key]}" for word, key in (("family", "cpu family"), ("model", "model")) if key in told]
    return f"{name} ({', '.join(generation)})" if generation else name


def _memory() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None
