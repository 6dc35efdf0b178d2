"""``repro curves``: the numbers behind a report's curves, a row for each run."""

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ReproError, SettingError
from ..files.text import whole
from ..report.networks import as_csv
from ..report.opened import load
from ..words import counted
from .collecting import enter
from .group import Answer

PARQUET = ".parquet"


def curves(artifacts: Path, output: Path | None, store: Path | None, root: Path | None, folder: str) -> Answer:
    """The rows as CSV, or written into a file: CSV or Parquet, by its name.

    Other claims than the paper's own are collected before, for they enter their tasks. ReproError: there is no report,
    none of its runs is stored, the file cannot be written, or what writes Parquet is not installed.
    """
    if output is not None and output.suffix not in (PARQUET, ".csv"):
        raise SettingError(f"--output {output}: must end in .csv or {PARQUET}")
    if output is not None and output.suffix == PARQUET:
        _require_parquet(output)
    enter(root, folder)
    opened = load(artifacts, store)
    rows, lost = opened.rows(), len(opened.missing)
    if output is None:
        return Answer(as_csv(rows).rstrip("\n"), not lost)
    try:
        with whole(output) as path:
            _write(rows, path, parquet=output.suffix == PARQUET)
    except OSError as error:
        raise SettingError(f"--output {output}: cannot be written ({error.strerror})") from None
    left_out = f"; {counted(lost, 'other')} of the report's are not stored" if lost else ""
    return Answer(f"{counted(len(rows), 'run')} written to {output}{left_out}", not lost)


def _write(rows: Sequence[Mapping[str, Any]], path: Path, *, parquet: bool) -> None:
    if parquet:
        import pandas

        pandas.DataFrame(rows).to_parquet(path)
    else:
        path.write_text(as_csv(rows), encoding="utf-8", newline="")


def _require_parquet(output: Path) -> None:
    lacking = [name for name in ("pandas", "pyarrow") if importlib.util.find_spec(name) is None]
    if lacking:
        names = " and ".join(lacking)
        raise ReproError(
            f"--output {output}: Parquet is written by pandas with pyarrow; install {names}, or name a .csv"
        )
