"""Where the measured rates of a machine are kept: a JSON file in the user's cache folder. Free of torch on a CPU.

One file for each machine (host, processor, cores, device, torch), since a home folder may be shared. The environment
variable ``REPRO_RATES`` names another file instead, which may be another machine's: a plan for a cluster is made on a
laptop.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import SettingError
from ..files.text import read_text, write_text
from ..science.data.sources import cache_folder
from .hardware import hardware
from .rates import BUILT_IN, TIMINGS, Rates, Speed, Timing

ENVIRONMENT: Final = "REPRO_RATES"
FORMAT: Final = 3  # raise it when what is measured changes
CALIBRATE: Final = "`python -m repro calibrate` measures this machine in a minute"


@dataclass(frozen=True)
class Known:
    """The rates to plan with, and a line that says where they are from."""

    rates: Rates
    says: str


def machine(device: str) -> dict[str, Any]:
    """What rates depend on; ``device`` is "cpu" or "cuda"."""
    return {
        "host": platform.node(),
        "processor": hardware()["processor"],
        "cores": os.cpu_count(),
        "device": device if device == "cpu" else _gpu(),
        "torch": importlib.metadata.version("torch"),
    }


def _gpu() -> str:
    import torch  # a session on a GPU imports it anyway

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"


def path_for(device: str) -> Path:
    """The file of this machine's rates: the one that the user named, else one in the cache folder."""
    if named := os.environ.get(ENVIRONMENT):
        return Path(named).expanduser()
    key = hashlib.sha256(json.dumps(machine(device), sort_keys=True).encode()).hexdigest()[:12]
    return cache_folder() / "rates" / f"{device}-{key}.json"


def save(rates: Rates, date: str) -> Path:
    """Keep this machine's rates; SettingError where the file cannot be written."""
    path = path_for(rates.device)
    content = {"format": FORMAT, "kind": rates.device, "date": date, "machine": machine(rates.device)}
    text = json.dumps({**content, "rates": asdict(rates)}, indent=1, allow_nan=False) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise SettingError(
            f"{path}: the rates cannot be kept there ({error.strerror}); {ENVIRONMENT} names another"
        ) from error
    return path


def known(device: str) -> Known:
    """The rates to plan with on this machine: measured ones, else the built-in ones and why."""
    path = path_for(device)
    try:
        content = json.loads(read_text(path))
        rates, date, where = _rates(content["rates"]), str(content["date"]), dict(content["machine"])
        if content["format"] != FORMAT:
            return _built_in(f"{path} was written by another version")
        if content["kind"] != device:
            return _built_in(f"{path} has the rates of a {content['kind']} device")
    except FileNotFoundError:
        return _built_in(f"{ENVIRONMENT} {path}: there is no such file" if os.environ.get(ENVIRONMENT) else "")
    except OSError as error:
        return _built_in(f"{path} cannot be read ({error.strerror})")
    except (ValueError, KeyError, TypeError, AttributeError):
        return _built_in(f"{path} is damaged, or no file of rates")
    here = where == machine(device)
    if not here and not os.environ.get(ENVIRONMENT):
        return _built_in(f"{path} is of another machine, {where.get('host')}")
    name = "this machine" if here else f"{where.get('host')} ({where.get('device')}, {where.get('processor')})"
    return Known(rates, f"estimated with the rates of {name}, measured on {date}, {rates.beside}")


def _built_in(fault: str) -> Known:
    ignored = f"{fault}, and is ignored; " if fault else ""
    return Known(BUILT_IN, f"estimated with {BUILT_IN.origin}; {ignored}{CALIBRATE}")


def _rates(stored: dict[str, Any]) -> Rates:
    networks = {
        name: {int(width): _speed(speed) for width, speed in widths.items()}
        for name, widths in stored["networks"].items()
    }
    missing = set(BUILT_IN.networks) - {name for name, widths in networks.items() if widths}
    if missing:
        raise ValueError(f"no rates of {missing}")
    seconds = {name: _seconds(stored[name]) for name in ("start", "verdict", "figure")}
    return Rates(str(stored["origin"]), str(stored["device"]), networks, **seconds, processes=int(stored["processes"]))


def _speed(stored: dict[str, Any]) -> Speed:
    timings = {name: _timing(stored[name]["points"]) for name in TIMINGS}
    return Speed(**timings, fixed=_seconds(stored["fixed"]), kept=_seconds(stored["kept"]))


def _timing(points: list[list[float]]) -> Timing:
    return Timing(tuple((int(images), _seconds(seconds)) for images, seconds in points))


def _seconds(value: float) -> float:
    if not 0 <= float(value) < float("inf"):
        raise ValueError(f"{value}: must be seconds")
    return float(value)
