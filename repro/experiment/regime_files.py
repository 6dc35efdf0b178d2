"""Regimes of a user's own, from a TOML file with the fields of ``Scale`` and ``Reading``. Free of torch.

name = "afternoon"
base = "quick"                 # what is not said here is as there: "quick" (the default), "laptop" or "paper"

[all]                          # for every task
seeds = 5
batch_sizes = [64, 256, 1024]

[tasks."StdCNN-MNIST"]         # for one task, beyond what [all] says
epochs = 40
train_images = 0               # 0 is the whole split
"""

import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import SettingError
from ..files.regular import read_regular
from ..words import did_you_mean, printable
from .fields import FIELDS, TooMuchError, held
from .regimes import LAPTOP, PAPER, QUICK, Regime
from .tasks import TASKS

BUILT_IN: Final = {regime.name: regime for regime in (PAPER, QUICK, LAPTOP)}
MOST: Final = 2**20  # bytes of a file
TABLES: Final = ("name", "base", "all", "tasks")


def load_regime(name: str) -> Regime:
    """A built-in regime by its name, or one from a TOML file by its path.

    SettingError: no such name or file, not TOML, an unknown field or task, or a value that is not what it must be.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    where = f"--regime {printable(name)}"
    try:
        path = Path(name).expanduser()
        if not path.is_file():
            raise FileNotFoundError("there is no such file")
        content = tomllib.loads(read_regular(path, most=MOST, follow=True).decode("utf-8-sig"))
    except (OSError, RuntimeError) as error:  # also a name that is too long; the home of a user who does not exist
        what = "it is nested too deep" if isinstance(error, RecursionError) else printable(str(error))
        raise SettingError(
            f"{where}: must be {', '.join(BUILT_IN)} or a TOML file ({what}){did_you_mean(name, BUILT_IN)}"
        ) from None
    except ValueError as error:  # also a name with a null character
        raise SettingError(f"{where}: is not TOML ({printable(str(error))})") from None
    return _regime(content, path.stem, where)


def _regime(content: dict[str, Any], stem: str, where: str) -> Regime:
    _known(content, TABLES, f"{where}:")
    title, base = content.get("name", stem), content.get("base", "quick")
    if base not in [*BUILT_IN]:  # a list, since what TOML holds need not be hashable
        raise SettingError(f"{where}: base = {printable(repr(base))} must be one of {', '.join(BUILT_IN)}")
    if not isinstance(title, str) or not title or title != printable(title) or title in BUILT_IN:
        raise SettingError(
            f"{where}: name = {printable(repr(title))} must be one line other than {', '.join(BUILT_IN)}"
        )
    tables = _table(content, "tasks", where)
    _known(tables, TASKS, f"{where}, [tasks]:")
    shared = _fields(_table(content, "all", where), f"{where}, [all]:")
    own = {task: _fields(_table(tables, task, where), f"{where}, [tasks.{task!r}]:") for task in tables}
    scales = BUILT_IN[base].scales
    return Regime(title, {task: scale.changed(**{**shared, **own.get(task, {})}) for task, scale in scales.items()})


def _table(content: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    value = content.get(name, {})
    if not isinstance(value, dict):
        raise SettingError(f"{where}: {name} = {printable(repr(value))} must be a table of fields")
    return value


def _known(found: Iterable[str], names: Collection[str], where: str) -> None:
    for name in found:
        if name not in names:
            meant = did_you_mean(name, names)
            raise SettingError(f"{where} {printable(name)} is unknown; known are {', '.join(names)}{meant}")


def _fields(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    _known(values, FIELDS, where)
    return {name: _value(name, value, where) for name, value in values.items()}


def _value(name: str, value: Any, where: str) -> Any:
    kind = FIELDS[name].kind
    try:
        return held(kind.checked(value))
    except TooMuchError as error:
        raise SettingError(f"{where} {name} = {printable(repr(value))} must be {error}") from None
    except ValueError:
        example = ", as in [64, 256, 1024]" if kind.several else ""
        meant = did_you_mean(str(value), kind.known)
        raise SettingError(f"{where} {name} = {printable(repr(value))} must be {kind.right}{example}{meant}") from None
