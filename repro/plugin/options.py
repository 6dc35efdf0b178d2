"""The command line: options of `pytest claims`, and the settings they stand for. Free of torch."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import pytest

from ..errors import SettingError
from ..regimes import PAPER, QUICK, Regime

ARTIFACTS: Final = "artifacts"
T = TypeVar("T")


@dataclass(frozen=True)
class Settings:
    """What the user asked of a session."""

    regime: Regime
    gpu: bool
    data_root: str | None
    artifacts: Path
    store: Path
    plan: bool
    strict: bool
    verdicts_ok: bool


def add_options(parser: pytest.Parser) -> None:
    """Declare the options. Values are checked in ``settings``, which can say in one line what would be right."""
    group = parser.getgroup("claims", "the paper's claims")
    group.addoption("--quick", action="store_true", help="reduced data and training: minutes on a CPU")
    group.addoption("--gpu", action="store_true", help="train and measure on CUDA; workers share the visible GPUs")
    group.addoption("--data-root", metavar="DIR", help="folder with the data sets as torchvision lays them out")
    group.addoption("--artifacts", metavar="DIR", default=ARTIFACTS, help="where the report goes (default: artifacts)")
    group.addoption("--store", metavar="DIR", help="where runs are kept (default: the folder store in the artifacts)")
    group.addoption("--seeds", metavar="N", help="seeds for each run")
    group.addoption("--epochs", metavar="N", help="epochs of training")
    group.addoption("--batch-sizes", metavar="A,B,...", help="the grid, as in 64,256,1024")
    group.addoption("--plan", action="store_true", help="say what would be trained and what is stored; train nothing")
    group.addoption("--strict-claims", action="store_true", help="an inconclusive claim fails")
    group.addoption(
        "--verdicts-ok",
        action="store_true",
        help="exit status 0 when every claim got a verdict, whatever it is: the status speaks of the machinery alone",
    )


def settings(config: pytest.Config) -> Settings:
    """Check the options. SettingError: one line that names the option, its value and what would be right."""
    get = config.getoption
    regime = QUICK if get("--quick") else PAPER
    regime = regime.overridden(
        seeds=_whole_number("--seeds", get("--seeds")),
        epochs=_whole_number("--epochs", get("--epochs")),
        batch_sizes=_grid(get("--batch-sizes")),
    )
    artifacts = _folder("--artifacts", get("--artifacts"))
    return Settings(
        regime=regime,
        gpu=get("--gpu"),
        data_root=get("--data-root"),
        artifacts=artifacts,
        store=_folder("--store", get("--store")) if get("--store") else artifacts / "store",
        plan=get("--plan"),
        strict=get("--strict-claims"),
        verdicts_ok=get("--verdicts-ok"),
    )


def _whole_number(option: str, text: str | None) -> int | None:
    return None if text is None else _parsed(option, text, _positive, "a whole number of at least 1")


def _grid(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    return _parsed("--batch-sizes", text, _ascending, "whole numbers of at least 1, each once, as in 64,256,1024")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _ascending(text: str) -> tuple[int, ...]:
    sizes = [_positive(part) for part in text.split(",")]
    if len(set(sizes)) < len(sizes):
        raise ValueError
    return tuple(sorted(sizes))


def _parsed(option: str, text: str, parse: Callable[[str], T], right: str) -> T:
    try:
        return parse(text)
    except ValueError:
        raise SettingError(f"{option} {text}: must be {right}") from None


def _folder(option: str, text: str) -> Path:
    try:
        path = Path(text).expanduser().absolute()
        existing = next(p for p in (path, *path.parents) if p.exists())
    except (OSError, RuntimeError) as error:  # a name that is too long; the home of a user who does not exist
        raise SettingError(f"{option} {text}: must be a folder ({error})") from None
    if not existing.is_dir():
        raise SettingError(f"{option} {text}: must be a folder, and {existing} is a file")
    if not os.access(existing, os.W_OK):
        raise SettingError(f"{option} {text}: must be a folder that can be written to, and {existing} is not")
    return path
