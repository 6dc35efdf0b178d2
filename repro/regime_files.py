"""Regimes of a user's own, from a TOML file with the fields of ``Scale`` and ``Reading``. Free of torch.

name = "afternoon"
base = "quick"                 # what is not said here is as there: "quick" (the default) or "paper"

[all]                          # for every task
seeds = 5
batch_sizes = [64, 256, 1024]

[tasks."StdCNN-MNIST"]         # for one task, beyond what [all] says
epochs = 40
train_images = 0               # 0 is the whole split
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from .errors import SettingError
from .regimes import PAPER, QUICK, Regime, Scale
from .science.tasks import TASKS

BUILT_IN: Final = {"paper": PAPER, "quick": QUICK}

# every field: what a value must be, in words, and the check
_COUNT: Final = "a whole number of at least 1"
_SIZE: Final = "a whole number of at least 1, or 0 for the whole split"
_GRID: Final = "whole numbers of at least 1, each once, as in [64, 256, 1024]"
FIELDS: Final[Mapping[str, str]] = {
    "epochs": _COUNT,
    "seeds": _COUNT,
    "batch_sizes": _GRID,
    "train_images": _SIZE,
    "width": _COUNT,
    "test_images": _SIZE,
    "attacked_images": _SIZE,
    "pgd_steps": _COUNT,
    "hessian_images": _SIZE,
}
READING: Final = ("test_images", "attacked_images", "pgd_steps", "hessian_images")


def load_regime(name: str) -> Regime:
    """A built-in regime by its name, or one from a TOML file by its path.

    SettingError: no such name or file, not TOML, an unknown field or task, or a value that is not what it must be.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    path = Path(name).expanduser()
    if not path.is_file():
        raise SettingError(f"--regime {name}: must be {', '.join(BUILT_IN)} or a TOML file, and there is no such file")
    try:
        content = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"--regime {name}: is not TOML ({error})") from None
    return _regime(content, name)


def _regime(content: dict[str, Any], file: str) -> Regime:
    _known(content, ("name", "base", "all", "tasks"), file)
    base = content.get("base", "quick")
    if base not in BUILT_IN:
        raise SettingError(f"--regime {file}: base = {base!r} must be one of {', '.join(BUILT_IN)}")
    title = content.get("name", Path(file).stem)
    if not isinstance(title, str) or title in BUILT_IN:
        raise SettingError(f"--regime {file}: name = {title!r} must be a text other than {', '.join(BUILT_IN)}")
    tables = _table(content, "tasks", file)
    _known(tables, TASKS, f"{file}, [tasks]")
    shared = checked(_table(content, "all", file), f"--regime {file}, [all]:")
    scales = {
        task: changed(scale, {**shared, **checked(_table(tables, task, file), f"--regime {file}, [tasks.{task!r}]:")})
        for task, scale in BUILT_IN[base].scales.items()
    }
    return Regime(title, scales)


def _table(content: Mapping[str, Any], name: str, file: str) -> dict[str, Any]:
    value = content.get(name, {})
    if not isinstance(value, dict):
        raise SettingError(f"--regime {file}: {name} = {value!r} must be a table of fields")
    return value


def _known(found: Mapping[str, Any], names: Any, where: str) -> None:
    for name in found:
        if name not in names:
            raise SettingError(f"--regime {where}: {name} is unknown; known are {', '.join(names)}")


def checked(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Fields with values as the program holds them (0 for a whole split becomes None); SettingError for a wrong one."""
    for name in values:
        if name not in FIELDS:
            raise SettingError(f"{where} {name} is unknown; known are {', '.join(FIELDS)}")
    return {name: _value(name, value, where) for name, value in values.items()}


def _value(name: str, value: Any, where: str) -> Any:
    right = FIELDS[name]
    if not _CHECKS[right](value):
        raise SettingError(f"{where} {name} = {value!r} must be {right}")
    if right == _GRID:
        return tuple(sorted(value))
    return None if right == _SIZE and value == 0 else value


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


_CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    _COUNT: lambda value: _whole(value, 1),
    _SIZE: lambda value: _whole(value, 0),
    _GRID: lambda value: (
        isinstance(value, list) and bool(value) and all(_whole(v, 1) for v in value) and len(set(value)) == len(value)
    ),
}


def changed(scale: Scale, values: Mapping[str, Any]) -> Scale:
    """A scale with checked fields replaced, those of its reading among them."""
    reading = {name: value for name, value in values.items() if name in READING}
    rest = {name: value for name, value in values.items() if name not in READING}
    return replace(scale, reading=replace(scale.reading, **reading), **rest)
