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
from pathlib import Path
from typing import Any, Final

from ..errors import SettingError
from ..files.text import read_text
from .regimes import PAPER, QUICK, Regime
from .tasks import TASKS

BUILT_IN: Final = {"paper": PAPER, "quick": QUICK}

COUNT: Final = "a whole number of at least 1"
SIZE: Final = "a whole number of at least 1, or 0 for the whole split"
SIZES: Final = "whole numbers of at least 1, each once"
FIELDS: Final[Mapping[str, str]] = {  # what the value of each field must be
    "epochs": COUNT,
    "seeds": COUNT,
    "batch_sizes": SIZES,
    "train_images": SIZE,
    "width": COUNT,
    "test_images": SIZE,
    "attacked_images": SIZE,
    "pgd_steps": COUNT,
    "hessian_images": SIZE,
}


def load_regime(name: str) -> Regime:
    """A built-in regime by its name, or one from a TOML file by its path.

    SettingError: no such name or file, not TOML, an unknown field or task, or a value that is not what it must be.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    try:
        path = Path(name).expanduser()
        if not path.is_file():
            raise FileNotFoundError("there is no such file")
        content = tomllib.loads(read_text(path))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"--regime {name}: is not TOML ({error})") from None
    except (OSError, RuntimeError) as error:  # also a name that is too long; the home of a user who does not exist
        raise SettingError(f"--regime {name}: must be {', '.join(BUILT_IN)} or a TOML file ({error})") from None
    return _regime(content, name)


def _regime(content: dict[str, Any], file: str) -> Regime:
    _known(content, ("name", "base", "all", "tasks"), file)
    base = content.get("base", "quick")
    if base not in [*BUILT_IN]:  # a list, since what TOML holds need not be hashable
        raise SettingError(f"--regime {file}: base = {base!r} must be one of {', '.join(BUILT_IN)}")
    title = content.get("name", Path(file).stem)
    if not isinstance(title, str) or len(title.splitlines()) != 1 or title in BUILT_IN:
        raise SettingError(f"--regime {file}: name = {title!r} must be one line other than {', '.join(BUILT_IN)}")
    tables = _table(content, "tasks", file)
    _known(tables, TASKS, f"{file}, [tasks]")
    shared = checked(_table(content, "all", file), f"--regime {file}, [all]:")
    scales = {
        task: scale.changed(**{**shared, **checked(_table(tables, task, file), f"--regime {file}, [tasks.{task!r}]:")})
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
        raise SettingError(
            f"{where} {name} = {value!r} must be {right}, as in [64, 256, 1024]"
            if right == SIZES
            else f"{where} {name} = {value!r} must be {right}"
        )
    return held(right, value)


def held(right: str, value: Any) -> Any:
    """A checked value as the program holds it: a sorted grid, None for the whole of a split."""
    if right == SIZES:
        return tuple(sorted(value))
    return None if right == SIZE and value == 0 else value


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _grid(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_whole(v, 1) for v in value) and len({*value}) == len(value)


_CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    COUNT: lambda value: _whole(value, 1),
    SIZE: lambda value: _whole(value, 0),
    SIZES: _grid,
}


def from_text(field: str, text: str) -> Any:
    """A field's value from the text of an option; ValueError if it is not what it must be."""
    right = FIELDS[field]
    value = [int(part) for part in text.split(",")] if right == SIZES else int(text)
    if not _CHECKS[right](value):
        raise ValueError(text)
    return held(right, value)
