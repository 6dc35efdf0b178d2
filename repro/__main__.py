"""``python -m repro``, and the script ``repro``; see repro.cli."""

import os
import sys


def _here(folder: str) -> bool:
    try:
        return os.path.samefile(folder or os.curdir, os.curdir)  # noqa: PTH121  # pathlib would come from here
    except OSError:
        return False


# ``python -m`` and an empty part of PYTHONPATH import from the current folder, and reports are checked where they were
# unpacked: unless this package lies there itself, nothing else is imported from there.
if not _here(os.path.dirname(os.path.dirname(__file__))):  # noqa: PTH120
    sys.path[:] = [folder for folder in sys.path if not _here(folder)]

from .cli import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
